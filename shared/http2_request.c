/*
 * What goes out: requests, their bodies, and whatever the library has to say. It is taken from the
 * library at once, so that its own errors, which it only tells the peer (GOAWAY, RST_STREAM), are
 * seen and nothing piles up inside; bodies are taken only while little else waits to be sent.
 */
#include <nghttp2/nghttp2.h>

#include "shared/http2_private.h"
#include "shared/mem.h"

#define OUT_BYTES_MAX (256 * 1024)

/* Gives the library what there is of a body. */
static ssize_t on_read_body(nghttp2_session *library, int32_t stream_id, uint8_t *room, size_t size,
                            uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    struct http2_session *session = user_data;
    struct http2_stream *stream = source->ptr;
    size_t whole = MIN(stream->whole.len, size);
    size_t waiting = MIN(stream->waiting.len, size - whole);
    bool is_all = whole == stream->whole.len && waiting == stream->waiting.len;

    (void)library;
    (void)stream_id;
    if (session->out.len >= HTTP2_OUT_ENOUGH_BYTES || (whole + waiting == 0 && !stream->is_last)) {
        stream->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (whole > 0)
        memcpy(room, stream->whole.ptr, whole);
    if (waiting > 0)
        memcpy(room + whole, stream->waiting.data, waiting);
    stream->whole = str_sub(stream->whole, whole, stream->whole.len);
    buf_drop(&stream->waiting, waiting);
    if (is_all && stream->is_last)
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)(whole + waiting);
}

/* Takes what the library wants to send. */
void http2_take_output(struct http2_session *session)
{
    while (!session->is_unusable) {
        const uint8_t *bytes;
        ssize_t len = nghttp2_session_mem_send(session->library, &bytes);

        if (len == 0)
            break;
        if (len < 0) {
            session->is_unusable = true;
            http2_fail(session, HTTP2_ERROR_PROTOCOL, "The connection cannot go on: %s.",
                       nghttp2_strerror((int)len));
            break;
        }
        buf_append(&session->out, bytes, (size_t)len);
    }
    if (session->out.len > OUT_BYTES_MAX)
        http2_fail(session, HTTP2_ERROR_LIMIT,
                   "The peer wants more answers than it takes from the connection.");
}

static void resume_stream(struct http2_session *session, struct http2_stream *stream)
{
    if (!stream->is_deferred || session->is_unusable)
        return;
    stream->is_deferred = false;
    (void)nghttp2_session_resume_data(session->library, stream->id);
}

static nghttp2_nv pair(struct str name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)name.ptr, (uint8_t *)value.ptr, name.len, value.len,
                        NGHTTP2_NV_FLAG_NONE};
}

enum err http2_request_check(const struct http2_request *request)
{
    size_t bytes = strlen(":method:scheme:authority:path") + request->method.len +
                   request->scheme.len + request->authority.len + request->path.len +
                   4 * HTTP2_FIELD_OVERHEAD_BYTES;

    if (request->field_count > HTTP_FIELDS_MAX)
        return fail(ERR_LIMITED, "head_too_large", "The request has more than %d fields.",
                    HTTP_FIELDS_MAX);
    for (size_t i = 0; i < request->field_count; i++)
        bytes +=
            request->fields[i].name.len + request->fields[i].value.len + HTTP2_FIELD_OVERHEAD_BYTES;
    if (bytes > HTTP2_REQUEST_HEAD_BYTES_MAX)
        return fail(ERR_LIMITED, "head_too_large", "The request's head is larger than %d bytes.",
                    HTTP2_REQUEST_HEAD_BYTES_MAX);
    return OK;
}

enum err http2_send_request(struct http2_session *session, const struct http2_request *request,
                            int32_t *ret_stream_id)
{
    nghttp2_nv pairs[4 + HTTP_FIELDS_MAX] = {
        pair(STR(":method"), request->method),
        pair(STR(":scheme"), request->scheme),
        pair(STR(":authority"), request->authority),
        pair(STR(":path"), request->path),
    };
    size_t count = 4;
    nghttp2_data_provider provider = {.read_callback = on_read_body};
    struct http2_stream *stream;
    bool has_body = request->body.len > 0 || request->body_follows;
    int32_t id;

    TRY(http2_request_check(request));
    for (size_t i = 0; i < request->field_count; i++)
        pairs[count++] = pair(request->fields[i].name, request->fields[i].value);
    if (session->error != HTTP2_ERROR_NONE || session->is_going_away)
        return fail(ERR_UNAVAILABLE, "connection_over", "The connection takes no more requests.");

    stream = NEW(struct http2_stream);
    list_append(&session->streams, &stream->link);
    stream->whole = request->body;
    stream->is_last = !request->body_follows;
    provider.source.ptr = stream;
    id = nghttp2_submit_request(session->library, NULL, pairs, count, has_body ? &provider : NULL,
                                NULL);
    if (id < 0) {
        http2_free_stream(stream);
        return fail(ERR_UNAVAILABLE, "connection_over", "The request cannot be sent: %s.",
                    nghttp2_strerror(id));
    }
    stream->id = id;
    *ret_stream_id = id;
    http2_take_output(session);
    return OK;
}

enum err http2_write(struct http2_session *session, int32_t stream_id, struct str data,
                     bool is_last)
{
    struct http2_stream *stream = http2_find_stream(session, stream_id);

    if (!stream || stream->is_last || session->error != HTTP2_ERROR_NONE)
        return fail(ERR_NOT_FOUND, "stream_over", "There is no stream that takes more.");
    if (data.len > session->limits.waiting_bytes - stream->waiting.len)
        return fail(ERR_LIMITED, "body_waiting", "More than %u bytes of the body would wait.",
                    session->limits.waiting_bytes);
    buf_append_str(&stream->waiting, data);
    stream->is_last = is_last;
    resume_stream(session, stream);
    http2_take_output(session);
    return OK;
}

struct str http2_output(const struct http2_session *session)
{
    return buf_str(&session->out);
}

void http2_sent(struct http2_session *session, size_t len)
{
    buf_drop(&session->out, len);
    if (session->out.len >= HTTP2_OUT_ENOUGH_BYTES)
        return;
    LIST_FOREACH (link, &session->streams) {
        struct http2_stream *stream = container_of(link, struct http2_stream, link);

        if (stream->whole.len + stream->waiting.len > 0 || stream->is_last)
            resume_stream(session, stream);
    }
    http2_take_output(session);
}
