/* What live.c and live_client.c share: rooms, who is in them, and the recent messages. */
#pragma once

#include "shared/loop.h"
#include "shared/map.h"

#include "control/api/live.h"
#include "control/api/live_client.h"

#define LIVE_RECENT_MAX       8192
#define LIVE_RECENT_BYTES_MAX (8 * 1024 * 1024)

struct live_room {
    struct room room; /* the key: 20 bytes without padding */
    VEC(struct live_client *) clients;
    UT_hash_handle hh;
};

struct live_client {
    struct live *live;
    struct connection *connection;
    struct websocket *websocket;
    struct principal principal;
    struct list link;  /* in live->clients */
    struct list dirty; /* in live->dirty while it has something to send */
    bool connected;    /* to the namespace */
    VEC(struct live_room *) rooms;
    VEC(struct live_message *) queue; /* from `first` on */
    size_t first;
    size_t queued_bytes;
    int64_t last_seq; /* of the last change queued */
    int64_t opened_us;
    int64_t ping_at_us; /* the next one */
    int64_t pong_by_us; /* 0: none is awaited */
    int64_t full_at_us; /* bucket of incoming messages */
};

/* A recent change, kept for those who come back. */
struct recent {
    int64_t seq;
    struct live_message *message;
    struct room *rooms;
    size_t room_count;
};

struct live {
    struct live_source source;
    struct ev_loop *ev;
    ev_prepare before_wait; /* sends what has gathered during one pass of the loop */
    struct live_room *rooms;
    struct list clients;
    struct list dirty;
    size_t client_count;
    int64_t seq;
    struct recent recent[LIVE_RECENT_MAX]; /* a ring */
    size_t recent_first;
    size_t recent_len;
    size_t recent_bytes;
};

struct live *live_new(struct loop *loop, const struct live_source *source);
void live_free(struct live *live);

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
