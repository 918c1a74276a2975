/*
 * A connection that speaks HTTP/1: requests are read and parsed one at a time, and it carries their
 * exchanges. connection_take_requests() parses what is there, reads more when that is used up, and
 * stops when it has to wait.
 */
#include <assert.h>

#include "shared/clock.h"
#include "shared/mem.h"

#include "control/api/answer.h"
#include "control/api/connection_private.h"
#include "control/api/exchange.h"

#define EXTENSION_BYTES_MAX 4096
#define INPUT_BYTES         (40 * 1024) /* a head, and room to read on while its views live */

static const struct http_limits limits = {
    .target_bytes = TARGET_BYTES_MAX,
    .head_bytes = HEAD_BYTES_MAX,
    .fields = FIELDS_MAX,
    .chunk_extension_bytes = EXTENSION_BYTES_MAX,
};

/* Input --------------------------------------------------------------------------------------- */

/* Gives input buffer and parser to a connection that is about to read. */
static void begin_input(struct connection *connection)
{
    if (connection->parser)
        return;
    connection->parser = xmalloc(sizeof *connection->parser);
    http_parser_init(connection->parser, HTTP_REQUEST, &limits);
    buf_reserve(&connection->in, INPUT_BYTES);
}

/* An idle connection costs no buffers. */
void connection_release_input(struct connection *connection)
{
    free(connection->parser);
    connection->parser = NULL;
    buf_clear(&connection->in);
    connection->at = 0;
}

/* Requests ------------------------------------------------------------------------------------ */

static void refuse_unparsable(struct connection *connection, enum http_status status)
{
    static const struct {
        uint16_t status;
        const char *code;
    } too_large[] = {
        [HTTP_PART_FIRST_LINE] = {414, "target_too_long"},
        [HTTP_PART_FIELDS] = {431, "head_too_large"},
        [HTTP_PART_BODY] = {413, "framing_too_large"},
    };
    const struct http_parser *parser = connection->parser;

    metric_add(&server_metrics.malformed, 1);
    if (connection->carrier.exchange)
        exchange_abandon(connection->carrier.exchange);
    if (status == HTTP_MALFORMED)
        connection_refuse(connection, 400, "request_malformed", parser->reason);
    else
        connection_refuse(connection, too_large[parser->part].status, too_large[parser->part].code,
                          parser->reason);
}

