/*
 * The frames of an HTTP/2 connection as they come in: finds their ends, and refuses those of which
 * there are too many before the library sees them.
 *
 * Thread: any; one belongs to one session.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/str.h"

#define HTTP2_FRAME_HEADER_BYTES 9

/* Of a head: so it may be of 80 KiB in frames of the usual size. nghttp2 allows 8, but counts each
 * twice when it is not given together with the frame before it, and more often when its header comes
 * in parts: so headers are given whole. */
#define HTTP2_CONTINUATIONS_MAX 4

struct http2_frames {
    uint32_t idle_max;
    uint32_t block_bytes_max; /* of a head, on the wire */
    const char *reason;       /* of what is refused */
    bool is_over_limit;       /* … and it is a limit, not a rule */

    /* private */
    unsigned char header[HTTP2_FRAME_HEADER_BYTES];
    unsigned header_len;
    uint32_t payload_left;
    bool has_settings;  /* the first frame was the right one */
    bool is_block_open; /* a head's frame has come, and another has to follow */
    bool has_body;      /* the frame brought a part of a body */
    uint32_t idle;
    uint32_t block_bytes;
    unsigned continuations;
};

/*
 * What of `input` is to be given to the library next: at most to the end of the frame's header, which
 * is given whole from here, or to the end of the frame. Empty while the header is not complete.
 * `ret_used` bytes of the input are done with. False when the frame is refused.
 */
bool http2_frames_next(struct http2_frames *frames, struct str input, size_t *ret_used,
                       struct str *ret_piece);

/* What is wrong when no more comes: the peer said something else than a frame. NULL: nothing. */
const char *http2_frames_eof(const struct http2_frames *frames);

/* The frame under way brought a part of a body. */
void http2_frames_note_body(struct http2_frames *frames);

/* Whether the next byte begins something new: neither a frame nor a head is incomplete. */
static inline bool http2_frames_are_between(const struct http2_frames *frames)
{
    return frames->header_len == 0 && !frames->is_block_open;
}

/* Whether what is incomplete is a part of a body. */
bool http2_frames_are_in_body(const struct http2_frames *frames);

/* The piece was looked at. False when it ended one of too many frames that carry nothing. */
bool http2_frames_done(struct http2_frames *frames);
