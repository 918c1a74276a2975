/*
 * One event loop with its part of the checks: it knows when each is due, admits probes within the
 * limits, and hands out results. Shards share nothing with each other.
 *
 * Thread: its own, but for shard_post() and the functions marked "any".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/loop.h"

#include "prober/engine.h"
#include "prober/lag.h"

struct check;
struct jq;
struct probe;
struct resolver;
struct scripts;
struct scripts_settings;
struct shard;
struct spawner;
struct tls_contexts;

/* Handles of one loop on the spawner. */
struct shard_spawners {
    struct spawner *scripts; /* NULL: no script may run */
    struct spawner *jq;      /* NULL: shard_jq() is NULL */
};

/* Options, with all limits filled in, are borrowed for good.
 * @param flood probes to keep under way; 0: schedules. */
struct shard *shard_new(const struct engine_options *options, struct shard_spawners spawners_take,
                        unsigned flood);
void shard_free(struct shard *shard);

/* Any: runs a task on the shard's thread. */
void shard_post(struct shard *shard, loop_task_fn task, void *argument);

/* The body of its thread: runs until shard_stop(). */
void shard_run(struct shard *shard);

/* Any: cancels all probes and ends shard_run(). */
void shard_stop(struct shard *shard);

/* ---- checks ---- */

/* Takes the check; replaces the one of the same id. */
void shard_set_check(struct shard *shard, struct check *check_take, bool at_once);
void shard_drop_check(struct shard *shard, const struct uuid *id);
void shard_drop_all(struct shard *shard);
void shard_run_at(struct shard *shard, const struct uuid *id, uint32_t delay_ms);

/* Takes the check; calls `on_end` once. */
void shard_once(struct shard *shard, struct check *check_take, bool explain, engine_once_fn on_end,
                void *context);

/* Any: adds what this shard has counted. */
void shard_add_metrics(struct shard *shard, struct engine_metrics *metrics);
void shard_add_lag(struct shard *shard, struct lag *lag);

/* ---- for probes ---- */

struct ev_loop *shard_ev(struct shard *shard);
struct resolver *shard_resolver(struct shard *shard);
struct tls_contexts *shard_tls(struct shard *shard);
struct scripts *shard_scripts(struct shard *shard);
const struct scripts_settings *shard_scripts_settings(const struct shard *shard);

/* What evaluates assertions that are not json_assert_is_quick(). */
struct jq *shard_jq(struct shard *shard);

/* A block for reading into, of SHARD_SCRATCH_BYTES, whose content lasts for the current step
 * only. */
#define SHARD_SCRATCH_BYTES (64 * 1024)
char *shard_scratch(struct shard *shard);

/* The connection stands: it counts no longer as connecting. */
void shard_connected(struct shard *shard, struct probe *probe);

/* Counts items of performance data that were not understood. */
void shard_count_perfdata_dropped(struct shard *shard, size_t items);

/* Whether another TLS handshake step may be done in this turn of the loop. */
bool shard_may_handshake(struct shard *shard);

/* Whether expressions may be matched in this turn of the loop; shard_matched() says how long that
 * took. */
bool shard_may_match(struct shard *shard);
void shard_matched(struct shard *shard, int64_t took_us);

/* Advances the probe in the next turn. */
void shard_defer(struct shard *shard, struct probe *probe);

/* Reports the result, and takes the probe back. */
void shard_probe_ended(struct shard *shard, struct probe *probe);
void shard_probe_cancelled(struct shard *shard, struct probe *probe);
