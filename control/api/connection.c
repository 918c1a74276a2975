/*
 * The state machine of a connection. connection_advance() is its heart: it parses what is there,
 * reads more when that is used up, and stops when it has to wait: for the socket, for the exchange,
 * or for the output to drain.
 */

#include <assert.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "shared/clock.h"
#include "shared/mem.h"

#include "control/api/answer.h"
#include "control/api/connection_private.h"
#include "control/api/exchange.h"
#include "control/api/live_link.h"

#define HEAD_BYTES_MAX      (16 * 1024)
#define TARGET_BYTES_MAX    (8 * 1024)
#define FIELDS_MAX          100
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

static void free_connection(void *argument)
{
    struct connection *connection = argument;

    connection_release_input(connection);
    buf_clear(&connection->out);
    buf_clear(&connection->tail_owner);
    free(connection);
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
    connection->state = CONNECTION_DEAD;
    list_remove(&connection->link);
    server_forget_connection(server, &connection->peer);
    if (connection->exchange)
        exchange_abandon(
            connection->exchange); /* frees the connection later, or clears ->exchange */
    if (!connection->exchange)
        loop_reap(server->config.loop, free_connection, connection);
}

void connection_exchange_gone(struct connection *connection)
{
    connection->exchange = NULL;
    if (connection->state == CONNECTION_DEAD)
        loop_reap(connection->server->config.loop, free_connection, connection);
}

/* Requests ------------------------------------------------------------------------------------ */

/* Refuses what cannot be answered as a request: one problem, then the end. */
void connection_refuse(struct connection *connection, uint16_t status, const char *code,
                       const char *detail)
{
    connection->close_after = true;
    answer_refusal(connection, status, code, detail);
    connection_set_state(connection, CONNECTION_CLOSING);
}

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
    if (connection->exchange)
        exchange_abandon(connection->exchange);
    if (status == HTTP_MALFORMED)
        connection_refuse(connection, 400, "request_malformed", parser->reason);
    else
        connection_refuse(connection, too_large[parser->part].status, too_large[parser->part].code,
                          parser->reason);
}

