/*
 * A session feeds nghttp2 frame by frame, so that at most one thing comes of a call, besides the end
 * of a message. What has come is noted by the callbacks and told in the order in which it came.
 */
#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "shared/http2_private.h"
#include "shared/mem.h"

#define FIRST_WINDOW_BYTES 65535

/* The first thing that goes wrong is what is told. */
void http2_fail(struct http2_session *session, enum http2_error error, const char *format, ...)
{
    char reason[512];
    va_list arguments;

    if (session->error != HTTP2_ERROR_NONE)
        return;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    session->error = error;
    buf_reset(&session->reason);
    buf_append_text(&session->reason, reason);
}

struct http2_stream *http2_find_stream(struct http2_session *session, int32_t id)
{
    LIST_FOREACH (link, &session->streams) {
        struct http2_stream *stream = container_of(link, struct http2_stream, link);

        if (stream->id == id)
            return stream;
    }
    return NULL;
}

void http2_free_stream(struct http2_stream *stream)
{
    list_remove(&stream->link);
    buf_clear(&stream->waiting);
    free(stream);
}

void http2_end_stream(struct http2_session *session, struct http2_stream *stream,
                      enum http2_error error, uint32_t code)
{
    if (stream->has_ended) {
        http2_free_stream(stream);
        return;
    }
    stream->error = error;
    stream->code = code;
    list_remove(&stream->link);
    list_append(&session->dead, &stream->link);
}

/* ---- life ---- */

struct http2_session *http2_client_new(const struct http2_limits *limits)
{
    struct http2_session *session = NEW(struct http2_session);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->head_bytes},
    };

    assert(limits->fields <= HTTP_FIELDS_MAX);
    assert(limits->window_bytes >= FIRST_WINDOW_BYTES && limits->window_bytes <= INT32_MAX);
    session->limits = *limits;
    session->frames = (struct http2_frames){
        .idle_max = limits->idle_frames,
        .block_bytes_max = limits->head_bytes,
    };
    list_init(&session->streams);
    list_init(&session->dead);
    http2_begin_library(session);
    if (nghttp2_submit_settings(session->library, NGHTTP2_FLAG_NONE, settings,
                                ARRAY_LEN(settings)) != 0 ||
        nghttp2_session_set_local_window_size(session->library, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)limits->window_bytes) != 0)
        out_of_memory(0);
    http2_take_output(session);
    return session;
}

void http2_free(struct http2_session *session)
{
    if (!session)
        return;
    nghttp2_session_del(session->library);
    LIST_FOREACH_SAFE (link, &session->streams)
        http2_free_stream(container_of(link, struct http2_stream, link));
    LIST_FOREACH_SAFE (link, &session->dead)
        http2_free_stream(container_of(link, struct http2_stream, link));
    buf_clear(&session->out);
    buf_clear(&session->text);
    buf_clear(&session->goaway_text);
    buf_clear(&session->detail);
    buf_clear(&session->reason);
    free(session);
}

/* ---- what came ---- */

static enum http2_status tell_failure(struct http2_session *session, struct http2_news *ret_news)
{
    *ret_news = (struct http2_news){.error = session->error, .reason = session->reason.data};
    return HTTP2_FAILED;
}

/* The name of an error code, as the peer sent it. */
static void append_code(struct buf *out, uint32_t code)
{
    buf_append_text(out, nghttp2_http2_strerror(code));
    if (code > NGHTTP2_HTTP_1_1_REQUIRED)
        buf_printf(out, " (0x%x)", code);
}

/* Writes why a stream or the connection is over, where the peer said so. */
static void write_peers_reason(struct http2_session *session, enum http2_error error, uint32_t code)
{
    struct buf *reason = &session->reason;

    buf_reset(reason);
    if (error == HTTP2_ERROR_PROTOCOL) {
        buf_printf(
            reason, "The peer breaks the rules of HTTP/2: " STR_FMT ".",
            STR_ARG(session->detail.len > 0
                        ? buf_str(&session->detail)
                        : STR("the message is not a valid one, or not of the length it says")));
    } else if (error == HTTP2_ERROR_GOAWAY) {
        buf_append_text(reason, "The peer closes the connection with ");
        append_code(reason, session->goaway_code);
        if (session->goaway_text.len > 0)
            buf_printf(reason, " (\"" STR_FMT "\")", STR_ARG(buf_str(&session->goaway_text)));
        buf_append_char(reason, '.');
    } else {
        buf_append_text(reason, "The peer ended the stream with ");
        append_code(reason, code);
        buf_append_char(reason, '.');
    }
}

