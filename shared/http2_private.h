/*
 * What the files of a session share: http2.c (its life, and what came), http2_request.c (what goes
 * out) and http2_library.c (what nghttp2 tells).
 */
#pragma once

#include <stdarg.h>

#include "shared/buf.h"
#include "shared/http2.h"
#include "shared/http2_frames.h"
#include "shared/list.h"

#define HTTP2_FIELD_OVERHEAD_BYTES 32          /* RFC 9113, 6.5.2 */
#define HTTP2_OUT_ENOUGH_BYTES     (16 * 1024) /* with so much to be sent, bodies wait */

struct nghttp2_session;

/* A request that is not over. */
struct http2_stream {
    struct list link; /* session->streams, or session->dead */
    int32_t id;
    struct str whole;   /* of the body: what the caller holds */
    struct buf waiting; /* … and what came by http2_write() */
    bool is_last;       /* that is all of it */
    bool is_deferred;   /* the library asks for more only when it is told to */
    bool has_ended;     /* the peer's message is complete */
    bool is_broken;     /* the peer's message is not a right one */
    enum http2_error error;
    uint32_t code; /* the peer's, for `error` */
};

struct http2_session {
    struct nghttp2_session *library;
    struct http2_limits limits;
    struct http2_frames frames;
    struct list streams;
    struct list dead; /* whose end has yet to be told */
    struct buf out;

    /* the head under way, or the last one */
    struct http_head head;
    struct buf text; /* what its fields are views of; never moves while it fills */
    uint32_t head_bytes;
    uint32_t fields;

    /* what the last piece of input brought, and is yet to be told; in this order */
    int32_t news_stream_id;
    bool has_head;
    bool has_trailers;
    struct str data;
    bool has_end;

    enum http2_error error; /* of the connection */
    bool is_unusable;       /* the library gave up in the middle */
    bool is_going_away;
    int32_t last_stream_id; /* that the peer looks at, when it is going away */
    uint32_t goaway_code;
    struct buf goaway_text; /* what the peer says to it, printable */
    struct buf detail;      /* what the library says of the peer's mistake, printable */
    struct buf reason;
};

/* Ends the connection; the first thing that goes wrong is what is told. */
void http2_fail(struct http2_session *session, enum http2_error error, const char *format, ...)
    PRINTF(3, 4);

struct http2_stream *http2_find_stream(struct http2_session *session, int32_t id);
void http2_free_stream(struct http2_stream *stream);

/* The library has closed the stream: tells so, unless the peer's message was complete. */
void http2_end_stream(struct http2_session *session, struct http2_stream *stream,
                      enum http2_error error, uint32_t code);

/* Takes what the library wants to send. */
void http2_take_output(struct http2_session *session);

/* Makes session->library. */
void http2_begin_library(struct http2_session *session);
