/* The deadlines of HTTP/2 on a connection, and its end by the server. */
#include "control/api/exchange.h"
#include "control/api/http2_link_private.h"

static void time_out(struct http2_link *link)
{
    metric_add(&server_metrics.timed_out, 1);
    http2_server_end(link->session, HTTP2_FAREWELL_GOODBYE);
}

/* The peer does not take an answer: it is given up; and the connection with it when further requests
 * wait for the room that it takes, since they would end no better. */
static void give_up(struct http2_carrier *carrier, int64_t now_us)
{
    struct http2_link *link = carrier->link;

    if (!list_is_empty(&link->ready)) {
        time_out(link);
        return;
    }
    metric_add(&server_metrics.timed_out, 1);
    http2_server_cancel(link->session, &carrier->stream);
    carrier->since_us = now_us;
}

/* True when the stream's answer waits for the peer, though not for this stream's own window. */
static bool tick_answer(struct http2_carrier *carrier, int64_t now_us)
{
    const struct http2_server_stream *stream = &carrier->stream;

    if (!http2_server_is_blocked(carrier->link->session, stream))
        return stream->body.len > 0;
    if (connection_is_too_slow(carrier->since_us, now_us, CONNECTION_WRITE_GRACE_US,
                               stream->body_bytes))
        give_up(carrier, now_us);
    return false;
}

/* A body waits for us as long as it is not taken; that is not the peer's fault. */
static void tick_body(struct http2_carrier *carrier, int64_t now_us)
{
    const struct exchange *exchange = carrier->carrier.exchange;
    bool waits_for_us = exchange_wants_admission(exchange) || http2_carrier_wants_window(carrier);

    if (!exchange_is_overdue(exchange, now_us) &&
        (waits_for_us || !connection_is_too_slow(carrier->since_us, now_us,
                                                 CONNECTION_BODY_GRACE_US, carrier->body_bytes)))
        return;
    metric_add(&server_metrics.timed_out, 1);
    http2_carrier_refuse(carrier, 408, "request_timeout", "The request did not arrive in time.");
}

/* True when the stream's answer waits for the peer. */
static bool tick_stream(struct http2_carrier *carrier, int64_t now_us)
{
    switch (carrier->state) {
    case HTTP2_BODY:
        tick_body(carrier, now_us);
        break;
    case HTTP2_RUNNING:
        exchange_tick(carrier->carrier.exchange, now_us);
        break;
    case HTTP2_ANSWERED:
        return tick_answer(carrier, now_us);
    case HTTP2_READY:
    case HTTP2_WAITING: /* for its session, which has deadlines of its own */
        break;
    }
    return false;
}

static uint64_t sent_bytes(const struct http2_link *link)
{
    uint64_t bytes = link->sent_bytes;

    LIST_FOREACH (entry, &link->carriers)
        bytes += container_of(entry, struct http2_carrier, entry)->stream.body_bytes;
    return bytes;
}

/* Answers share what the peer takes: all together have to go on. */
static void tick_answers(struct http2_link *link, bool is_waiting, int64_t now_us)
{
    if (!is_waiting) {
        link->blocked_us = 0;
    } else if (link->blocked_us == 0) {
        link->blocked_us = now_us;
        link->blocked_bytes = sent_bytes(link);
    } else if (connection_is_too_slow(link->blocked_us, now_us, CONNECTION_WRITE_GRACE_US,
                                      sent_bytes(link) - link->blocked_bytes)) {
        time_out(link);
    }
}

static void tick_idle(struct http2_link *link, int64_t now_us)
{
    if (now_us > link->idle_us + CONNECTION_IDLE_US)
        http2_server_end(link->session, HTTP2_FAREWELL_GOODBYE);
    else if (now_us > link->idle_us + CONNECTION_REST_US)
        http2_server_rest(link->session);
}

void http2_link_tick(struct http2_link *link, int64_t now_us)
{
    int64_t awaits_since_us = http2_server_awaits_since_us(link->session);
    bool is_waiting = false;

    link->is_busy = true;
    LIST_FOREACH_SAFE (entry, &link->carriers)
        is_waiting |= tick_stream(container_of(entry, struct http2_carrier, entry), now_us);
    tick_answers(link, is_waiting, now_us);
    if (awaits_since_us != 0 && now_us > awaits_since_us + CONNECTION_HEAD_US)
        time_out(link);
    else if (list_is_empty(&link->carriers))
        tick_idle(link, now_us);
    link->is_busy = false;
    http2_link_flush(link);
}

/* What waits for something to happen would wait until the end. */
static void cancel_waiting(struct http2_link *link)
{
    LIST_FOREACH (entry, &link->carriers) {
        struct http2_carrier *carrier = container_of(entry, struct http2_carrier, entry);

        if (carrier->state == HTTP2_WAITING)
            http2_server_cancel(link->session, &carrier->stream);
    }
}

void http2_link_drain(struct http2_link *link)
{
    if (link->drain_steps == 0 && !list_is_empty(&link->carriers)) {
        http2_server_drain(link->session);
        link->drain_steps = 1;
    } else {
        for (; link->drain_steps < 2; link->drain_steps++)
            http2_server_drain(link->session);
        cancel_waiting(link);
    }
    http2_link_flush(link);
}
