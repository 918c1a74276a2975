/*
 * A message on its way to live clients: made once, shared by all who wait for it. It lies as a
 * finished WebSocket frame; over HTTP goes what is in it.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/str.h"

/* What happens to it in a queue that is full. */
enum live_worth {
    LIVE_MUST_ARRIVE, /* the session ends when there is no room for it */
    LIVE_MAY_BE_LOST, /* it is dropped, and the client told to fetch again */
};

struct live_message {
    uint32_t references;
    uint32_t len;   /* of the frame */
    uint8_t packet; /* where in the frame the packet begins */
    bool is_binary;
    enum live_worth worth;
    char frame[];
};

/* A message of one packet: text with its type, or bytes. Yours, release it with
 * live_message_unref(). */
struct live_message *live_message_new(enum live_worth worth, bool is_binary, struct str packet);
void live_message_unref(struct live_message *message);

static inline struct str live_message_packet(const struct live_message *message)
{
    return str_n(message->frame + message->packet, message->len - message->packet);
}
