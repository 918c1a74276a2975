/*
 * The state machine of a connection. connection_advance() is its heart: it lets the state take what
 * is there, and stops when it has to wait: for the socket, for the exchange, or for the output to
 * drain.
 */
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/tls.h"

#include "control/api/answer.h"
#include "control/api/connection_private.h"
#include "control/api/exchange.h"
#include "control/api/http2_link.h"
#include "control/api/live_link.h"

static void free_connection(void *argument)
{
    struct connection *connection = argument;

    connection_release_input(connection);
    http2_link_free(connection->http2);
    buf_clear(&connection->out);
    buf_clear(&connection->tail_owner);
    free(connection);
}

void connection_free_dead(struct connection *connection)
{
    bool is_needed = connection->carrier.exchange ||
                     (connection->http2 && http2_link_is_needed(connection->http2));

    if (connection->state == CONNECTION_DEAD && !is_needed)
        loop_reap(connection->server->config.loop, free_connection, connection);
}

static void watch(struct connection *connection, int wanted)
{
    if (wanted == connection->wanted)
        return;
    ev_io_stop(connection->server->ev, &connection->io);
    connection->wanted = wanted;
    if (wanted == 0)
        return;
    ev_io_set(&connection->io, connection->stream.fd, wanted);
    ev_io_start(connection->server->ev, &connection->io);
}

void connection_set_state(struct connection *connection, enum connection_state state)
{
    connection->state = state;
    connection->since_us = clock_monotonic_us();
}

void connection_close(struct connection *connection, bool reset)
{
    struct server *server = connection->server;

    if (connection->state == CONNECTION_DEAD)
        return;
    watch(connection, 0);
    ev_clear_pending(server->ev, &connection->io);
    stream_close(&connection->stream, reset);
    if (connection->live)
        live_link_free(TAKE(connection->live));
    if (connection->http2)
        http2_link_abandon(connection->http2);
    connection->state = CONNECTION_DEAD;
    list_remove(&connection->link);
    server_forget_connection(server, &connection->peer);
    if (connection->carrier.exchange)
        exchange_abandon(connection->carrier.exchange);
    connection_free_dead(connection);
}

/* Refuses what cannot be answered as a request: one problem, then the end. */
void connection_refuse(struct connection *connection, uint16_t status, const char *code,
                       const char *detail)
{
    connection->close_after = true;
    answer_refusal(&connection->carrier, status, code, detail);
    connection_set_state(connection, CONNECTION_CLOSING);
}

static void discard_input(struct connection *connection)
{
    char waste[4096];
    size_t len;
    enum io io;

    for (int turn = 0; turn < CONNECTION_READS_PER_TURN; turn++) {
        io = stream_read(&connection->stream, waste, sizeof waste, &len);
        if (io == IO_EOF || io == IO_ERROR) {
            connection_close(connection, false);
            return;
        }
        if (io != IO_DONE)
            return;
    }
}

static void begin_linger(struct connection *connection)
{
    shutdown(connection->stream.fd, SHUT_WR);
    connection_set_state(connection, CONNECTION_LINGER);
}

static void go_on_with_handshake(struct connection *connection)
{
    switch (stream_handshake(&connection->stream)) {
    case IO_DONE:
        if (str_equal(tls_protocol(&connection->stream), STR("h2")))
            connection_go_http2(connection);
        else
            connection_set_state(connection, CONNECTION_HEAD);
        break;
    case IO_WANT_READ:
        watch(connection, EV_READ);
        break;
    case IO_WANT_WRITE:
        watch(connection, EV_WRITE);
        break;
    case IO_EOF:
    case IO_ERROR:
        connection_close(connection, false);
        break;
    }
}

/* What the socket has to become ready for, given the state. */
static int wanted_events(const struct connection *connection)
{
    int wanted = connection_has_output(connection) ? EV_WRITE : 0;

    if (connection_wants_input(connection) || connection->state == CONNECTION_LINGER ||
        connection->state == CONNECTION_LIVE || connection->state == CONNECTION_HTTP2)
        wanted |= EV_READ;
    return wanted;
}

static void advance_once(struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_HANDSHAKE:
        go_on_with_handshake(connection);
        break;
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        connection_take_requests(connection);
        break;
    case CONNECTION_LINGER:
        discard_input(connection);
        break;
    case CONNECTION_LIVE:
        connection_take_live_input(connection);
        break;
    case CONNECTION_HTTP2:
        connection_take_http2_input(connection);
        break;
    case CONNECTION_WAITING:
        connection_look_for_end(connection);
        break;
    case CONNECTION_BUSY:
    case CONNECTION_CLOSING:
    case CONNECTION_DEAD:
        break;
    }
}

static bool write_out(struct connection *connection)
{
    if (connection->live)
        return connection_write_out_live(connection);
    if (connection->state == CONNECTION_HTTP2)
        return connection_write_out_http2(connection);
    return connection_write_out(connection);
}

/* Writes what the socket takes, and says what to wait for; false when it is closed by that. */
static bool write_and_watch(struct connection *connection)
{
    if (!write_out(connection))
        return false;
    if (connection->state == CONNECTION_HTTP2 && !connection_has_output(connection) &&
        http2_link_is_over(connection->http2))
        connection_end_http2(connection);
    if (connection->state == CONNECTION_CLOSING && !connection_has_output(connection))
        begin_linger(connection);
    watch(connection, wanted_events(connection));
    return true;
}

void connection_advance(struct connection *connection)
{
    enum connection_state before;

    connection->in_handler = true;
    do {
        before = connection->state;
        advance_once(connection);
    } while (connection->state != before && connection->state != CONNECTION_DEAD);

    if (connection->state != CONNECTION_DEAD && connection->state != CONNECTION_HANDSHAKE) {
        bool full = !connection_has_room(connection);
        bool open = write_and_watch(connection);

        /* Room again, and perhaps requests in the buffer that no event will tell of. Last, because
         * a watcher that is set anew forgets what it was fed. */
        if (open && full && !connection_has_output(connection) && connection_is_reading(connection))
            ev_feed_event(connection->server->ev, &connection->io, EV_READ);
    }
    connection->in_handler = false;
}

void connection_flush(struct connection *connection)
{
    if (connection->in_handler || connection->state == CONNECTION_DEAD)
        return;
    write_and_watch(connection);
}

static void on_ready(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct connection *connection = container_of(watcher, struct connection, io);

    (void)ev;
    if (events & EV_WRITE && connection->state != CONNECTION_HANDSHAKE &&
        !connection_write_out(connection))
        return;
    connection_advance(connection);
}

void connection_new(struct server *server, int fd, const struct addr *peer)
{
    struct connection *connection = NEW(struct connection);

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    connection->server = server;
    connection->carrier =
        (struct carrier){.ops = &connection_carrier_ops, .connection = connection};
    connection->peer = *peer;
    addr_format_ip(peer, connection->peer_text);
    stream_adopt(&connection->stream, fd);
    ev_io_init(&connection->io, on_ready, fd, EV_READ);
    list_append(&server->connections, &connection->link);
    connection_set_state(connection, CONNECTION_HEAD);
    if (server->listener.tls) {
        stream_start_tls_server(&connection->stream, server->listener.tls);
        connection_set_state(connection, CONNECTION_HANDSHAKE);
    }
    watch(connection, EV_READ);
}
