/*
 * HTTP/2 on a connection: between the connection, which owns it, and the session of the protocol
 * (shared/http2_server.h). Each stream carries one exchange; what runs at once and what waits to be
 * sent is bounded for the connection as a whole.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

struct connection;
struct http2_link;
struct pool;

struct http2_link *http2_link_new(struct connection *connection);

/* No exchange needs it any more. */
void http2_link_free(struct http2_link *link);

/* Takes bytes from the peer, from the preface on. */
void http2_link_input(struct http2_link *link, struct str bytes);

/* Moves what waits to be sent into the output; false when nothing does. */
bool http2_link_refill(struct http2_link *link, struct buf *out);

/* Whether the protocol has come to its end, and everything is in the output. */
bool http2_link_is_over(const struct http2_link *link);

/* Nobody waits for any answer any more. */
void http2_link_abandon(struct http2_link *link);

/* Whether workers still have exchanges of it. */
bool http2_link_is_needed(const struct http2_link *link);

/* The server stops: tells the peer, in two steps by two calls, and lets end what is under way. */
void http2_link_drain(struct http2_link *link);

/* Looks at the deadlines. */
void http2_link_tick(struct http2_link *link, int64_t now_us);

/* Releases what streams have given back to the server's pool. */
void http2_link_clear_pool(struct pool *pool);

/* The size of what is in that pool. */
size_t http2_link_pool_object_bytes(void);
