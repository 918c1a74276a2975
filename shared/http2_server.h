/*
 * One HTTP/2 connection (RFC 9113), as a server: nghttp2 behind limits, as shared/http2.h is for a
 * client. It knows no socket and no loop: give it what was received and it tells by calls what came;
 * take from it what is to be sent. Requests come as the heads that shared/http_parse.h gives, with
 * `host` whatever the peer called it and the parts of `cookie` joined.
 *
 * Whatever a peer does, what is held is bounded: by the limits below, by one frame of 16 KiB in each
 * direction, and by what nghttp2 keeps of a stream. A peer that asks for much and gives nothing to
 * do (frames that carry nothing, streams that it gives up, or that we have to because of what it
 * does with them) uses up a budget, and is then sent away: GOAWAY with ENHANCE_YOUR_CALM.
 *
 * Thread: any; a session belongs to one.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/http_parse.h"
#include "shared/str.h"

struct http2_server;

struct http2_server_limits {
    uint32_t streams;      /* open at once */
    uint32_t target_bytes; /* of `:path` */
    uint32_t head_bytes; /* of one head: names, values and 32 for each field; what is larger is told
                            * as too large, and four times as much ends the connection */
    uint32_t fields;     /* at most HTTP_FIELDS_MAX */
    uint32_t first_window_bytes; /* of a body, until http2_server_take_body() */
    uint32_t window_bytes;       /* of all bodies under way to us; at least 65535 */
    uint32_t budget;             /* of frames that carry nothing … */
    uint32_t budget_per_s;       /* … and what time gives back */
};

#define HTTP2_RESET_COST      10 /* of the budget, for a stream that comes to nothing */
#define HTTP2_ANSWER_REFUND   2  /* for an answer that arrives whole, and for each frame of it: */
#define HTTP2_BLOCK_BYTES_MAX (64 * 1024) /* of a head as it is on the wire, compressed */

/* A request's stream; a part of what the owner keeps of it, which begins with `id` set. */
struct http2_server_stream {
    int32_t id;
    bool has_ended;      /* the request is complete */
    bool is_answered;    /* the answer has been given */
    bool takes_body;     /* beyond the first window */
    size_t unread_bytes; /* of the request's body, for which the window is not open again */
    struct str body;     /* of the answer: what is still to be sent; borrowed */
    uint64_t body_bytes; /* of the answer, that were sent */
};

enum http2_fault {
    HTTP2_FAULT_NONE,
    HTTP2_FAULT_MALFORMED,
    HTTP2_FAULT_TARGET_TOO_LONG,
    HTTP2_FAULT_HEAD_TOO_LARGE,
};

/* The head of a request; all of it is valid during the call only. With a fault the head is not
 * complete: all there is to do is to say so. */
struct http2_server_request {
    int32_t stream_id;
    const struct http_head *head;
    struct str text; /* what the views of the head are of */
    enum http2_fault fault;
    const char *reason; /* of the fault: one sentence */
};

struct http2_server_ops {
    /* A request begins. NULL: it is refused, and may be sent again. */
    struct http2_server_stream *(*begin)(void *owner, const struct http2_server_request *request);

    /* A part of its body; not told when the request is answered already. */
    void (*data)(void *owner, struct http2_server_stream *stream, struct str data);

    /* The request is complete; not told when it is answered already. */
    void (*end)(void *owner, struct http2_server_stream *stream);

    /* The stream is over, answered or not, and the owner's alone from here on. */
    void (*closed)(void *owner, struct http2_server_stream *stream);
};

/* Why a connection is over. */
enum http2_farewell {
    HTTP2_FAREWELL_NONE, /* it is not */
    HTTP2_FAREWELL_GOODBYE,
    HTTP2_FAREWELL_CALM,  /* the peer asked for too much */
    HTTP2_FAREWELL_BROKE, /* the peer broke the rules */
};

/* Its SETTINGS are ready to be sent. `ops` and `owner` are borrowed. */
struct http2_server *http2_server_new(const struct http2_server_limits *limits,
                                      const struct http2_server_ops *ops, void *owner,
                                      int64_t now_us);

/* Streams that are not over are not told of. */
void http2_server_free(struct http2_server *server);

DEFINE_AUTO(struct http2_server *, http2_server_free);

/* Takes what was received, from the preface on, and tells what came. */
void http2_server_receive(struct http2_server *server, struct str input, int64_t now_us);

/* Appends what is to be sent now to `out` until it has `bytes_enough`; never during a call of
 * http2_server_receive(). False when there was nothing. */
bool http2_server_send(struct http2_server *server, struct buf *out, size_t bytes_enough,
                       int64_t now_us);

struct http2_server_field {
    struct str name; /* in any case */
    struct str value;
    bool is_fleeting; /* a secret, or another one each time: not for the memory of compression */
};

#define HTTP2_SERVER_FIELDS_MAX 48

/* Answers; a request that is not complete is given up after that. The body is borrowed until the
 * stream is closed. Nothing happens to a stream that is over. */
void http2_server_answer(struct http2_server *server, struct http2_server_stream *stream,
                         uint16_t status, const struct http2_server_field *fields, size_t count,
                         struct str body);

/* Says that the body is waited for (100). */
void http2_server_continue(struct http2_server *server, const struct http2_server_stream *stream);

/* Lets the peer send more of the body than the first window, `window_bytes` at a time. */
void http2_server_take_body(struct http2_server *server, struct http2_server_stream *stream,
                            uint32_t window_bytes);

/* Gives a stream up (CANCEL). */
void http2_server_cancel(struct http2_server *server, const struct http2_server_stream *stream);

/* Whether the answer waits for the peer to open the stream's own window. */
bool http2_server_is_blocked(const struct http2_server *server,
                             const struct http2_server_stream *stream);

/* Since when something is incomplete that has to come soon: the preface and SETTINGS, their
 * acknowledgement, a head, or a frame that is no part of a body. 0: nothing is. */
int64_t http2_server_awaits_since_us(const struct http2_server *server);

/* Nothing is under way: gives buffers back. */
void http2_server_rest(struct http2_server *server);

/* Says goodbye in two steps, one per call: first that no more requests should come, then that none
 * are taken. What is under way goes on; then the connection is over. */
void http2_server_drain(struct http2_server *server);

/* Ends the connection: one word of why, which is not HTTP2_FAREWELL_NONE, and no stream goes on. */
void http2_server_end(struct http2_server *server, enum http2_farewell farewell);

/* Why the connection is over, as soon as what is to be sent has been taken. */
enum http2_farewell http2_server_farewell(const struct http2_server *server);
