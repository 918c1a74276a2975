/*
 * Send, then read and parse until the client has seen enough. What comes in is parsed where it was
 * read; only an unfinished head is copied.
 */
#include "prober/kinds/http_exchange.h"

#include <errno.h>

#include "prober/kinds/http_run.h"
#include "prober/shard.h"

#define HEAD_BYTES_MAX            (64 * 1024)
#define STATUS_LINE_BYTES_MAX     8192
#define CHUNK_EXTENSION_BYTES_MAX 4096
#define INFORMATIONAL_MAX         100 /* 1xx replies before the real one */
#define READS_PER_STEP            4   /* a fast endless body must not hold up the loop */
#define QUOTED_BYTES_MAX          64  /* of what is no HTTP */

static const struct http_limits limits = {
    .target_bytes = STATUS_LINE_BYTES_MAX,
    .head_bytes = HEAD_BYTES_MAX,
    .fields = HTTP_FIELDS_MAX,
    .chunk_extension_bytes = CHUNK_EXTENSION_BYTES_MAX,
};

static struct http_exchange *exchange_of(struct probe *probe)
{
    return &run_of(probe)->exchange;
}

static void expect_reply(struct http_exchange *exchange)
{
    http_parser_init(&exchange->parser, HTTP_RESPONSE, &limits);
    exchange->parser.head_request = exchange->options.is_head_request;
    exchange->parser.allows_both_lengths = exchange->options.allows_both_lengths;
}

static void enter(struct probe *probe, enum phase phase)
{
    if (!exchange_of(probe)->client->is_connecting)
        probe_enter(probe, phase);
}

void http_exchange_init(struct http_exchange *exchange)
{
    exchange->over_2 = (struct http2_exchange){0};
}

void http_exchange_clear(struct http_exchange *exchange)
{
    http2_exchange_clear(&exchange->over_2);
}

void http_exchange_reset(struct http_exchange *exchange, const struct http_client *client)
{
    exchange->client = client;
    exchange->has_head = false;
    exchange->informational = 0;
    exchange->body_bytes = 0;
    exchange->behind = 0;
}

enum wait http_exchange_start(struct probe *probe, const struct http_client *client,
                              struct str request, struct http_exchange_options options)
{
    struct http_exchange *exchange = exchange_of(probe);

    http_exchange_reset(exchange, client);
    exchange->request = request;
    exchange->sent = 0;
    exchange->is_cut = false;
    exchange->options = options;
    expect_reply(exchange);
    buf_reset(&probe->in);
    probe_enter(probe, client->is_connecting ? PHASE_CONNECT : PHASE_REQUEST);
    probe->step = &client->send;
    return WAIT_NONE;
}

enum wait http_exchange_send(struct probe *probe)
{
    struct http_exchange *exchange = exchange_of(probe);

    while (exchange->sent < exchange->request.len) {
        size_t len = 0;
        enum io io = stream_write(&probe->stream, exchange->request.ptr + exchange->sent,
                                  exchange->request.len - exchange->sent, &len);
        int error = stream_error(&probe->stream);

        /* A server may answer (or send an alert) and close before it has read everything: that
         * counts. */
        if (io == IO_ERROR && (error == EPIPE || error == ECONNRESET)) {
            exchange->is_cut = true;
            break;
        }
        if (io != IO_DONE)
            return probe_wait_io(probe, io);
        exchange->sent += len;
    }
    enter(probe, PHASE_FIRST_BYTE);
    probe->step = &exchange->client->receive;
    return stream_has_buffered(&probe->stream) ? WAIT_NONE : WAIT_READ;
}

/* ---- the reply ---- */

enum wait http_exchange_head(struct probe *probe, const struct http_head *head)
{
    struct http_exchange *exchange = exchange_of(probe);

    if (head->status == 101)
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server switched protocols without being asked");
    if (head->status < 200) {
        if (++exchange->informational > INFORMATIONAL_MAX)
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "more than %d informational replies",
                             INFORMATIONAL_MAX);
        return WAIT_NONE;
    }
    exchange->has_head = true;
    return exchange->client->on_head(probe, head);
}

enum wait http_exchange_body(struct probe *probe, struct str data)
{
    struct http_exchange *exchange = exchange_of(probe);

    exchange->body_bytes += data.len;
    return exchange->client->on_body(probe, data);
}

static enum wait on_end(struct probe *probe)
{
    struct http_exchange *exchange = exchange_of(probe);

    if (exchange->has_head)
        return exchange->client->on_end(probe);
    expect_reply(exchange); /* it was a 1xx: the reply comes next */
    return WAIT_NONE;
}

/* What else it might be: a record of TLS (an alert, a handshake), or the SETTINGS that a server of
 * HTTP/2 begins with. */
