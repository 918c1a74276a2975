/*
 * One HTTP/2 connection (RFC 9113), as a client: nghttp2 behind limits. It knows no socket and no
 * loop: give it what was received, send what it has to send, and it says what came, one thing at a
 * time, as shared/http_parse does for HTTP/1.1. Heads come in the same struct. Whatever a peer
 * does, the memory held is bounded: by the limits below, by one frame of 16 KiB in each direction
 * and by what nghttp2 keeps of a stream. The door to nghttp2 for clients; shared/http2_server.h is
 * that for servers.
 *
 * Refused beyond what nghttp2 refuses: push, fields that RFC 9113 calls malformed, a first frame
 * that is not SETTINGS, more than 4 CONTINUATION frames for a head, and frames without end that
 * carry nothing (SETTINGS, PING, WINDOW_UPDATE, PRIORITY, RST_STREAM, unknown types, DATA without a
 * byte, 1xx heads).
 *
 * Thread: any; a session belongs to one.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/http_parse.h"
#include "shared/str.h"

#define HTTP2_REQUEST_HEAD_BYTES_MAX (32 * 1024) /* of names, values and 32 for each field */

struct http2_session;

enum http2_status {
    HTTP2_NEED_MORE, /* all input is used up */
    HTTP2_HEAD,      /* a head: a 1xx one, or the one that the message begins with */
    HTTP2_DATA,      /* a part of the body */
    HTTP2_TRAILERS,  /* fields after the body */
    HTTP2_END,       /* the message is complete */
    HTTP2_RESET,     /* the stream is over before that, the connection goes on */
    HTTP2_FAILED,    /* the connection is over, and every stream with it */
};

enum http2_error {
    HTTP2_ERROR_NONE,
    HTTP2_ERROR_PROTOCOL,    /* the peer breaks the rules */
    HTTP2_ERROR_COMPRESSION, /* its header compression cannot be followed */
    HTTP2_ERROR_LIMIT,       /* a stated limit */
    HTTP2_ERROR_REFUSED,     /* the peer has not looked at the request: another try may work */
    HTTP2_ERROR_RESET,       /* the peer gave up the stream */
    HTTP2_ERROR_GOAWAY,      /* the peer gave up the connection */
    HTTP2_ERROR_EOF,         /* the connection ended without a word */
};

struct http2_limits {
    uint32_t head_bytes;    /* of one head: names, values and 32 for each field; and on the wire */
    uint32_t fields;        /* of one head, with the pseudo-fields; at most HTTP_FIELDS_MAX */
    uint32_t idle_frames;   /* that carry no body, over the life of the connection */
    uint32_t window_bytes;  /* what the peer may have under way; 65535 to INT32_MAX */
    uint32_t waiting_bytes; /* of a body given by http2_write() and not yet taken by the peer */
};

struct http2_request {
    struct str method;
    struct str scheme;
    struct str authority;
    struct str path;
    const struct http_field *fields; /* without those that HTTP/2 has no place for, as Connection */
    size_t field_count;
    struct str body;   /* borrowed as long as the session lives */
    bool body_follows; /* the rest comes by http2_write() */
};

/* What came; what does not belong to the status is zero. Valid until the next call, `data` as long
 * as the input. */
struct http2_news {
    int32_t stream_id; /* 0: the connection */
    const struct http_head *head;
    struct str data;
    enum http2_error error;
    const char *reason; /* one sentence */
};

/* A client's end, with its preface ready to be sent. */
struct http2_session *http2_client_new(const struct http2_limits *limits);

void http2_free(struct http2_session *session);

DEFINE_AUTO(struct http2_session *, http2_free);

/* Whether such a request can be sent. @return ERR_LIMITED "head_too_large". */
MUST_USE enum err http2_request_check(const struct http2_request *request);

/* Begins a request. @return ERR_LIMITED "head_too_large", or ERR_UNAVAILABLE "connection_over". */
MUST_USE enum err http2_send_request(struct http2_session *session,
                                     const struct http2_request *request, int32_t *ret_stream_id);

/* Goes on with a body that follows; copies `data`. @return ERR_LIMITED "body_waiting" when too much
 * of it waits, or ERR_NOT_FOUND "stream_over". */
MUST_USE enum err http2_write(struct http2_session *session, int32_t stream_id, struct str data,
                              bool is_last);

/* What is to be sent now: valid until the next call. Say with http2_sent() how much of it was. */
struct str http2_output(const struct http2_session *session);
void http2_sent(struct http2_session *session, size_t len);

/*
 * Looks at `input` and says what came next; `ret_used` bytes are done with. Go on with the rest,
 * also when none is left, until HTTP2_NEED_MORE. What is then to be sent may be more than before.
 */
enum http2_status http2_receive(struct http2_session *session, struct str input, size_t *ret_used,
                                struct http2_news *ret_news);

/* The peer has closed the connection: always HTTP2_FAILED, with what there is to say about it. */
enum http2_status http2_eof(struct http2_session *session, struct http2_news *ret_news);
