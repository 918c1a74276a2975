/*
 * What nghttp2 tells of the frames that come and go, noted in the session for http2.c to tell on.
 * Fields are decoded one after the other into one buffer: a head is complete before any other frame
 * may come, so one is enough for all streams.
 */
#include <nghttp2/nghttp2.h>

#include "shared/http2_memory.h"
#include "shared/http2_private.h"
#include "shared/mem.h"

#define QUOTED_BYTES_MAX 160

/* ---- what the library tells of frames going out ---- */

static int on_frame_sent(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct http2_session *session = user_data;
    struct http2_stream *stream;
    uint32_t code;

    (void)library;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        stream = http2_find_stream(session, frame->hd.stream_id);
        if (stream)
            stream->is_broken = true;
    }
    if (frame->hd.type != NGHTTP2_GOAWAY)
        return 0;
    code = frame->goaway.error_code;
    if (frame->goaway.opaque_data_len > 0) {
        buf_reset(&session->detail);
        buf_append_escaped(
            &session->detail,
            str_n((const char *)frame->goaway.opaque_data, frame->goaway.opaque_data_len),
            QUOTED_BYTES_MAX);
    }
    http2_fail(session,
               code == NGHTTP2_COMPRESSION_ERROR   ? HTTP2_ERROR_COMPRESSION
               : code == NGHTTP2_ENHANCE_YOUR_CALM ? HTTP2_ERROR_LIMIT
                                                   : HTTP2_ERROR_PROTOCOL,
               "The peer breaks the rules of HTTP/2: %s%s" STR_FMT ".",
               nghttp2_http2_strerror(code), session->detail.len > 0 ? ", " : "",
               STR_ARG(buf_str(&session->detail)));
    return 0;
}

static int on_frame_not_sent(nghttp2_session *library, const nghttp2_frame *frame, int error,
                             void *user_data)
{
    struct http2_session *session = user_data;
    struct http2_stream *stream = http2_find_stream(session, frame->hd.stream_id);

    (void)library;
    (void)error;
    if (frame->hd.type == NGHTTP2_HEADERS && stream)
        http2_end_stream(session, stream, HTTP2_ERROR_GOAWAY, NGHTTP2_REFUSED_STREAM);
    return 0;
}

/* ---- what the library tells of frames coming in ---- */

static int on_begin_head(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct http2_session *session = user_data;

    (void)library;
    (void)frame;
    memset(&session->head, 0, offsetof(struct http_head, fields));
    buf_reset(&session->text);
    buf_reserve(&session->text, session->limits.head_bytes);
    session->head_bytes = 0;
    session->fields = 0;
    return 0;
}

static struct str keep_text(struct http2_session *session, const uint8_t *bytes, size_t len)
{
    size_t at = session->text.len;

    buf_append(&session->text, bytes, len);
    return str_n(session->text.data + at, len);
}

/* Three digits, as the library sees to. */
static int read_status(struct http_head *head, struct str text)
{
    uint64_t status = 0;

    if (!str_to_u64(text, 999, &status) || status < 100)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    head->status = (uint16_t)status;
    return 0;
}