static const char *resemblance(struct str input)
{
    if (str_starts_with(input, STR("\x15\x03")) || str_starts_with(input, STR("\x16\x03")))
        return " but looks like TLS";
    if (input.len >= 9 && memcmp(input.ptr, "\0\0", 2) == 0 &&
        memcmp(input.ptr + 3, "\4\0\0\0\0\0", 6) == 0)
        return " but looks like HTTP/2";
    return "";
}

static enum wait end_malformed(struct probe *probe, struct str input)
{
    const struct http_exchange *exchange = exchange_of(probe);

    if (exchange->parser.part != HTTP_PART_FIRST_LINE || exchange->informational > 0)
        return probe_end(probe, OUTCOME_PROTO_ERROR, "the reply breaks the rules of HTTP: %s",
                         exchange->parser.reason);
    buf_reset(&probe->kept);
    buf_append_escaped(&probe->kept, str_sub(input, 0, QUOTED_BYTES_MAX), 4 * QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_PROTO_ERROR,
                     "the reply is no HTTP%s: it begins with \"" STR_FMT "\" (%s)",
                     resemblance(input), STR_ARG(buf_str(&probe->kept)), exchange->parser.reason);
}

/* Parses as far as it goes. WAIT_NONE with the step as it was: more is needed, `ret_used` bytes are
 * done with; anything else: the step is over, and `input` must not be looked at any more. */
static enum wait parse(struct probe *probe, struct str input, size_t *ret_used)
{
    struct http_exchange *exchange = exchange_of(probe);
    const struct probe_step *step = probe->step;

    *ret_used = 0;
    for (;;) {
        struct str rest = str_sub(input, *ret_used, input.len);
        enum wait wait = WAIT_NONE;
        size_t used = 0;

        enum http_status status = http_parse(&exchange->parser, rest, &used);

        exchange->behind = rest.len - used;
        switch (status) {
        case HTTP_NEED_MORE:
            *ret_used += used;
            return WAIT_NONE;
        case HTTP_HEAD:
            wait = http_exchange_head(probe, &exchange->parser.head);
            break;
        case HTTP_DATA:
            wait = http_exchange_body(probe, exchange->parser.data);
            break;
        case HTTP_END:
            wait = on_end(probe);
            break;
        case HTTP_MALFORMED:
            return end_malformed(probe, rest);
        case HTTP_TOO_LARGE:
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the reply is over a limit: %s",
                             exchange->parser.reason);
        }
        *ret_used += used;
        if (wait != WAIT_NONE || probe->step != step)
            return wait;
    }
}

static enum wait on_closed(struct probe *probe)
{
    struct http_exchange *exchange = exchange_of(probe);

    if (exchange->has_head && http_parse_eof(&exchange->parser) == HTTP_END)
        return on_end(probe);
    if (probe->result.phase == PHASE_FIRST_BYTE && exchange->is_cut) {
        probe_enter(probe, PHASE_REQUEST);
        return probe_end_io(probe, IO_ERROR); /* the write's own error */
    }
    if (probe->result.phase == PHASE_FIRST_BYTE)
        return probe_end_io(probe, IO_EOF);
    return probe_end(probe, OUTCOME_EOF_EARLY,
                     "the server closed the connection before the reply was complete, "
                     "after %llu bytes of the body",
                     (unsigned long long)exchange->body_bytes);
}

/* Reads once; where to depends on whether something unfinished lies there already. */
static enum wait read_and_parse(struct probe *probe)
{
    const struct probe_step *step = probe->step;
    bool has_rest = probe->in.len > 0;
    char *into =
        has_rest ? buf_reserve(&probe->in, SHARD_SCRATCH_BYTES) : shard_scratch(probe->shard);
    struct str input;
    enum wait wait;
    size_t len = 0;
    size_t used;
    enum io io = stream_read(&probe->stream, into, SHARD_SCRATCH_BYTES, &len);

    if (io == IO_EOF)
        return on_closed(probe);
    if (io != IO_DONE)
        return probe_wait_io(probe, io);
    if (probe->result.phase == PHASE_FIRST_BYTE)
        probe_enter(probe, PHASE_TRANSFER);

    if (has_rest)
        probe->in.len += len;
    input = has_rest ? buf_str(&probe->in) : str_n(into, len);
    wait = parse(probe, input, &used);
    if (wait != WAIT_NONE || probe->step != step)
        return wait;
    if (has_rest)
        buf_drop(&probe->in, used);
    else if (used < len)
        buf_append(&probe->in, into + used, len - used);
    return WAIT_NONE;
}

enum wait http_exchange_receive(struct probe *probe)
{
    const struct probe_step *step = probe->step;

    for (unsigned reads = 0; reads < READS_PER_STEP; reads++) {
        enum wait wait = read_and_parse(probe);

        if (wait != WAIT_NONE || probe->step != step)
            return wait;
    }
    return WAIT_TURN;
}
