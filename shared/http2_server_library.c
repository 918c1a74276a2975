/* What nghttp2 tells a server of the frames that come and go. */
#include <nghttp2/nghttp2.h>

#include "shared/http2_memory.h"
#include "shared/http2_server_private.h"
#include "shared/mem.h"

static struct http2_server_stream *stream_of(nghttp2_session *library, int32_t id)
{
    return id == 0 ? NULL : nghttp2_session_get_stream_user_data(library, id);
}

/* Coming in ----------------------------------------------------------------------------------- */

static bool is_request(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_head(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct http2_server *server = user_data;

    (void)library;
    http2_server_head_begin(server);
    if (is_request(frame))
        http2_frames_note_body(&server->frames); /* it gives us something to do */
    return 0;
}

static int on_field(nghttp2_session *library, const nghttp2_frame *frame, const uint8_t *name,
                    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                    void *user_data)
{
    struct http2_server *server = user_data;

    (void)library;
    (void)frame;
    (void)flags;
    if (!http2_server_head_add(server, str_n((const char *)name, name_len),
                               str_n((const char *)value, value_len)))
        http2_server_end(server, HTTP2_FAREWELL_CALM);
    return server->is_ending ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

/* The library would leave the field out. */
static int on_invalid_field(nghttp2_session *library, const nghttp2_frame *frame,
                            const uint8_t *name, size_t name_len, const uint8_t *value,
                            size_t value_len, uint8_t flags, void *user_data)
{
    (void)library;
    (void)frame;
    (void)name;
    (void)name_len;
    (void)value;
    (void)value_len;
    (void)flags;
    http2_server_head_fail(user_data, HTTP2_FAULT_MALFORMED,
                           "A field's name or value has characters that it may not have.");
    return 0;
}

static void begin_stream(struct http2_server *server, int32_t id, bool is_end)
{
    const struct http2_server_head *head = &server->head;
    struct http2_server_stream *stream;

    http2_server_head_complete(server, is_end);
    stream = server->ops->begin(server->owner, &(struct http2_server_request){
                                                   .stream_id = id,
                                                   .head = &head->head,
                                                   .text = buf_str(&head->text),
                                                   .fault = head->fault,
                                                   .reason = head->reason,
                                               });
    if (stream)
        nghttp2_session_set_stream_user_data(server->library, id, stream);
    else
        nghttp2_submit_rst_stream(server->library, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
}

static void end_request(struct http2_server *server, int32_t id)
{
    struct http2_server_stream *stream = stream_of(server->library, id);

    if (!stream)
        return;
    stream->has_ended = true;
    if (!stream->is_answered)
        server->ops->end(server->owner, stream);
}

static int on_frame(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct http2_server *server = user_data;
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    (void)library;
    if (server->is_ending)
        return 0;
    if (is_request(frame))
        begin_stream(server, frame->hd.stream_id, is_end);
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) && is_end)
        end_request(server, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_SETTINGS && frame->hd.flags & NGHTTP2_FLAG_ACK)
        server->is_acknowledged = true;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        http2_server_charge(server, HTTP2_RESET_COST);
    return 0;
}

/* Bodies share the connection's window, but what bounds them is their own: so the former opens at
 * once, and the latter when the owner says so. */
static int on_data(nghttp2_session *library, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *user_data)
{
    struct http2_server *server = user_data;
    struct http2_server_stream *stream = stream_of(library, id);

    (void)flags;
    http2_frames_note_body(&server->frames);
    nghttp2_session_consume_connection(library, len);
    if (!stream || stream->is_answered || server->is_ending)
        return 0;
    if (stream->takes_body)
        nghttp2_session_consume_stream(library, id, len);
    else
        stream->unread_bytes += len;
    server->ops->data(server->owner, stream, str_n((const char *)data, len));
    return 0;
}

/* Going out ----------------------------------------------------------------------------------- */

static int on_frame_sent(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct http2_server *server = user_data;
    struct http2_server_stream *stream = stream_of(library, frame->hd.stream_id);
    bool carries_answer = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;

    if (frame->hd.type == NGHTTP2_DATA)
        http2_budget_give(&server->budget, HTTP2_ANSWER_REFUND);
    /* What a peer makes us reset costs as much as what it resets itself. */
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
        http2_server_charge(server, HTTP2_RESET_COST);
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR &&
        server->farewell == HTTP2_FAREWELL_NONE) {
        server->farewell = HTTP2_FAREWELL_BROKE;
        server->is_ending = true;
    }
    if (carries_answer && frame->hd.flags & NGHTTP2_FLAG_END_STREAM && stream && !stream->has_ended)
        nghttp2_submit_rst_stream(library, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                  NGHTTP2_NO_ERROR);
    return 0;
}

static int on_stream_closed(nghttp2_session *library, int32_t id, uint32_t code, void *user_data)
{
    struct http2_server *server = user_data;
    struct http2_server_stream *stream = stream_of(library, id);

    if (!stream)
        return 0;
    if (code == NGHTTP2_NO_ERROR && stream->is_answered)
        http2_budget_give(&server->budget, HTTP2_ANSWER_REFUND);
    nghttp2_session_set_stream_user_data(library, id, NULL);
    server->ops->closed(server->owner, stream);
    return 0;
}

/* The library --------------------------------------------------------------------------------- */

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
    return callbacks;
}

void http2_server_begin_library(struct http2_server *server)
{
    nghttp2_session_callbacks *callbacks = callbacks_new();
    nghttp2_option *option;

    if (nghttp2_option_new(&option) != 0)
        out_of_memory(0);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, server->limits.budget);
    if (nghttp2_session_server_new3(&server->library, callbacks, server, option, &http2_memory) !=
        0)
        out_of_memory(0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
}
