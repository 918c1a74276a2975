/*
 * An Engine.IO session: one client, over HTTP long-polling or a WebSocket, or on its way from the
 * one to the other. It has an owner (the credential that opened it), a heartbeat, and a queue of
 * messages that wait to leave; who speaks in it is a service, a table of operations.
 *
 * Whatever is sent waits until the loop has nothing else to do, so a burst is one write or one
 * answer. A session that has ended is freed there too: its pointer is good for as long as the
 * handler runs that ended it.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/list.h"
#include "shared/map.h"
#include "shared/vec.h"

#include "control/api/engine_io.h"
#include "control/api/guard.h"
#include "control/api/live.h"
#include "control/api/live_message.h"

struct exchange;
struct live_link;
struct live_session;

#define LIVE_QUEUE_BYTES_MAX (1024 * 1024)
#define LIVE_SID_BYTES       31 /* 15 random bytes as hexadecimal digits, with its zero byte */

/* What speaks in the sessions of a path. All but `opened` and `message` may be NULL. */
struct live_service_ops {
    /* A session is open. Returns what the others get. */
    void *(*opened)(struct live_session *session, const void *context);

    /* A message has come; false when it is against the protocol: that ends the session. */
    bool (*message)(void *user, bool is_binary, struct str data);

    /* Looks at deadlines; false to end the session. */
    bool (*tick)(void *user, int64_t now_us);

    /* What may be lost was dropped from the queue. */
    void (*overflowed)(void *user);

    /* The session has ended: nothing leaves any more, and nobody else calls. */
    void (*closed)(void *user);
};

/* A row of a table that ends with { 0 }. */
struct live_service {
    const char *path; /* "/socket.io/" */
    const struct live_service_ops *ops;
    const void *context; /* for opened() */
};

struct live_session {
    struct live *live;
    const struct live_service *service;
    void *user; /* of the service */
    char sid[LIVE_SID_BYTES];
    struct principal principal;
    struct uuid address; /* the peer's, as 16 bytes, for the count; nil: is not counted */
    UT_hash_handle hh;   /* in live->sessions_by_sid */
    struct list link_of_all;
    struct list dirty; /* in live->dirty while something is to be done */
    bool has_ended;
    bool left; /* the client itself has ended it */

    struct exchange *poll;     /* GET that waits for something to say */
    bool poll_meets_upgrade;   /* it came when a WebSocket was about to take over */
    struct exchange *post;     /* POST whose body is still coming */
    struct live_link *socket;  /* its WebSocket; NULL: it polls */
    struct live_link *upgrade; /* a WebSocket that wants to take over */

    VEC(struct live_message *) queue; /* from `first` on */
    size_t first;
    size_t queued_bytes;
    bool overflowing;

    int64_t ping_at_us; /* the next one */
    int64_t pong_by_us; /* 0: none is awaited */
    int64_t full_at_us; /* bucket of incoming packets */
};

/* Opens a session for a caller that may have one, and greets it.
 * @return ERR_LIMITED by a bound of the user, the address or all. */
MUST_USE enum err live_session_open(struct live *live, const struct live_service *service,
                                    const struct principal *principal, const struct uuid *address,
                                    bool may_upgrade, struct live_session **ret_session);

/* The session of that id on the service's path: one that lives, or that its client has left within
 * this turn of the loop. NULL when there is none. */
struct live_session *live_session_find(struct live *live, const struct live_service *service,
                                       struct str sid);

/* Whether the principal is the credential that opened it. */
bool live_session_is_of(const struct live_session *session, const struct principal *principal);

/* Ends it: nothing is taken or sent any more; service and client hear of it at the end of the
 * loop's turn. */
void live_session_end(struct live_session *session);

/* A packet has come over whichever transport; false when it is against the protocol. */
bool live_session_take(struct live_session *session, const struct engine_packet *packet);

/* Takes one packet out of the client's bucket; false when it is empty. */
bool live_session_may_speak(struct live_session *session);

/* Queues a message. When too much waits, what may be lost is dropped and the service told; a
 * session that is still full ends. */
void live_session_send(struct live_session *session, struct live_message *message);

/* The same for one packet of text (with its type) or bytes, which must arrive. */
void live_session_send_packet(struct live_session *session, bool is_binary, struct str packet);

/* Takes the next message out of the queue: release it. NULL: it is empty. */
struct live_message *live_session_next(struct live_session *session);

/* Something is to be done at the end of the loop's turn. */
void live_session_touch(struct live_session *session);

/* Looks at the heartbeat, the owner's expiry and the service's deadlines. */
void live_session_tick(struct live_session *session, int64_t now_us);

/* Does what was put off: sends what waits, or frees a session that has ended. */
void live_session_settle(struct live_session *session);
