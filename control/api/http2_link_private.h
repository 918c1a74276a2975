/* What the files of HTTP/2 on a connection share: http2_link.c (the connection's side),
 * http2_carrier.c (a stream's), http2_answer.c and http2_deadlines.c. */
#pragma once

#include "shared/http2_server.h"
#include "shared/list.h"

#include "control/api/connection_private.h"
#include "control/api/http2_link.h"

#define HTTP2_RUNNING_MAX    16                /* exchanges of one connection at work at once */
#define HTTP2_HELD_BYTES_MAX ((size_t)1 << 20) /* with so much to be sent, no more are run */
#define HTTP2_UPLOADS_MAX    4                 /* bodies beyond the first window at once */

enum http2_carrier_state {
    HTTP2_BODY,     /* its request is not complete */
    HTTP2_READY,    /* complete, and waits for its turn */
    HTTP2_RUNNING,  /* under way; also when nobody waits any more and a worker has it */
    HTTP2_WAITING,  /* the same, and it may take long */
    HTTP2_ANSWERED, /* the answer goes out */
};

/* A stream, as what carries an exchange. */
struct http2_carrier {
    struct carrier carrier;
    struct http2_link *link;
    struct list entry; /* in link->carriers, until the stream is over */
    struct list turn;  /* in link->ready */
    struct http2_server_stream stream;
    enum http2_carrier_state state;
    int64_t since_us;    /* when the state's deadline began to run */
    uint64_t body_bytes; /* of the request, received */
    struct http_head head;
    struct buf text;   /* what the head's views are of */
    struct buf answer; /* its body, when nobody else keeps it */
};

struct http2_link {
    struct connection *connection;
    struct http2_server *session;
    struct list carriers; /* of streams that are not over */
    struct list ready;
    unsigned running; /* also those that nobody waits for */
    unsigned left;    /* which workers have, and nobody waits for */
    unsigned uploads;
    size_t held_bytes;      /* of answers that are not gone, as far as they are kept here */
    int64_t idle_us;        /* when the last stream was over */
    int64_t blocked_us;     /* since when answers wait for the peer; 0: none does */
    uint64_t sent_bytes;    /* of all answers that are gone … */
    uint64_t blocked_bytes; /* … and at that time, with those under way */
    unsigned drain_steps;
    bool is_abandoned; /* the connection is at its end: there are no carriers any more */
    bool is_busy;      /* within itself: what is to be sent is sent afterwards */
};

extern const struct http2_server_ops http2_carrier_stream_ops;

void http2_carrier_set_state(struct http2_carrier *carrier, enum http2_carrier_state state);

/* Its stream is over, or nobody waits for it any more. */
void http2_carrier_end(struct http2_carrier *carrier);

/* Answers a request that never was one, or never became one. `code` is constant. */
void http2_carrier_refuse(struct http2_carrier *carrier, uint16_t status, const char *code,
                          const char *detail);

/* Writes an answer as that of the stream. */
void http2_answer_write(struct carrier *wire, const struct answer *answer);

/* Runs what is complete, as far as there is room. */
void http2_link_run(struct http2_link *link);

/* Whether its body is larger than the first window and waits for more. */
bool http2_carrier_wants_window(const struct http2_carrier *carrier);

/* Lets bodies come that wait for the window. */
void http2_link_take_bodies(struct http2_link *link);

/* Sends what there is to send, unless that happens anyway. */
void http2_link_flush(struct http2_link *link);
