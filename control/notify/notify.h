/*
 * Tells the outside world of status changes: follows the status events by position, turns each into
 * a delivery in the same transaction that moves the position, and sends deliveries to the webhook
 * of the settings until it has answered 2xx. At least once: every attempt of a delivery carries the
 * same `webhook-id`.
 *
 * Thread: one of its own, with its own database connection.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"

struct db;
struct notify;

/* Starts the thread. @param db taken; its connection is made when needed. */
MUST_USE enum err notify_start(struct db *db, struct notify **ret_notify);

/* There is something new to follow: looks at once, not only at the next poll. Thread: any. */
void notify_wake(struct notify *notify);

/* Ends the thread; a delivery under way is finished or given back. */
void notify_stop(struct notify *notify);

DEFINE_AUTO(struct notify *, notify_stop);
