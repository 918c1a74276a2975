/*
 * The sending half: what is due goes to its receivers, many at once, a few to each. A receiver that
 * fails is left alone for a moment, then tried out with one delivery, so that a thousand waiting
 * ones cost one failing request each pause; when it answers again, all that waited is due at once.
 *
 * Thread: notify's own; notify_send_wake() from any.
 */
#pragma once

#include <stddef.h>

#include "shared/addr.h"
#include "shared/attrs.h"
#include "shared/err.h"

#include "control/notify/webhook.h"

struct sender;

struct sender *sender_new(struct db *db, const struct addr_networks *networks);
void sender_free(struct sender *sender);

/* The webhooks from now on; takes the list. What is known of their receivers stays. */
void sender_take_webhooks(struct sender *sender, webhook_list *webhooks);

const webhook_list *sender_webhooks(const struct sender *sender);

/* Begins to send what is due. */
MUST_USE enum err sender_claim(struct sender *sender);

/* Waits for replies, at most `timeout_ms`, and notes what came of them.
 * @param ret_switched_off whether a webhook was: load them again */
MUST_USE enum err sender_wait(struct sender *sender, int64_t timeout_ms, bool *ret_switched_off);

/* Ends a wait. Thread: any. */
void sender_wake(struct sender *sender);

size_t sender_under_way(const struct sender *sender);

/* Gives back what is under way. */
MUST_USE enum err sender_release(struct sender *sender);
