/*
 * One live client: Engine.IO 4 (packets, heartbeat) and Socket.IO 5 (namespace, events,
 * acknowledgements) on a WebSocket. What is to be sent waits as references to messages that all
 * receivers share.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/list.h"
#include "shared/vec.h"

#include "control/api/live.h"

struct connection;
struct exchange;
struct live_client;
struct live_room;

#define LIVE_QUEUE_BYTES_MAX    (1024 * 1024)
#define LIVE_ROOMS_MAX          500 /* of one client */
#define LIVE_SOCKETS_PER_USER   20
#define LIVE_MESSAGES_PER_S     20
#define LIVE_MESSAGES_BURST     60
#define LIVE_PING_INTERVAL_MS   25000
#define LIVE_PING_TIMEOUT_MS    20000
#define LIVE_CONNECT_TIMEOUT_MS 45000

/* A finished WebSocket frame, shared by all who wait for it. */
struct live_message {
    uint32_t references;
    uint32_t len;
    char frame[];
};

/* A message of one packet text; yours, release it with live_message_unref(). */
struct live_message *live_message_new(struct str packet);
void live_message_unref(struct live_message *message);

/* Upgrades the connection of an exchange whose caller is known: writes 101 and returns the client.
 * NULL when it may not: then the exchange is answered. */
struct live_client *live_client_open(struct exchange *exchange);

void live_client_free(struct live_client *client);

/* Takes bytes from the peer; false when the connection is over. */
bool live_client_input(struct live_client *client, struct str bytes);

/* Moves waiting messages into the output; false when there are none. */
bool live_client_refill(struct live_client *client, struct buf *out);

/* Heartbeat and expiry; false when the connection is over. */
bool live_client_tick(struct live_client *client, int64_t now_us);

/* Queues a message. When too much waits, all of it is dropped and the client told to fetch its
 * rooms again. */
void live_client_send(struct live_client *client, struct live_message *message);
