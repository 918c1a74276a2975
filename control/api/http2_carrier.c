/*
 * A stream's side: it begins with a head, may go on with a body, waits for its turn, runs, and is
 * answered. It may be over at any time; an exchange that a worker has then outlives it.
 */
#include "shared/clock.h"

#include "control/api/answer.h"
#include "control/api/exchange.h"
#include "control/api/http2_link_private.h"

static struct http2_carrier *of_stream(struct http2_server_stream *stream)
{
    return container_of(stream, struct http2_carrier, stream);
}

static struct http2_carrier *of_carrier(struct carrier *carrier)
{
    return container_of(carrier, struct http2_carrier, carrier);
}

void http2_carrier_set_state(struct http2_carrier *carrier, enum http2_carrier_state state)
{
    struct http2_link *link = carrier->link;

    if (carrier->state == HTTP2_READY)
        list_remove(&carrier->turn);
    if (carrier->state == HTTP2_RUNNING)
        link->running--;
    if (carrier->state == HTTP2_BODY && carrier->stream.takes_body) {
        link->uploads--;
        carrier->stream.takes_body = false;
    }
    carrier->state = state;
    carrier->since_us = clock_monotonic_us();
    if (state == HTTP2_READY)
        list_append(&link->ready, &carrier->turn);
    if (state == HTTP2_RUNNING)
        link->running++;
}

/* An exchange of it ------------------------------------------------------------------------- */

static void on_answered(struct carrier *wire)
{
    struct http2_carrier *carrier = of_carrier(wire);

    http2_carrier_set_state(carrier, HTTP2_ANSWERED);
    http2_link_flush(carrier->link);
}

static void take_body(struct http2_carrier *carrier)
{
    if (carrier->head.expect_continue && carrier->head.framing != HTTP_NO_BODY)
        http2_server_continue(carrier->link->session, &carrier->stream);
}

/* It has waited until it was known whose it is: only now its time begins to run. */
static void on_take_body(struct carrier *wire)
{
    struct http2_carrier *carrier = of_carrier(wire);

    take_body(carrier);
    carrier->since_us = clock_monotonic_us();
    http2_link_take_bodies(carrier->link);
    http2_link_flush(carrier->link);
}

static void on_wait(struct carrier *wire)
{
    http2_carrier_set_state(of_carrier(wire), HTTP2_WAITING);
}

static void give_back(struct http2_carrier *carrier)
{
    pool_give(&carrier->link->connection->server->http2_carriers, carrier);
}

/* Nobody has waited for it: the stream is over since long. */
static void on_gone(struct carrier *wire)
{
    struct http2_carrier *carrier = of_carrier(wire);
    struct http2_link *link = carrier->link;

    link->left--;
    link->running--;
    give_back(carrier);
    if (link->is_abandoned)
        connection_free_dead(link->connection);
    else
        http2_link_flush(link);
}

static const struct carrier_ops carrier_ops = {
    .write = http2_answer_write,
    .take_body = on_take_body,
    .answered = on_answered,
    .wait = on_wait,
    .gone = on_gone,
};

void http2_carrier_refuse(struct http2_carrier *carrier, uint16_t status, const char *code,
                          const char *detail)
{
    if (carrier->carrier.exchange)
        exchange_abandon(carrier->carrier.exchange);
    answer_refusal(&carrier->carrier, status, code, detail);
    http2_carrier_set_state(carrier, HTTP2_ANSWERED);
}

void http2_carrier_end(struct http2_carrier *carrier)
{
    struct http2_link *link = carrier->link;
    struct connection *connection = link->connection;

    if (carrier->carrier.exchange)
        exchange_abandon(carrier->carrier.exchange);
    http2_carrier_set_state(carrier, carrier->carrier.exchange ? HTTP2_RUNNING : HTTP2_ANSWERED);
    list_remove(&carrier->entry);
    link->held_bytes -= carrier->answer.len;
    link->sent_bytes += carrier->stream.body_bytes;
    link->idle_us = clock_monotonic_us();
    if (carrier->answer.capacity > ANSWER_COPY_BYTES_MAX)
        buf_clear(&carrier->answer);
    else
        buf_reset(&carrier->answer);
    server_forget_stream(connection->server, &connection->peer);
    if (carrier->carrier.exchange)
        link->left++;
    else
        give_back(carrier);
}

/* A stream ------------------------------------------------------------------------------------ */

static struct str moved(struct str view, struct str from, const char *to)
{
    bool is_inside = view.ptr && view.ptr >= from.ptr && view.ptr <= from.ptr + from.len;

