/*
 * The life of a server's session, and what goes out. Bodies of answers are taken from where they lie
 * when the library makes frames of them, so nothing but control frames and heads waits inside.
 */
#include <assert.h>
#include <nghttp2/nghttp2.h>

#include "shared/http2_server_private.h"
#include "shared/mem.h"

#define FIRST_WINDOW_BYTES 65535

/* Life ---------------------------------------------------------------------------------------- */

struct http2_server *http2_server_new(const struct http2_server_limits *limits,
                                      const struct http2_server_ops *ops, void *owner,
                                      int64_t now_us)
{
    struct http2_server *server = NEW(struct http2_server);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->first_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->head_bytes},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };

    assert(limits->fields < HTTP_FIELDS_MAX); /* `host` may come to them */
    assert(limits->window_bytes >= FIRST_WINDOW_BYTES && limits->window_bytes <= INT32_MAX);
    server->limits = *limits;
    server->ops = ops;
    server->owner = owner;
    server->now_us = server->began_us = now_us;
    server->preface_left = NGHTTP2_CLIENT_MAGIC_LEN;
    server->frames = (struct http2_frames){
        .idle_max = UINT32_MAX,
        .block_bytes_max = HTTP2_BLOCK_BYTES_MAX,
    };
    http2_budget_init(&server->budget, limits->budget, limits->budget_per_s, now_us);
    http2_server_begin_library(server);
    if (nghttp2_submit_settings(server->library, NGHTTP2_FLAG_NONE, settings,
                                ARRAY_LEN(settings)) != 0 ||
        nghttp2_session_set_local_window_size(server->library, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)limits->window_bytes) != 0)
        out_of_memory(0);
    return server;
}

void http2_server_free(struct http2_server *server)
{
    if (!server)
        return;
    nghttp2_session_del(server->library);
    buf_clear(&server->head.text);
    free(server);
}

void http2_server_rest(struct http2_server *server)
{
    if (http2_frames_are_between(&server->frames)) /* else a head may be under way */
        buf_clear(&server->head.text);
}

void http2_server_end(struct http2_server *server, enum http2_farewell farewell)
{
    if (server->is_ending)
        return;
    server->is_ending = true;
    server->farewell = farewell;
    if (nghttp2_session_terminate_session(
            server->library, farewell == HTTP2_FAREWELL_CALM    ? NGHTTP2_ENHANCE_YOUR_CALM
                             : farewell == HTTP2_FAREWELL_BROKE ? NGHTTP2_PROTOCOL_ERROR
                                                                : NGHTTP2_NO_ERROR) != 0)
        server->is_unusable = true;
}

void http2_server_charge(struct http2_server *server, uint32_t cost)
{
    if (!http2_budget_take(&server->budget, cost, server->now_us))
        http2_server_end(server, HTTP2_FAREWELL_CALM);
}

void http2_server_drain(struct http2_server *server)
{
    if (server->is_ending)
        return;
    if (server->is_draining)
        nghttp2_submit_goaway(server->library, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(server->library),
                              NGHTTP2_NO_ERROR, NULL, 0);
    else
        nghttp2_submit_shutdown_notice(server->library);
    server->is_draining = true;
}

enum http2_farewell http2_server_farewell(const struct http2_server *server)
{
    if (!server->is_unusable &&
        (nghttp2_session_want_read(server->library) || nghttp2_session_want_write(server->library)))
        return HTTP2_FAREWELL_NONE;
    return server->farewell == HTTP2_FAREWELL_NONE ? HTTP2_FAREWELL_GOODBYE : server->farewell;
}

int64_t http2_server_awaits_since_us(const struct http2_server *server)
{
    if (!server->is_acknowledged)
        return server->began_us;
    return http2_frames_are_in_body(&server->frames) ? 0 : server->message_us;
}

/* Coming in ----------------------------------------------------------------------------------- */

/* Gives the library a piece of the preface or of a frame. */
static void give(struct http2_server *server, struct str piece)
{
    ssize_t taken =
        nghttp2_session_mem_recv(server->library, (const uint8_t *)piece.ptr, piece.len);

    if (taken >= 0)
        return;
    http2_server_end(server,
                     taken == NGHTTP2_ERR_FLOODED ? HTTP2_FAREWELL_CALM : HTTP2_FAREWELL_BROKE);
}