static int on_field(nghttp2_session *library, const nghttp2_frame *frame, const uint8_t *name,
                    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                    void *user_data)
{
    struct http2_session *session = user_data;
    struct http_head *head = &session->head;
    struct http_field *field;

    (void)library;
    (void)frame;
    (void)flags;
    if (session->fields == session->limits.fields ||
        name_len + value_len + HTTP2_FIELD_OVERHEAD_BYTES >
            session->limits.head_bytes - session->head_bytes) {
        http2_fail(session, HTTP2_ERROR_LIMIT,
                   session->fields == session->limits.fields ? "A head has too many fields."
                                                             : "A head is too large.");
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    session->fields++;
    session->head_bytes += (uint32_t)(name_len + value_len + HTTP2_FIELD_OVERHEAD_BYTES);
    if (name_len > 0 && name[0] == ':') /* of a reply there is only the status */
        return read_status(head, str_n((const char *)value, value_len));
    field = &head->fields[head->field_count++];
    field->name = keep_text(session, name, name_len);
    field->value = keep_text(session, value, value_len);
    return 0;
}

static int on_invalid_field(nghttp2_session *library, const nghttp2_frame *frame,
                            const uint8_t *name, size_t name_len, const uint8_t *value,
                            size_t value_len, uint8_t flags, void *user_data)
{
    struct http2_session *session = user_data;

    (void)library;
    (void)frame;
    (void)value;
    (void)value_len;
    (void)flags;
    buf_reset(&session->detail);
    buf_append_text(&session->detail, "the field \"");
    buf_append_escaped(&session->detail, str_n((const char *)name, name_len), QUOTED_BYTES_MAX);
    buf_append_text(&session->detail, "\" is not a valid one");
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the library would leave it out */
}

static void complete_head(struct http2_session *session, bool is_end)
{
    struct http_head *head = &session->head;
    struct str length = http_head_field(head, STR("content-length"));

    head->major_version = 2;
    head->keep_alive = true;
    if (head->status == 0) {
        session->has_trailers = true;
        return;
    }
    session->has_head = true;
    if (is_end || head->status < 200)
        head->framing = HTTP_NO_BODY;
    else if (length.ptr && str_to_u64(length, INT64_MAX, &head->content_length))
        head->framing = HTTP_LENGTH;
    else
        head->framing = HTTP_UNTIL_CLOSE;
}

static void note_goaway(struct http2_session *session, const nghttp2_goaway *goaway)
{
    session->is_going_away = true;
    session->last_stream_id = goaway->last_stream_id;
    session->goaway_code = goaway->error_code;
    buf_reset(&session->goaway_text);
    buf_append_escaped(&session->goaway_text,
                       str_n((const char *)goaway->opaque_data, goaway->opaque_data_len),
                       QUOTED_BYTES_MAX);
}

static int on_frame(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct http2_session *session = user_data;
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct http2_stream *stream;

    (void)library;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        note_goaway(session, &frame->goaway);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    stream = http2_find_stream(session, frame->hd.stream_id);
    if (!stream)
        return 0;
    session->news_stream_id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_HEADERS)
        complete_head(session, is_end);
    if (is_end) {
        session->has_end = true;
        stream->has_ended = true;
    }
    return 0;
}

static int on_data(nghttp2_session *library, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t len, void *user_data)
{
    struct http2_session *session = user_data;

    (void)library;
    (void)flags;
    session->news_stream_id = stream_id;
    session->data = str_n((const char *)data, len);
    http2_frames_note_body(&session->frames);
    return 0;
}

static int on_stream_closed(nghttp2_session *library, int32_t stream_id, uint32_t code,
                            void *user_data)
{
    struct http2_session *session = user_data;
    struct http2_stream *stream = http2_find_stream(session, stream_id);
    enum http2_error error = HTTP2_ERROR_RESET;

    (void)library;
    if (!stream)
        return 0;
    if (stream->is_broken)
        error = HTTP2_ERROR_PROTOCOL;
    else if (session->is_going_away && stream_id > session->last_stream_id)
        error = HTTP2_ERROR_GOAWAY;
    else if (code == NGHTTP2_REFUSED_STREAM)
        error = HTTP2_ERROR_REFUSED;
    http2_end_stream(session, stream, error, code);
    return 0;
}

/* What the library would log, where there is nothing better to explain an error. */
static int on_library_error(nghttp2_session *library, int error, const char *text, size_t len,
                            void *user_data)
{
    struct http2_session *session = user_data;

    (void)library;
    (void)error;
    if (session->detail.len == 0)
        buf_append_escaped(&session->detail, str_n(text, len), QUOTED_BYTES_MAX);
    return 0;
}

/* ---- the library ---- */

static nghttp2_session_callbacks *callbacks_new(void)
{
    nghttp2_session_callbacks *callbacks;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        out_of_memory(0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_head);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_field);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_field);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
    nghttp2_session_callbacks_set_error_callback2(callbacks, on_library_error);
    return callbacks;
}

void http2_begin_library(struct http2_session *session)
{
    nghttp2_session_callbacks *callbacks = callbacks_new();
    nghttp2_option *option;

    if (nghttp2_option_new(&option) != 0)
        out_of_memory(0);
    nghttp2_option_set_max_outbound_ack(option, session->limits.idle_frames);
    nghttp2_option_set_no_closed_streams(option, 1);
    if (nghttp2_session_client_new3(&session->library, callbacks, session, option, &http2_memory) !=
        0)
        out_of_memory(0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
}
