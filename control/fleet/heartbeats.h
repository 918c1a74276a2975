/*
 * The heartbeats that are expected: one entry per check, found by the SHA-256 of its token, with a
 * timer for when it is late. A call costs a hash, two look-ups and a result in a queue; nothing
 * here waits for a database.
 *
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"

struct health;
struct health_plan_entry;
struct heartbeat_call;
struct heartbeats;
struct loop;

/* What a target is told. */
struct heartbeat_answer {
    bool heard; /* false: the check is paused, and nothing was noted */
    /* wall clock: when it is late without another call; 0: nothing is expected of it */
    int64_t next_by_ms;
    int64_t retry_after_s; /* with ERR_LIMITED */
};

/* `health` is borrowed. */
struct heartbeats *heartbeats_new(struct loop *loop, struct health *health);
void heartbeats_free(struct heartbeats *heartbeats);

DEFINE_AUTO(struct heartbeats *, heartbeats_free);

/* Takes over a check as it is now; every check comes by here, because the last results of all tell
 * for how long control was away. True when it is, or was, a heartbeat: no prober need know. */
bool heartbeats_plan(struct heartbeats *heartbeats, const struct health_plan_entry *entry);

/* All that there is has come by: from now on calls are heard, and their absence is. */
void heartbeats_loaded(struct heartbeats *heartbeats);

bool heartbeats_has(const struct heartbeats *heartbeats, const struct uuid *check_id);

/*
 * The target of the token has called; `call` is NULL when a job says that it has begun: the call at
 * its end then has its duration, and is the one that counts.
 * @return ERR_NOT_FOUND for a token of nobody; ERR_LIMITED "heartbeat_flood"; ERR_UNAVAILABLE while
 * nothing is loaded, or too many results wait: who called is not taken for silent then.
 */
MUST_USE enum err heartbeats_hear(struct heartbeats *heartbeats, struct str token,
                                  const struct heartbeat_call *call,
                                  struct heartbeat_answer *ret_answer);
