/*
 * The WebSocket of a live session: between a connection, which owns it, and the session that it
 * carries or wants to take over from HTTP.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

struct connection;
struct live_link;
struct live_session;

/* For a connection that is about to become a WebSocket. Without a session it is turned away: all it
 * hears is the end. A session that polls sees it as one that wants to take over. */
struct live_link *live_link_new(struct connection *connection, struct live_session *session);

/* The connection is going: so does a session that has only this. */
void live_link_free(struct live_link *link);

/* Takes bytes from the peer; false when the connection is over. */
bool live_link_input(struct live_link *link, struct str bytes);

/* Moves waiting messages into the output; false when there are none. */
bool live_link_refill(struct live_link *link, struct buf *out);

/* What the protocol itself has to say yet: the frames that end it. */
void live_link_append_control(struct live_link *link, struct buf *out);

/* For the session: sends what waits. */
void live_link_flush(struct live_link *link);

/* For the session: ends the connection, politely; the link is gone then. */
void live_link_end(struct live_link *link);

/* Whether it has shown that it works, and will take over. */
bool live_link_is_probed(const struct live_link *link);

/* Whether it has wanted to take over for too long. */
bool live_link_is_late(const struct live_link *link, int64_t now_us);
