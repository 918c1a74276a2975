/* The connection's side: bytes in and out, and whose turn it is. */
#include "control/api/http2_link.h"

#include "shared/clock.h"
#include "shared/mem.h"

#include "control/api/exchange.h"
#include "control/api/http2_link_private.h"

#define STREAMS_MAX         128
#define FIRST_WINDOW_BYTES  (16 * 1024)
#define UPLOAD_WINDOW_BYTES (256 * 1024)
#define WINDOW_BYTES        (4 * 1024 * 1024) /* all streams' first windows, and the uploads' */
#define BUDGET              2000
#define BUDGET_PER_S        100
#define OUTPUT_CHUNK_BYTES  (16 * 1024)

static const struct http2_server_limits limits = {
    .streams = STREAMS_MAX,
    .target_bytes = TARGET_BYTES_MAX,
    .head_bytes = HEAD_BYTES_MAX,
    .fields = FIELDS_MAX,
    .first_window_bytes = FIRST_WINDOW_BYTES,
    .window_bytes = WINDOW_BYTES,
    .budget = BUDGET,
    .budget_per_s = BUDGET_PER_S,
};

struct http2_link *http2_link_new(struct connection *connection)
{
    struct http2_link *link = NEW(struct http2_link);

    link->connection = connection;
    list_init(&link->carriers);
    list_init(&link->ready);
    link->idle_us = clock_monotonic_us();
    link->session = http2_server_new(&limits, &http2_carrier_stream_ops, link, link->idle_us);
    metric_add(&server_metrics.http2_connections, 1);
    return link;
}

static void count_end(const struct http2_link *link)
{
    enum http2_farewell farewell = http2_server_farewell(link->session);

    metric_add(&server_metrics.http2_connections, -1);
    if (farewell == HTTP2_FAREWELL_CALM)
        metric_add(&server_metrics.http2_calmed, 1);
    else if (farewell == HTTP2_FAREWELL_BROKE)
        metric_add(&server_metrics.http2_broken, 1);
}

void http2_link_abandon(struct http2_link *link)
{
    if (link->is_abandoned)
        return;
    link->is_abandoned = true;
    count_end(link);
    LIST_FOREACH_SAFE (entry, &link->carriers)
        http2_carrier_end(container_of(entry, struct http2_carrier, entry));
}

void http2_link_free(struct http2_link *link)
{
    if (!link)
        return;
    http2_server_free(link->session);
    free(link);
}

bool http2_link_is_needed(const struct http2_link *link)
{
    return link->left > 0;
}

bool http2_link_is_over(const struct http2_link *link)
{
    return http2_server_farewell(link->session) != HTTP2_FAREWELL_NONE;
}

/* Turns --------------------------------------------------------------------------------------- */

void http2_link_run(struct http2_link *link)
{
    while (!link->is_abandoned && !list_is_empty(&link->ready) &&
           link->running < HTTP2_RUNNING_MAX && link->held_bytes < HTTP2_HELD_BYTES_MAX) {
        struct http2_carrier *carrier =
            container_of(list_first(&link->ready), struct http2_carrier, turn);

        http2_carrier_set_state(carrier, HTTP2_RUNNING);
        exchange_run(carrier->carrier.exchange);
    }
}

bool http2_carrier_wants_window(const struct http2_carrier *carrier)
{
    return carrier->state == HTTP2_BODY && !carrier->stream.takes_body &&
           !exchange_wants_admission(carrier->carrier.exchange) &&
           carrier->body_bytes >= FIRST_WINDOW_BYTES / 2;
}

void http2_link_take_bodies(struct http2_link *link)
{
    LIST_FOREACH (entry, &link->carriers) {
        struct http2_carrier *carrier = container_of(entry, struct http2_carrier, entry);

        if (link->uploads == HTTP2_UPLOADS_MAX)
            return;
        if (!http2_carrier_wants_window(carrier))
            continue;
        link->uploads++;
        carrier->since_us = clock_monotonic_us();
        carrier->body_bytes = 0;
        http2_server_take_body(link->session, &carrier->stream, UPLOAD_WINDOW_BYTES);
    }
}

/* Bytes --------------------------------------------------------------------------------------- */

void http2_link_input(struct http2_link *link, struct str bytes)
{
    link->is_busy = true;
    http2_server_receive(link->session, bytes, clock_monotonic_us());
    http2_link_run(link);
    link->is_busy = false;
}

bool http2_link_refill(struct http2_link *link, struct buf *out)
{
    int64_t now_us = clock_monotonic_us();
    bool has_more;

    link->is_busy = true;
    has_more = http2_server_send(link->session, out, OUTPUT_CHUNK_BYTES, now_us);
    http2_link_run(link); /* what has gone has made room */
    if (!has_more)
        has_more = http2_server_send(link->session, out, OUTPUT_CHUNK_BYTES, now_us);
    link->is_busy = false;
    return has_more;
}

void http2_link_flush(struct http2_link *link)
{
    if (link->is_busy || link->is_abandoned)
        return;
    link->is_busy = true;
    http2_link_run(link);
    link->is_busy = false;
    connection_flush(link->connection);
}
