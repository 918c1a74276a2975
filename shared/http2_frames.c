/* A frame is nine bytes of header (length, type, flags, stream) and as many as its length says. */
#include "shared/http2_frames.h"

#include "shared/attrs.h"

enum frame_type {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_SETTINGS = 4,
    FRAME_PUSH_PROMISE = 5,
    FRAME_CONTINUATION = 9,
};

#define FLAG_ACK         0x1
#define FLAG_END_HEADERS 0x4

static uint32_t length_of(const struct http2_frames *frames)
{
    return (uint32_t)(frames->header[0] << 16 | frames->header[1] << 8 | frames->header[2]);
}

static bool refuse(struct http2_frames *frames, bool is_over_limit, const char *reason)
{
    frames->is_over_limit = is_over_limit;
    frames->reason = reason;
    return false;
}

/* An alert or a handshake: what a TLS server says to a preface. */
static bool looks_like_tls(const struct http2_frames *frames)
{
    return (frames->header[0] == 0x15 || frames->header[0] == 0x16) && frames->header[1] == 3;
}

/* The preface of the peer is a SETTINGS frame; the nine bytes may also be something else altogether. */
static bool may_come_first(struct http2_frames *frames)
{
    if (memcmp(frames->header, "HTTP/1.", 7) == 0)
        return refuse(frames, false, "The peer speaks HTTP/1, not HTTP/2.");
    if (looks_like_tls(frames))
        return refuse(frames, false, "The peer speaks TLS, not HTTP/2.");
    if (frames->header[3] != FRAME_SETTINGS || frames->header[4] & FLAG_ACK)
        return refuse(frames, false,
                      "The peer does not speak HTTP/2: its first frame is not SETTINGS.");
    frames->has_settings = true;
    return true;
}

static bool may_continue(struct http2_frames *frames)
{
    frames->is_block_open = !(frames->header[4] & FLAG_END_HEADERS);
    frames->block_bytes += length_of(frames);
    if (frames->block_bytes > frames->block_bytes_max)
        return refuse(frames, true, "A head is too large.");
    if (frames->continuations > HTTP2_CONTINUATIONS_MAX)
        return refuse(frames, true, "A head comes in too many CONTINUATION frames.");
    return true;
}

static bool may_come(struct http2_frames *frames)
{
    if (!frames->has_settings && !may_come_first(frames))
        return false;
    switch (frames->header[3]) {
    case FRAME_HEADERS:
        frames->block_bytes = 0;
        frames->continuations = 0;
        return may_continue(frames);
    case FRAME_CONTINUATION:
        frames->continuations++;
        return may_continue(frames);
    case FRAME_PUSH_PROMISE:
        return refuse(frames, false, "The peer pushes what nobody asked for.");
    default:
        return true;
    }
}

bool http2_frames_next(struct http2_frames *frames, struct str input, size_t *ret_used,
                       struct str *ret_piece)
{
    size_t missing = HTTP2_FRAME_HEADER_BYTES - frames->header_len;
    size_t used = MIN(input.len, missing > 0 ? missing : (size_t)frames->payload_left);

    *ret_used = 0;
    *ret_piece = (struct str){0};
    if (missing == 0) {
        *ret_piece = str_sub(input, 0, used);
        frames->payload_left -= (uint32_t)used;
    } else {
        memcpy(frames->header + frames->header_len, input.ptr, used);
        frames->header_len += (unsigned)used;
    }
    if (missing > 0 && missing == used) {
        frames->payload_left = length_of(frames);
        if (!may_come(frames))
            return false;
        *ret_piece = str_n((const char *)frames->header, HTTP2_FRAME_HEADER_BYTES);
    }
    *ret_used = used;
    return true;
}

const char *http2_frames_eof(const struct http2_frames *frames)
{
    if (frames->has_settings || frames->header_len == 0)
        return NULL;
    return frames->header_len > 1 && looks_like_tls(frames) ? "The peer speaks TLS, not HTTP/2."
                                                            : "The peer does not speak HTTP/2.";
}

bool http2_frames_are_in_body(const struct http2_frames *frames)
{
    return frames->header_len == HTTP2_FRAME_HEADER_BYTES && frames->header[3] == FRAME_DATA;
}

void http2_frames_note_body(struct http2_frames *frames)
{
    frames->has_body = true;
}

bool http2_frames_done(struct http2_frames *frames)
{
    bool is_idle = !frames->has_body;

    if (frames->header_len < HTTP2_FRAME_HEADER_BYTES || frames->payload_left > 0)
        return true;
    frames->header_len = 0;
    frames->has_body = false;
    if (is_idle && ++frames->idle > frames->idle_max)
        return refuse(frames, true, "There are too many frames that carry nothing.");
    return true;
}
