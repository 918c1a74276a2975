/* What the files of a connection share: connection.c (its states), connection_http1.c (requests),
 * answer_http1.c, connection_output.c, connection_deadlines.c, connection_live.c, connection_http2.c. */
#pragma once

#include "control/api/connection.h"

#define CONNECTION_READS_PER_TURN 8 /* then the other connections have theirs */

/* Of a request, whatever the protocol. */
#define HEAD_BYTES_MAX   (16 * 1024)
#define TARGET_BYTES_MAX (8 * 1024)
#define FIELDS_MAX       100

/* Deadlines of either protocol. */
#define CONNECTION_HEAD_US        INT64_C(10000000)
#define CONNECTION_REST_US        INT64_C(1000000) /* idle: gives its buffers back */
#define CONNECTION_IDLE_US        INT64_C(75000000)
#define CONNECTION_BODY_GRACE_US  INT64_C(10000000)
#define CONNECTION_WRITE_GRACE_US INT64_C(30000000)

struct answer;

/* How a connection itself carries an exchange: as HTTP/1. */
extern const struct carrier_ops connection_carrier_ops;

/* Frees it when it is dead and no exchange needs it any more. */
void connection_free_dead(struct connection *connection);

/* Whether something waits to be written. */
bool connection_has_output(const struct connection *connection);

/* Whether there is room for one more answer; nothing may be put behind a tail. */
bool connection_has_room(const struct connection *connection);

/* Writes what the socket takes; false when the connection is closed by that. What is left is for
 * the next time. */
bool connection_write_out(struct connection *connection);

/* The same, and what the live client or the HTTP/2 streams have queued. */
bool connection_write_out_live(struct connection *connection);
bool connection_write_out_http2(struct connection *connection);

/* A large body that follows the output without being copied; borrowed unless `owner` is given,
 * whose memory is taken. */
void connection_set_tail(struct connection *connection, struct str tail, struct buf *owner);

/* Writes an answer into the output of the connection that is the carrier. */
void answer_write_http1(struct carrier *carrier, const struct answer *answer);

/* Whether the answer under way is the last. */
bool connection_ends_after(const struct connection *connection);

/* Changes the state; its deadline begins to run. */
void connection_set_state(struct connection *connection, enum connection_state state);

/* Refuses what cannot be answered as a request: one problem, then the end. `code` is constant. */
void connection_refuse(struct connection *connection, uint16_t status, const char *code,
                       const char *detail);

/* Gives input buffer and parser back: an idle connection costs none. */
void connection_release_input(struct connection *connection);

/* Goes on with whatever the state asks for, until it has to wait. */
void connection_advance(struct connection *connection);

/* Takes requests: reads and parses until there is nothing to read, or something else has to happen
 * first. */
void connection_take_requests(struct connection *connection);

/* Whether a head or a body is read. */
bool connection_is_reading(const struct connection *connection);

/* Whether what comes from the peer is to be read now. */
bool connection_wants_input(const struct connection *connection);

/* While an answer is waited for: what comes belongs to later requests; the peer's end is the end. */
void connection_look_for_end(struct connection *connection);

/* What lies behind the head of the request under way. */
struct str connection_unparsed(const struct connection *connection);

/* Whether so few bytes in that time, once the grace is over, are fewer than 1 KiB/s. */
bool connection_is_too_slow(int64_t since_us, int64_t now_us, int64_t grace_us, uint64_t bytes);

/* What the first bytes of a connection without TLS are, where HTTP/2 needs no agreement. */
enum connection_preface {
    CONNECTION_PREFACE_NONE,
    CONNECTION_PREFACE_PART, /* it may become one */
    CONNECTION_PREFACE_HTTP2,
};

enum connection_preface connection_look_for_preface(const struct connection *connection);

/* The connection speaks HTTP/2 from now on; its parser is given up. */
void connection_go_http2(struct connection *connection);

/* HTTP/2 is over, and what it had to say is sent: closes. */
void connection_end_http2(struct connection *connection);

/* Takes what came by HTTP/2. */
void connection_take_http2_input(struct connection *connection);

/* Takes what a WebSocket has sent. */
void connection_take_live_input(struct connection *connection);
