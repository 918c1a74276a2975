/* What the files of a connection share: connection.c (input and states), connection_output.c,
 * connection_deadlines.c, connection_live.c. */
#pragma once

#include "control/api/connection.h"

#define CONNECTION_READS_PER_TURN 8 /* then the other connections have theirs */

/* Whether something waits to be written. */
bool connection_has_output(const struct connection *connection);

/* Whether there is room for one more answer; nothing may be put behind a tail. */
bool connection_has_room(const struct connection *connection);

/* Writes what the socket takes; false when the connection is closed by that. What is left is for
 * the next time. */
bool connection_write_out(struct connection *connection);

/* The same, and what the live client has queued. */
bool connection_write_out_live(struct connection *connection);

/* Changes the state; its deadline begins to run. */
void connection_set_state(struct connection *connection, enum connection_state state);

/* Refuses what cannot be answered as a request: one problem, then the end. `code` is constant. */
void connection_refuse(struct connection *connection, uint16_t status, const char *code,
                       const char *detail);

/* Gives input buffer and parser back: an idle connection costs none. */
void connection_release_input(struct connection *connection);

/* Goes on with whatever the state asks for, until it has to wait. */
void connection_advance(struct connection *connection);

/* What lies behind the head of the request under way. */
struct str connection_unparsed(const struct connection *connection);

/* Takes what a WebSocket has sent. */
void connection_take_live_input(struct connection *connection);
