/*
 * The owner of an HTTP/2 server's session, for its tests: notes what it is told, answers what is
 * complete with 200, and says what the peer was sent. Its clock is the test's.
 */
#pragma once

#include "shared/buf.h"
#include "shared/http2_server.h"

#define PREFACE "raw:'PRI * HTTP/2.0'0d0a0d0a'SM'0d0a0d0a; "
#define HELLO   PREFACE "4.0.0; 4.1.0"

/* Heads: method, path "/", scheme http, authority "a". */
#define GET  "828486 0101'a'"
#define POST "838486 0101'a'"

#define SECOND_US INT64_C(1000000)

struct served {
    struct http2_server_stream stream;
    bool is_open;
};

#define SERVED_MAX 4000

struct owner {
    struct http2_server *server;
    struct buf events;
    struct buf out;
    struct served served[SERVED_MAX];
    unsigned begun;
    unsigned open;
    struct str answer;  /* the body of each */
    bool is_silent;     /* does not answer */
    bool refuses;       /* takes no stream */
    bool has_no_events; /* notes none */
    int64_t now_us;
};

extern const struct http2_server_limits owner_limits;

struct owner *owner_new(void);
void owner_free(struct owner *owner);

/* One that has the client's preface and SETTINGS. */
struct owner *greeted(void);

/* Gives it what a client sends, and takes all that is to be sent into `out`. */
void feed(struct owner *owner, struct str input);
void feed_frames(struct owner *owner, const char *frames);
void take_output(struct owner *owner);

/* Appends what frames say that a peer is told by: heads, ends, resets, goodbyes. */
void describe_output(struct buf *text, struct str out);

/* What a client is told when it sends `frames`, yours to free; and that it is what is expected. */
char *answers_to(struct owner *owner, const char *frames);
void assert_answers(struct owner *owner, const char *frames, const char *expected);