    return is_inside ? str_n(to + (view.ptr - from.ptr), view.len) : view; /* a text of ours */
}

/* The head's own copy lives as long as the exchange. */
static void copy_head(struct http2_carrier *carrier, const struct http2_server_request *request)
{
    struct http_head *head = &carrier->head;

    buf_reset(&carrier->text);
    buf_append_str(&carrier->text, request->text);
    memcpy(head, request->head,
           offsetof(struct http_head, fields) +
               request->head->field_count * sizeof request->head->fields[0]);
    head->method = moved(head->method, request->text, carrier->text.data);
    head->target = moved(head->target, request->text, carrier->text.data);
    for (uint32_t i = 0; i < head->field_count; i++) {
        struct http_field *field = &head->fields[i];

        field->name = moved(field->name, request->text, carrier->text.data);
        field->value = moved(field->value, request->text, carrier->text.data);
    }
}

/* Takes one from the pool; its buffers keep their memory. */
static struct http2_carrier *take(struct http2_link *link, int32_t stream_id)
{
    struct http2_carrier *carrier = pool_take(&link->connection->server->http2_carriers);

    carrier->carrier = (struct carrier){.ops = &carrier_ops, .connection = link->connection};
    carrier->link = link;
    carrier->stream = (struct http2_server_stream){.id = stream_id};
    carrier->state = HTTP2_BODY;
    carrier->since_us = clock_monotonic_us();
    carrier->body_bytes = 0;
    list_append(&link->carriers, &carrier->entry);
    return carrier;
}

static void refuse_faulty(struct http2_carrier *carrier, const struct http2_server_request *request)
{
    static const struct {
        uint16_t status;
        const char *code;
    } rows[] = {
        [HTTP2_FAULT_MALFORMED] = {400, "request_malformed"},
        [HTTP2_FAULT_TARGET_TOO_LONG] = {414, "target_too_long"},
        [HTTP2_FAULT_HEAD_TOO_LARGE] = {431, "head_too_large"},
    };

    metric_add(&server_metrics.malformed, 1);
    http2_carrier_refuse(carrier, rows[request->fault].status, rows[request->fault].code,
                         request->reason);
}

static struct http2_server_stream *on_begin(void *owner, const struct http2_server_request *request)
{
    struct http2_link *link = owner;
    struct connection *connection = link->connection;
    struct http2_carrier *carrier;
    struct exchange *exchange;

    if (!server_count_stream(connection->server, &connection->peer))
        return NULL;
    carrier = take(link, request->stream_id);
    if (request->fault != HTTP2_FAULT_NONE) {
        refuse_faulty(carrier, request);
        return &carrier->stream;
    }
    copy_head(carrier, request);
    connection->requests++;
    exchange = carrier->carrier.exchange = exchange_new(&carrier->carrier, &carrier->head);
    if (exchange_is_answered(exchange))
        exchange_send(exchange);
    else if (exchange_wants_admission(exchange))
        exchange_admit(exchange);
    else
        take_body(carrier);
    return &carrier->stream;
}

static void on_data(void *owner, struct http2_server_stream *stream, struct str data)
{
    struct http2_link *link = owner;
    struct http2_carrier *carrier = of_stream(stream);

    if (carrier->state != HTTP2_BODY)
        return;
    carrier->body_bytes += data.len;
    if (!exchange_add_body(carrier->carrier.exchange, data))
        exchange_send(carrier->carrier.exchange);
    else if (!stream->takes_body)
        http2_link_take_bodies(link);
}

static void on_end(void *owner, struct http2_server_stream *stream)
{
    struct http2_carrier *carrier = of_stream(stream);
    bool frees_window = stream->takes_body;

    if (carrier->state != HTTP2_BODY)
        return;
    http2_carrier_set_state(carrier, HTTP2_READY);
    if (frees_window)
        http2_link_take_bodies(owner);
}

static void on_closed(void *owner, struct http2_server_stream *stream)
{
    http2_carrier_end(of_stream(stream));
    http2_link_take_bodies(owner);
}

const struct http2_server_ops http2_carrier_stream_ops = {
    .begin = on_begin,
    .data = on_data,
    .end = on_end,
    .closed = on_closed,
};

/* The pool ------------------------------------------------------------------------------------ */

size_t http2_link_pool_object_bytes(void)
{
    return sizeof(struct http2_carrier);
}

void http2_link_clear_pool(struct pool *pool)
{
    for (size_t i = 0; i < pool->free_count; i++) {
        struct http2_carrier *carrier = pool->free_objects[i];

        buf_clear(&carrier->text);
        buf_clear(&carrier->answer);
    }
    pool_clear(pool);
}
