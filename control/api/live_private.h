/* What the files of the live connections share: sessions, rooms and who is in them, and the recent
 * changes. */
#pragma once

#include "shared/loop.h"
#include "shared/map.h"
#include "shared/metrics.h"

#include "control/api/live.h"
#include "control/api/live_client.h"
#include "control/api/live_session.h"
#include "control/api/live_socket.h"
#include "control/api/live_tally.h"

#define LIVE_RECENT_MAX       8192
#define LIVE_RECENT_BYTES_MAX (8 * 1024 * 1024)

struct live_room {
    struct room room; /* the key: 20 bytes without padding */
    VEC(struct live_client *) clients;
    UT_hash_handle hh;
};

/* Who follows rooms: the user of a socket. */
struct live_client {
    struct live *live;
    struct live_socket *socket;
    VEC(struct live_room *) rooms;
    int64_t last_seq; /* of the last change queued */
};

/* A recent change, kept for those who come back. */
struct recent {
    int64_t seq;
    struct live_message *message;
    struct room *rooms;
    size_t room_count;
};

struct live {
    struct live_settings settings;
    const struct live_service *services;
    struct live_source source;
    struct ev_loop *ev;
    ev_prepare before_wait; /* does what was put off during one pass of the loop */
    ev_timer tick;

    struct list sessions; /* also those that have ended and wait to be freed */
    struct live_session *sessions_by_sid;
    size_t session_count;
    struct live_tally *by_user;
    struct live_tally *by_address;
    struct list dirty;

    struct live_room *rooms;
    int64_t seq;
    struct recent recent[LIVE_RECENT_MAX]; /* a ring */
    size_t recent_first;
    size_t recent_len;
    size_t recent_bytes;
};

struct live_metrics {
    struct metric messages;
    struct metric overflows;
    struct metric refused;
    struct metric clients;
};

extern struct live_metrics live_metrics;

/* @param settings zeroed: the product's; @param services NULL: the product's */
struct live *live_new(struct loop *loop, const struct live_source *source,
                      const struct live_settings *settings, const struct live_service *services);

/* Ends all sessions; their connections are closed already. */
void live_free(struct live *live);

/* The service of a path; NULL: there is none. */
const struct live_service *live_service_at(const struct live *live, struct str path);

/* Whether the client may follow, and does from now on. */
bool live_join(struct live_client *client, const struct room *room);
void live_leave(struct live_client *client, const struct room *room);
void live_leave_all(struct live_client *client);

/* Sends the changes after `seq` in one of the rooms; false when they are not all there any more. */
bool live_replay(struct live_client *client, const struct room *rooms, size_t room_count,
                 int64_t seq);

/* "entity:<id>" and back. */
bool room_parse(struct str text, struct room *ret_room);
void room_write(const struct room *room, struct buf *out);

/* Queues `resync` for a room. */
void live_send_resync(struct live_client *client, const struct room *room);
