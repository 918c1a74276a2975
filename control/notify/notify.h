/*
 * Tells the outside world what happens: follows the journal and the changes of states by position,
 * turns each event into a delivery for each webhook that wants it, in the transaction that moves
 * the position, and sends deliveries until they are answered 2xx or given up. At least once: every
 * attempt of a delivery carries the same `webhook-id`.
 *
 * Thread: one of its own, with its own database connection.
 */
#pragma once

#include "shared/addr.h"
#include "shared/attrs.h"
#include "shared/embedded_file.h"
#include "shared/err.h"

#include "control/api/route.h"

struct db;
struct notify;

extern const struct embedded_file notify_schemas[];
extern const struct route webhook_routes[];  /* their context is the struct notify */
extern const struct route delivery_routes[]; /* theirs, too */

/* @param db taken; its connection is made when needed.
 * @param networks the loopback and private networks that webhooks may reach; NULL: all; borrowed */
struct notify *notify_new(struct db *db, const struct addr_networks *networks);

/* Starts the thread. */
MUST_USE enum err notify_start(struct notify *notify);

/* There is something new to follow: looks at once, not only at the next poll. Thread: any. */
void notify_wake(struct notify *notify);

/* Webhooks were changed, and that is committed: what happens from now on goes by it. Thread: any. */
void notify_reload(struct notify *notify);

/* Ends the thread, if it was started; a delivery under way is finished or given back. */
void notify_free(struct notify *notify);

DEFINE_AUTO(struct notify *, notify_free);
