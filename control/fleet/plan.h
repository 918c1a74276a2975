/*
 * What probers probe, in versions. Each change of a check gets the next version, so a prober that
 * says which version it has is sent what came after; one that has none of ours is sent everything.
 * Versions begin at the time of the start in microseconds, so those of an earlier process are older
 * than all of ours.
 *
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/frame.h"
#include "shared/uuid.h"

struct health_plan_entry;
struct plan;

/* Checks that are gone and remembered, so that probers can be told; more than that and probers get
 * everything anew. */
#define PLAN_GONE_MAX 10000

struct plan *plan_new(uint64_t first_version);
void plan_free(struct plan *plan);

DEFINE_AUTO(struct plan *, plan_free);

/* Takes over a check as it is now; one that is as before changes nothing. */
void plan_set(struct plan *plan, const struct health_plan_entry *next);

/* The check has a result: it need not be probed at once any more. */
void plan_has_result(struct plan *plan, const struct uuid *check_id);

/* Whether the check is in the plan, that is: it exists and is enabled. */
bool plan_has(const struct plan *plan, const struct uuid *check_id);

/* Checks in the plan. */
size_t plan_count(const struct plan *plan);

/* Adds the items that come after `since` until the frame is full; sets the reply's version, and its
 * flag MORE. */
void plan_fill(const struct plan *plan, uint64_t since, struct buf *frame,
               struct frame_reply *reply);
