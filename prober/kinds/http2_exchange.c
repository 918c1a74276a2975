/* Sending comes first: what waits to be sent is little, and the reply is read as soon as it is out. */
#include "prober/kinds/http2_exchange.h"

#include <errno.h>

#include "prober/shard.h"

#define READS_PER_STEP 4 /* a fast endless body must not hold up the loop */

static const struct http2_limits limits = {
    .head_bytes = 64 * 1024,
    .fields = HTTP_FIELDS_MAX,
    .idle_frames = 1000,
    .window_bytes = 1024 * 1024,
    .waiting_bytes = 0,
};

enum err http2_exchange_begin(struct probe *probe, struct http2_exchange *exchange,
                              const struct http2_request *request)
{
    int32_t stream_id;

    http2_exchange_clear(exchange);
    probe_enter(probe, PHASE_REQUEST);
    exchange->session = http2_client_new(&limits);
    exchange->is_sent = false;
    exchange->is_cut = false;
    return http2_send_request(exchange->session, request, &stream_id);
}

void http2_exchange_clear(struct http2_exchange *exchange)
{
    http2_free(TAKE(exchange->session));
}

enum wait http2_exchange_end_for(struct probe *probe, const struct http2_news *news)
{
    switch (news->error) {
    case HTTP2_ERROR_LIMIT:
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the reply is over a limit: %s",
                         news->reason);
    case HTTP2_ERROR_REFUSED:
    case HTTP2_ERROR_RESET:
    case HTTP2_ERROR_GOAWAY:
        return probe_end(probe, OUTCOME_RESET, "no whole reply over HTTP/2: %s", news->reason);
    case HTTP2_ERROR_EOF:
        return probe_end_io(probe, IO_EOF);
    case HTTP2_ERROR_NONE:
    case HTTP2_ERROR_PROTOCOL:
    case HTTP2_ERROR_COMPRESSION:
        break;
    }
    return probe_end(probe, OUTCOME_PROTO_ERROR, "no whole reply over HTTP/2: %s", news->reason);
}

/* WAIT_NONE: everything is sent, or the server takes no more. */
static enum wait send_output(struct probe *probe, struct http2_exchange *exchange)
{
    while (!exchange->is_cut) {
        struct str output = http2_output(exchange->session);
        size_t len = 0;
        enum io io;
        int error;

        if (output.len == 0)
            return WAIT_NONE;
        io = stream_write(&probe->stream, output.ptr, output.len, &len);
        error = stream_error(&probe->stream);
        /* A server may answer (or send an alert) and close before it has read everything: that
         * counts. */
        if (io == IO_ERROR && (error == EPIPE || error == ECONNRESET))
            exchange->is_cut = true;
        else if (io != IO_DONE)
            return probe_wait_io(probe, io);
        http2_sent(exchange->session, len);
    }
    return WAIT_NONE;
}

static enum wait on_closed(struct probe *probe, struct http2_exchange *exchange)
{
    struct http2_news news;

    if (exchange->is_cut && probe->result.phase == PHASE_FIRST_BYTE) {
        probe_enter(probe, PHASE_REQUEST);
        return probe_end_io(probe, IO_ERROR); /* the write's own error */
    }
    return exchange->on_news(probe, http2_eof(exchange->session, &news), &news);
}

/* WAIT_NONE: all of `input` was looked at, and the reply is not complete. */
static enum wait look_at(struct probe *probe, struct http2_exchange *exchange, struct str input)
{
    const struct probe_step *step = probe->step;

    for (;;) {
        struct http2_news news;
        size_t used;
        enum http2_status status = http2_receive(exchange->session, input, &used, &news);
        enum wait wait;

        if (status == HTTP2_NEED_MORE)
            return WAIT_NONE;
        if (status == HTTP2_HEAD && probe->result.phase == PHASE_FIRST_BYTE)
            probe_enter(probe, PHASE_TRANSFER);
        wait = exchange->on_news(probe, status, &news);
        if (wait != WAIT_NONE || probe->step != step)
            return wait;
        input = str_sub(input, used, input.len);
    }
}

static enum wait receive(struct probe *probe, struct http2_exchange *exchange)
{
    char *scratch = shard_scratch(probe->shard);
    size_t len = 0;
    enum io io = stream_read(&probe->stream, scratch, SHARD_SCRATCH_BYTES, &len);

    if (io == IO_EOF)
        return on_closed(probe, exchange);
    if (io != IO_DONE)
        return probe_wait_io(probe, io);
    return look_at(probe, exchange, str_n(scratch, len));
}

enum wait http2_exchange_run(struct probe *probe, struct http2_exchange *exchange)
{
    const struct probe_step *step = probe->step;

    for (unsigned reads = 0; reads < READS_PER_STEP; reads++) {
        enum wait wait = send_output(probe, exchange);

        if (wait != WAIT_NONE)
            return wait;
        if (!exchange->is_sent) {
            exchange->is_sent = true;
            probe_enter(probe, PHASE_FIRST_BYTE);
            if (!stream_has_buffered(&probe->stream))
                return WAIT_READ;
        }
        wait = receive(probe, exchange);
        if (wait != WAIT_NONE || probe->step != step)
            return wait;
    }
    return WAIT_TURN;
}
