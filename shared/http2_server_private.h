/* What the files of a server's session share: http2_server.c (its life, and what goes out),
 * http2_server_library.c (what nghttp2 tells) and http2_server_head.c (the rules of a head). */
#pragma once

#include "shared/http2_budget.h"
#include "shared/http2_frames.h"
#include "shared/http2_server.h"

#define HTTP2_FIELD_OVERHEAD_BYTES 32 /* RFC 9113, 6.5.2 */

struct nghttp2_session;

/* The head under way; complete before any other frame may come, so one is enough. */
struct http2_server_head {
    struct http_head head;
    struct buf text; /* what its views are of; never moves while it fills */
    struct str scheme;
    struct str authority;
    size_t bytes;
    uint32_t fields;
    enum http2_fault fault; /* the first one */
    const char *reason;
};

struct http2_server {
    struct nghttp2_session *library;
    struct http2_server_limits limits;
    const struct http2_server_ops *ops;
    void *owner;

    struct http2_frames frames;
    size_t preface_left;
    struct http2_server_head head;
    struct http2_budget budget;

    int64_t now_us;
    int64_t began_us;     /* the connection */
    int64_t message_us;   /* what is incomplete began to come; 0: nothing is */
    bool is_acknowledged; /* our SETTINGS */
    bool is_draining;
    bool is_ending;   /* nothing more is received */
    bool is_unusable; /* the library gave up */
    enum http2_farewell farewell;
};

/* Begins a head. */
void http2_server_head_begin(struct http2_server *server);

/* A field of it. False: so large a head ends the connection. */
bool http2_server_head_add(struct http2_server *server, struct str name, struct str value);

/* The head is not one by the rules. */
void http2_server_head_fail(struct http2_server *server, enum http2_fault fault,
                            const char *reason);

/* All fields are there: joins, checks, and decides how the body is delimited. */
void http2_server_head_complete(struct http2_server *server, bool is_end);

/* Takes from the budget; ends the connection when it is used up. */
void http2_server_charge(struct http2_server *server, uint32_t cost);

/* Makes server->library. */
void http2_server_begin_library(struct http2_server *server);
