/*
 * Results that control makes itself, on the way that those of probers go: reports with a sequence,
 * one under way in the engine at a time, its prober the nil id. While the engine cannot take them
 * they wait, OWN_RESULTS_MAX at most; they do not outlive the process.
 *
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>

#include "shared/attrs.h"

struct health;
struct loop;
struct own_results;
struct result;

/* What may wait: two results of each of 10,000 heartbeats. */
#define OWN_RESULTS_MAX 20000

/* `health` is borrowed. */
struct own_results *own_results_new(struct loop *loop, struct health *health);
void own_results_free(struct own_results *own);

DEFINE_AUTO(struct own_results *, own_results_free);

/* Copies the result; false when too many wait. */
bool own_results_add(struct own_results *own, const struct result *result);
