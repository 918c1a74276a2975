/*
 * What control wants probed, applied to the engine. Checks that come again unchanged are left
 * alone, so that a plan sent anew disturbs no schedule; a check that this prober cannot run is
 * reported once, as a result of its own.
 *
 * Thread: the link's.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/frame.h"
#include "shared/result.h"

struct engine;
struct plan;

typedef void (*plan_result_fn)(void *context, const struct result *result);

/* @param on_result called for each check that cannot be run. */
struct plan *plan_new(struct engine *engine, plan_result_fn on_result, void *context);
void plan_free(struct plan *plan);

DEFINE_AUTO(struct plan *, plan_free);

/* Applies PLAN_RESET, CHECK_SET, CHECK_DROP or RUN_AT. */
void plan_apply(struct plan *plan, const struct frame_item *item);

/* A frame with items is applied up to `version`; with `more` the plan goes on in the next frame. */
void plan_applied(struct plan *plan, uint64_t version, bool more);

/* What the next report says we have; 0: nothing. */
uint64_t plan_version(const struct plan *plan);

size_t plan_checks(const struct plan *plan);
