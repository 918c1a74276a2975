/* The deadlines of a connection, by its state; looked at twice a second. */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "control/api/connection_private.h"
#include "control/api/exchange.h"
#include "control/api/http2_link.h"

#define HANDSHAKE_US        10000000
#define LINGER_US           2000000
#define SLOWEST_BYTES_PER_S 1024

bool connection_is_too_slow(int64_t since_us, int64_t now_us, int64_t grace_us, uint64_t bytes)
{
    return now_us > since_us + grace_us + (int64_t)(bytes * 1000000 / SLOWEST_BYTES_PER_S);
}

/* Whether the other side takes too long over what was written. What waits for it in the kernel, it
 * has not taken: that may be all there is, and much. */
static bool reads_too_slowly(struct connection *connection, int64_t now_us)
{
    bool has_output = connection_has_output(connection);
    int64_t since_us = has_output ? connection->write_since_us : connection->unread_since_us;
    uint64_t taken = connection->write_bytes;
    int waiting = 0;

    if (since_us == 0)
        return false;
    if (ioctl(connection->stream.fd, SIOCOUTQ, &waiting) == 0 && waiting > 0)
        taken -= MIN((uint64_t)waiting, taken);
    if (!has_output && waiting <= 0) {
        connection->unread_since_us = 0;
        return false;
    }
    return connection_is_too_slow(since_us, now_us, CONNECTION_WRITE_GRACE_US, taken);
}

/* Ends a request that does not come to its end; an idle connection simply goes. */
static void time_out(struct connection *connection)
{
    metric_add(&server_metrics.timed_out, 1);
    if (connection->carrier.exchange)
        exchange_abandon(connection->carrier.exchange);
    connection_refuse(connection, 408, "request_timeout", "The request did not arrive in time.");
    connection_advance(connection);
}

static void tick_head(struct connection *connection, int64_t now_us)
{
    bool begun = connection->in.len > connection->at;

    if (begun && now_us > connection->since_us + CONNECTION_HEAD_US) {
        time_out(connection);
        return;
    }
    if (!begun && now_us > connection->since_us + CONNECTION_IDLE_US)
        connection_close(connection, false);
    else if (!begun && connection->parser && now_us > connection->since_us + CONNECTION_REST_US)
        connection_release_input(connection);
}

void connection_tick(struct connection *connection, int64_t now_us)
{
    if (reads_too_slowly(connection, now_us)) {
        metric_add(&server_metrics.timed_out, 1);
        connection_close(connection, true);
        return;
    }
    switch (connection->state) {
    case CONNECTION_HANDSHAKE:
        if (now_us > connection->since_us + HANDSHAKE_US)
            connection_close(connection, true);
        break;
    case CONNECTION_HEAD:
        if (!connection_has_output(connection))
            tick_head(connection, now_us);
        break;
    case CONNECTION_BODY:
        if (connection_is_too_slow(connection->since_us, now_us, CONNECTION_BODY_GRACE_US,
                                   connection->body_bytes) ||
            exchange_is_overdue(connection->carrier.exchange, now_us))
            time_out(connection);
        break;
    case CONNECTION_BUSY:
        exchange_tick(connection->carrier.exchange, now_us);
        break;
    case CONNECTION_HTTP2:
        http2_link_tick(connection->http2, now_us);
        break;
    case CONNECTION_LINGER:
        if (now_us > connection->since_us + LINGER_US)
            connection_close(connection, false);
        break;
    case CONNECTION_WAITING: /* for its session, which has deadlines of its own */
    case CONNECTION_LIVE:
    case CONNECTION_CLOSING:
    case CONNECTION_DEAD:
        break;
    }
}