static enum http2_status tell_reset(struct http2_session *session, struct http2_news *ret_news)
{
    struct http2_stream *stream =
        container_of(list_first(&session->dead), struct http2_stream, link);

    write_peers_reason(session, stream->error, stream->code);
    *ret_news = (struct http2_news){
        .stream_id = stream->id, .error = stream->error, .reason = session->reason.data};
    http2_free_stream(stream);
    return HTTP2_RESET;
}

/* What has come and is not yet told. */
static enum http2_status tell(struct http2_session *session, struct http2_news *ret_news)
{
    *ret_news = (struct http2_news){.stream_id = session->news_stream_id};
    if (session->has_head || session->has_trailers) {
        enum http2_status status = session->has_head ? HTTP2_HEAD : HTTP2_TRAILERS;

        session->has_head = false;
        session->has_trailers = false;
        ret_news->head = &session->head;
        return status;
    }
    if (session->data.len > 0) {
        ret_news->data = session->data;
        session->data = (struct str){0};
        return HTTP2_DATA;
    }
    if (session->has_end) {
        session->has_end = false;
        return HTTP2_END;
    }
    if (session->error != HTTP2_ERROR_NONE)
        return tell_failure(session, ret_news);
    if (!list_is_empty(&session->dead))
        return tell_reset(session, ret_news);
    *ret_news = (struct http2_news){0};
    return HTTP2_NEED_MORE;
}

/* Gives the library the next piece: at most to the end of a frame. Returns how much was used. */
static size_t feed(struct http2_session *session, struct str input)
{
    struct http2_frames *frames = &session->frames;
    struct str piece;
    size_t used;
    ssize_t taken;

    if (!http2_frames_next(frames, input, &used, &piece)) {
        http2_fail(session, frames->is_over_limit ? HTTP2_ERROR_LIMIT : HTTP2_ERROR_PROTOCOL, "%s",
                   frames->reason);
        return used;
    }
    if (piece.len == 0)
        return used;
    buf_reset(&session->detail);
    taken = nghttp2_session_mem_recv(session->library, (const uint8_t *)piece.ptr, piece.len);
    if (taken < 0) {
        session->is_unusable = true;
        http2_fail(session, taken == NGHTTP2_ERR_FLOODED ? HTTP2_ERROR_LIMIT : HTTP2_ERROR_PROTOCOL,
                   "The peer breaks the rules of HTTP/2: %s.", nghttp2_strerror((int)taken));
        return used;
    }
    http2_take_output(session);
    if (!http2_frames_done(frames))
        http2_fail(session, HTTP2_ERROR_LIMIT, "%s", frames->reason);
    return used;
}

enum http2_status http2_receive(struct http2_session *session, struct str input, size_t *ret_used,
                                struct http2_news *ret_news)
{
    *ret_used = 0;
    for (;;) {
        enum http2_status status = tell(session, ret_news);

        if (status != HTTP2_NEED_MORE || *ret_used == input.len)
            return status;
        *ret_used += feed(session, str_sub(input, *ret_used, input.len));
    }
}

enum http2_status http2_eof(struct http2_session *session, struct http2_news *ret_news)
{
    const char *wrong = http2_frames_eof(&session->frames);

    if (wrong)
        http2_fail(session, HTTP2_ERROR_PROTOCOL, "%s", wrong);
    if (session->error == HTTP2_ERROR_NONE && session->is_going_away) {
        write_peers_reason(session, HTTP2_ERROR_GOAWAY, 0);
        session->error = HTTP2_ERROR_GOAWAY;
    }
    http2_fail(session, HTTP2_ERROR_EOF, "The connection ended in the middle of a message.");
    return tell_failure(session, ret_news);
}