/* Gives the library what comes next, at most to the end of a frame; returns how much it was. */
static size_t feed(struct http2_server *server, struct str input)
{
    struct http2_frames *frames = &server->frames;
    uint32_t idle = frames->idle;
    struct str piece;
    size_t used;

    if (server->preface_left > 0) {
        used = MIN(server->preface_left, input.len);
        server->preface_left -= used;
        give(server, str_sub(input, 0, used));
        return used;
    }
    if (http2_frames_are_between(frames))
        server->message_us = server->now_us;
    if (!http2_frames_next(frames, input, &used, &piece)) {
        http2_server_end(server,
                         frames->is_over_limit ? HTTP2_FAREWELL_CALM : HTTP2_FAREWELL_BROKE);
        return input.len;
    }
    if (piece.len > 0)
        give(server, piece);
    http2_frames_done(frames);
    if (frames->idle != idle)
        http2_server_charge(server, 1);
    if (http2_frames_are_between(frames))
        server->message_us = 0;
    return used;
}

void http2_server_receive(struct http2_server *server, struct str input, int64_t now_us)
{
    size_t at = 0;

    server->now_us = now_us;
    while (at < input.len && !server->is_ending)
        at += feed(server, str_sub(input, at, input.len));
}

/* Going out ----------------------------------------------------------------------------------- */

bool http2_server_send(struct http2_server *server, struct buf *out, size_t bytes_enough,
                       int64_t now_us)
{
    size_t before = out->len;

    server->now_us = now_us;
    while (!server->is_unusable && out->len < bytes_enough) {
        const uint8_t *bytes;
        ssize_t len = nghttp2_session_mem_send(server->library, &bytes);

        if (len == 0)
            break;
        if (len < 0)
            server->is_unusable = server->is_ending = true;
        else
            buf_append(out, bytes, (size_t)len);
    }
    return out->len > before;
}

/* Gives the library what there is of an answer's body. */
static ssize_t on_read_body(nghttp2_session *library, int32_t id, uint8_t *room, size_t size,
                            uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    struct http2_server_stream *stream = source->ptr;
    size_t len = MIN(stream->body.len, size);

    (void)library;
    (void)id;
    (void)user_data;
    memcpy(room, stream->body.ptr, len);
    stream->body = str_sub(stream->body, len, stream->body.len);
    stream->body_bytes += len;
    if (stream->body.len == 0)
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static nghttp2_nv pair(struct str name, struct str value, bool is_fleeting)
{
    return (nghttp2_nv){(uint8_t *)name.ptr, (uint8_t *)value.ptr, name.len, value.len,
                        is_fleeting ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
}

void http2_server_answer(struct http2_server *server, struct http2_server_stream *stream,
                         uint16_t status, const struct http2_server_field *fields, size_t count,
                         struct str body)
{
    const char digits[] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
                           (char)('0' + status % 10)};
    nghttp2_nv pairs[1 + HTTP2_SERVER_FIELDS_MAX] = {
        pair(STR(":status"), str_n(digits, sizeof digits), false),
    };
    const nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_read_body};

    assert(count <= HTTP2_SERVER_FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        pairs[1 + i] = pair(fields[i].name, fields[i].value, fields[i].is_fleeting);
    stream->is_answered = true;
    stream->body = body;
    (void)nghttp2_submit_response(server->library, stream->id, pairs, 1 + count,
                                  body.len > 0 ? &provider : NULL);
}

void http2_server_continue(struct http2_server *server, const struct http2_server_stream *stream)
{
    const nghttp2_nv status = pair(STR(":status"), STR("100"), false);

    (void)nghttp2_submit_headers(server->library, NGHTTP2_FLAG_NONE, stream->id, NULL, &status, 1,
                                 NULL);
}

void http2_server_take_body(struct http2_server *server, struct http2_server_stream *stream,
                            uint32_t window_bytes)
{
    stream->takes_body = true;
    (void)nghttp2_session_set_local_window_size(server->library, NGHTTP2_FLAG_NONE, stream->id,
                                                (int32_t)window_bytes);
    (void)nghttp2_session_consume_stream(server->library, stream->id, stream->unread_bytes);
    stream->unread_bytes = 0;
}

void http2_server_cancel(struct http2_server *server, const struct http2_server_stream *stream)
{
    (void)nghttp2_submit_rst_stream(server->library, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
}

bool http2_server_is_blocked(const struct http2_server *server,
                             const struct http2_server_stream *stream)
{
    return stream->body.len > 0 &&
           nghttp2_session_get_stream_remote_window_size(server->library, stream->id) <= 0;
}
