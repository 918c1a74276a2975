/*
 * Live updates for the console: Socket.IO 5 over Engine.IO 4, over HTTP long-polling or WebSocket.
 * Clients follow rooms; a change is encoded once and sent to everybody in one of its rooms. Recent
 * changes are kept, so that a client that comes back gets what it missed, or a `resync` when that is
 * gone.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/entity.h"

#include "shared/str.h"
#include "shared/uuid.h"

#include "control/api/guard.h"

struct live;

enum room_kind { ROOM_ENTITY, ROOM_HEALTH, ROOM_JOURNAL };

struct room {
    enum room_kind kind;
    struct uuid id;
};

/* Filled in by control/health. */
struct live_source {
    void *context;

    /* Whether the principal may follow the room, and the room's entity exists. */
    bool (*may_follow)(void *context, const struct principal *principal, const struct room *room);
};

/* What the live connections may do; zeroed: what the product allows. */
struct live_settings {
    int64_t ping_interval_ms;
    int64_t ping_timeout_ms;    /* below the interval */
    int64_t connect_timeout_ms; /* until a client has connected to a namespace */
    size_t payload_bytes_max;   /* of a message or a POST that comes in */
    unsigned sessions_max;
    unsigned sessions_per_user;
    unsigned sessions_per_address; /* not of loopback */
    unsigned packets_per_s;        /* that come in, of one session, for long */
    unsigned packets_burst;
    bool is_open; /* to everybody: nobody is asked who they are */
};

/* One event `change`. */
struct live_change {
    enum entity_kind kind;
    struct uuid id;
    int64_t version;
    struct str fields; /* JSON members that follow, without braces: "changed":{…} */
};

/* Sends a change to everybody who follows one of the rooms; a client in several gets it once. Rooms
 * of an entity's status are health:<itself>, health:<each ancestor> and entity:<itself>. Returns
 * its sequence number. */
int64_t live_publish(struct live *live, const struct live_change *change, const struct room *rooms,
                     size_t room_count);

/* Tells everybody in the rooms to fetch again: after a reload, or when changes were lost. */
void live_resync(struct live *live, const struct room *rooms, size_t room_count);

/* Ends the connections of a session or key that is no longer valid, or may not do any more what it
 * could. */
void live_drop_credential(struct live *live, const struct uuid *credential_id);

/* Tells of each live connection whose it is. */
void live_each_principal(const struct live *live,
                         void (*tell)(void *context, const struct principal *principal),
                         void *context);

/* The number of the last change. */
int64_t live_seq(const struct live *live);