/* The head is there: its exchange begins. A body is read only when the exchange wants one. */
static void begin_exchange(struct connection *connection, size_t head_bytes)
{
    const struct http_head *head = &connection->parser->head;

    connection->head_bytes = head_bytes;
    connection->body_bytes = 0;
    connection->requests++;
    connection->close_after = !head->keep_alive || connection->server->stop_at_us != 0;
    connection_set_state(connection, CONNECTION_BODY);
    connection->exchange = exchange_new(connection, head);
    if (exchange_is_answered(connection->exchange) && head->framing != HTTP_NO_BODY)
        connection->close_after = true; /* its body stays unread */
    if (exchange_is_answered(connection->exchange))
        exchange_send(connection->exchange);
    else if (head->expect_continue && head->framing != HTTP_NO_BODY && head->minor_version > 0)
        buf_append_text(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
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

/* Looks at the input once; false when there is nothing more to do with it for now. */
static bool parse_step(struct connection *connection)
{
    size_t used;
    enum http_status status =
        http_parse(connection->parser, connection_unparsed(connection), &used);

    switch (status) {
    case HTTP_NEED_MORE:
        break;
    case HTTP_HEAD:
        if (!move_to_start(connection))
            begin_exchange(connection, used);
        return true;
    case HTTP_DATA:
        connection->body_bytes += connection->parser->data.len;
        if (!exchange_add_body(connection->exchange, connection->parser->data)) {
            connection->close_after = true;
            exchange_send(connection->exchange);
        }
        break;
    case HTTP_END:
        connection_set_state(connection, CONNECTION_BUSY);
        exchange_run(connection->exchange);
        return true;
    case HTTP_MALFORMED:
    case HTTP_TOO_LARGE:
        refuse_unparsable(connection, status);
        return false;
    }

    /* What is used of a body makes room; the head before it stays where it is. */
    if (used > 0 && connection->state == CONNECTION_BODY) {
        size_t from = connection->at + connection->head_bytes;

        memmove(connection->in.data + from, connection->in.data + from + used,
                connection->in.len - from - used);
        connection->in.len -= used;
    }
    return status != HTTP_NEED_MORE;
}

static bool is_reading(const struct connection *connection)
{
    return connection->state == CONNECTION_HEAD || connection->state == CONNECTION_BODY;
}

static void parse_input(struct connection *connection)
{
    while (is_reading(connection) && connection_has_room(connection) &&
           (connection->state == CONNECTION_BODY || connection->in.len > connection->at)) {
        if (!parse_step(connection))
            return;
    }
}

void connection_answered(struct connection *connection)
{
    assert(!connection->exchange);
    connection->at += connection->head_bytes;
    connection->head_bytes = 0;
    connection_set_state(connection,
                         connection->close_after ? CONNECTION_CLOSING : CONNECTION_HEAD);
    http_parser_init(connection->parser, HTTP_REQUEST, &limits);
    if (!connection->in_handler)
        connection_advance(connection);
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
    if (connection->state == CONNECTION_BODY && connection->exchange)
        exchange_abandon(connection->exchange);
    if (connection_has_output(connection)) {
        connection->close_after = true;
        connection_set_state(connection, CONNECTION_CLOSING);
    } else {
        connection_close(connection, false);
    }
}

/* Reads and parses until there is nothing to read, or something else has to happen first. */
static void take_requests(struct connection *connection)
{
    bool drained = false;

    parse_input(connection);
    for (int turn = 0; turn < CONNECTION_READS_PER_TURN && !drained; turn++) {
        enum io io;

        if (!is_reading(connection) || !connection_has_room(connection))
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

/* What comes while an answer is waited for belongs to later requests; the peer's end is the end. */
static void look_for_end(struct connection *connection)
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

/* What the socket has to become ready for, given the state. */
static int wanted_events(const struct connection *connection)
{
    int wanted = connection_has_output(connection) ? EV_WRITE : 0;

    if (is_reading(connection) && connection_has_room(connection))
        wanted |= EV_READ;
    if (connection->state == CONNECTION_WAITING && connection->in.len < INPUT_BYTES)
        wanted |= EV_READ;
    if (connection->state == CONNECTION_LINGER || connection->state == CONNECTION_LIVE)
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
        take_requests(connection);
        break;
    case CONNECTION_LINGER:
        discard_input(connection);
        break;
    case CONNECTION_LIVE:
        connection_take_live_input(connection);
        break;
    case CONNECTION_WAITING:
        look_for_end(connection);
        break;
    case CONNECTION_BUSY:
    case CONNECTION_CLOSING:
    case CONNECTION_DEAD:
        break;
    }
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
        bool open = connection->live ? connection_write_out_live(connection)
                                     : connection_write_out(connection);

        if (open && connection->state == CONNECTION_CLOSING && !connection_has_output(connection))
            begin_linger(connection);
        if (open)
            watch(connection, wanted_events(connection));
        /* Room again, and perhaps requests in the buffer that no event will tell of. Last, because
         * a watcher that is set anew forgets what it was fed. */
        if (open && full && !connection_has_output(connection) && is_reading(connection))
            ev_feed_event(connection->server->ev, &connection->io, EV_READ);
    }
    connection->in_handler = false;
}

void connection_flush(struct connection *connection)
{
    if (connection->in_handler || connection->state == CONNECTION_DEAD)
        return;
    if (connection->live ? connection_write_out_live(connection) : connection_write_out(connection))
        watch(connection, wanted_events(connection));
}

void connection_wait(struct connection *connection)
{
    connection_set_state(connection, CONNECTION_WAITING);
    if (!connection->in_handler) /* a worker has found out who asks */
        connection_advance(connection);
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