static void take_body(struct connection *connection)
{
    const struct http_head *head = &connection->parser->head;

    connection->body_bytes = 0;
    connection_set_state(connection, CONNECTION_BODY);
    if (head->expect_continue && head->framing != HTTP_NO_BODY && head->minor_version > 0)
        buf_append_text(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

/* The head is there: its exchange begins. A body is read only when the exchange wants one. */
static void begin_exchange(struct connection *connection, size_t head_bytes)
{
    const struct http_head *head = &connection->parser->head;
    struct exchange *exchange;

    connection->head_bytes = head_bytes;
    connection->requests++;
    connection->close_after = !head->keep_alive || connection->server->stop_at_us != 0;
    connection->is_unread = head->framing != HTTP_NO_BODY;
    connection_set_state(connection, CONNECTION_BUSY);
    exchange = connection->carrier.exchange = exchange_new(&connection->carrier, head);
    if (exchange_is_answered(exchange))
        exchange_send(exchange);
    else if (exchange_wants_admission(exchange))
        exchange_admit(exchange);
    else
        take_body(connection);
}

/* A head that is followed by a body must lie at the start of the buffer, so that there is room to
 * read on. */
static bool move_to_start(struct connection *connection)
{
    if (connection->at == 0 || connection->parser->head.framing == HTTP_NO_BODY)
        return false;
    buf_drop(&connection->in, connection->at);
    connection->at = 0;
    http_parser_init(connection->parser, HTTP_REQUEST, &limits);
    return true;
}

struct str connection_unparsed(const struct connection *connection)
{
    return str_sub(buf_str(&connection->in), connection->at + connection->head_bytes,
                   connection->in.len);
}

/* HTTP/2 without TLS begins without agreement: by its preface. */
static bool may_be_http1(struct connection *connection)
{
    enum connection_preface preface = connection_look_for_preface(connection);

    if (preface == CONNECTION_PREFACE_HTTP2)
        connection_go_http2(connection);
    return preface == CONNECTION_PREFACE_NONE;
}

/* What is used of a body makes room; the head before it stays where it is. */
static void drop_body(struct connection *connection, size_t used)
{
    size_t from = connection->at + connection->head_bytes;

    memmove(connection->in.data + from, connection->in.data + from + used,
            connection->in.len - from - used);
    connection->in.len -= used;
}

/* Looks at the input once; false when there is nothing more to do with it for now. */
static bool parse_step(struct connection *connection)
{
    size_t used;
    enum http_status status;

    if (connection->requests == 0 && !may_be_http1(connection))
        return false;
    status = http_parse(connection->parser, connection_unparsed(connection), &used);
    switch (status) {
    case HTTP_NEED_MORE:
        break;
    case HTTP_HEAD:
        if (!move_to_start(connection))
            begin_exchange(connection, used);
        return true;
    case HTTP_DATA:
        connection->body_bytes += connection->parser->data.len;
        if (!exchange_add_body(connection->carrier.exchange, connection->parser->data))
            exchange_send(connection->carrier.exchange);
        break;
    case HTTP_END:
        drop_body(connection, used); /* the end of the last chunk */
        connection->is_unread = false;
        connection_set_state(connection, CONNECTION_BUSY);
        exchange_run(connection->carrier.exchange);
        return true;
    case HTTP_MALFORMED:
    case HTTP_TOO_LARGE:
        refuse_unparsable(connection, status);
        return false;
    }

    if (connection->state == CONNECTION_BODY)
        drop_body(connection, used);
    return status != HTTP_NEED_MORE;
}

bool connection_is_reading(const struct connection *connection)
{
    return connection->state == CONNECTION_HEAD || connection->state == CONNECTION_BODY;
}

static void parse_input(struct connection *connection)
{
    while (connection_is_reading(connection) && connection_has_room(connection) &&
           (connection->state == CONNECTION_BODY || connection->in.len > connection->at)) {
        if (!parse_step(connection))
            return;
    }
}

/* Moves what is left of the input to the start of the buffer. */
static void compact(struct connection *connection)
{
    if (connection->state == CONNECTION_HEAD && connection->at > 0) {
        buf_drop(&connection->in, connection->at);
        connection->at = 0;
    }
}

static enum io read_more(struct connection *connection, bool *ret_drained)
{
    size_t room;
    size_t len;
    enum io io;

    begin_input(connection);
    compact(connection);
    room = INPUT_BYTES - connection->in.len;
    assert(room > 0);
    io = stream_read(&connection->stream, connection->in.data + connection->in.len, room, &len);
    if (io != IO_DONE)
        return io;
    if (connection->in.len == 0 && connection->state == CONNECTION_HEAD)
        connection->since_us = clock_monotonic_us();
    connection->in.len += len;
    *ret_drained = len < room && !connection->stream.ssl;
    return IO_DONE;
}

/* The peer has ended its side. Between requests that is the normal end. */
static void on_end_of_input(struct connection *connection)
{
    if (connection->state == CONNECTION_BODY && connection->carrier.exchange)
        exchange_abandon(connection->carrier.exchange);
    if (connection_has_output(connection)) {
        connection->close_after = true;
        connection_set_state(connection, CONNECTION_CLOSING);
    } else {
        connection_close(connection, false);
    }
}

/* Reads and parses until there is nothing to read, or something else has to happen first. */
void connection_take_requests(struct connection *connection)
{
    bool drained = false;

    parse_input(connection);
    for (int turn = 0; turn < CONNECTION_READS_PER_TURN && !drained; turn++) {
        enum io io;

        if (!connection_is_reading(connection) || !connection_has_room(connection))
            return;
        io = read_more(connection, &drained);
        if (io == IO_EOF || io == IO_ERROR) {
            on_end_of_input(connection);
            return;
        }
        if (io != IO_DONE)
            return;
        parse_input(connection);
    }
}

/* What comes while an answer is waited for belongs to later requests; the peer's end is the end. */
void connection_look_for_end(struct connection *connection)
{
    size_t room = INPUT_BYTES - connection->in.len;
    size_t len;
    enum io io;

    if (room == 0)
        return;
    io = stream_read(&connection->stream, connection->in.data + connection->in.len, room, &len);
    if (io == IO_DONE)
        connection->in.len += len;
    else if (io == IO_EOF || io == IO_ERROR)
        connection_close(connection, false);
}

bool connection_wants_input(const struct connection *connection)
{
    if (connection->state == CONNECTION_WAITING)
        return connection->in.len < INPUT_BYTES;
    return connection_is_reading(connection) && connection_has_room(connection);
}

/* Exchanges ----------------------------------------------------------------------------------- */

static struct connection *connection_of(struct carrier *carrier)
{
    return container_of(carrier, struct connection, carrier);
}

bool connection_ends_after(const struct connection *connection)
{
    return connection->close_after || connection->is_unread;
}

static void on_take_body(struct carrier *carrier)
{
    struct connection *connection = connection_of(carrier);

    take_body(connection);
    if (!connection->in_handler) /* a worker has found out who asks */
        connection_advance(connection);
}

static void on_answered(struct carrier *carrier)
{
    struct connection *connection = connection_of(carrier);

    connection->at += connection->head_bytes;
    connection->head_bytes = 0;
    connection_set_state(connection,
                         connection_ends_after(connection) ? CONNECTION_CLOSING : CONNECTION_HEAD);
    http_parser_init(connection->parser, HTTP_REQUEST, &limits);
    if (!connection->in_handler)
        connection_advance(connection);
}

static void on_wait(struct carrier *carrier)
{
    struct connection *connection = connection_of(carrier);

    connection_set_state(connection, CONNECTION_WAITING);
    if (!connection->in_handler) /* a worker has found out who asks */
        connection_advance(connection);
}

static void on_gone(struct carrier *carrier)
{
    connection_free_dead(connection_of(carrier));
}

const struct carrier_ops connection_carrier_ops = {
    .write = answer_write_http1,
    .take_body = on_take_body,
    .answered = on_answered,
    .wait = on_wait,
    .gone = on_gone,
};
