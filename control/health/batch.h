/*
 * What one transaction of the engine writes, collected row by row, then written with one statement
 * per table. It may be written again when a commit's fate is unknown.
 *
 * Thread: the engine's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/verdict.h"

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/result.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "control/health/judge_rules.h"
#include "control/health/tree.h"

#define RESULT_RING_SLOTS 100

struct batch;
struct db;

struct batch *batch_new(void);
void batch_free(struct batch *batch);

DEFINE_AUTO(struct batch *, batch_free);

bool batch_is_empty(const struct batch *batch);

/* The state of a check after the batch; once per check. `results_before` are those it had before
 * the batch: a chunk of samples is written for each multiple of SAMPLES_PER_CHUNK that was
 * passed. */
void batch_add_state(struct batch *batch, const struct uuid *check_id, int64_t results_before,
                     int64_t results, const struct check_state *state);

/* A result, the `number`-th of its check from 0. The record is copied. */
void batch_add_result(struct batch *batch, const struct result *result, int64_t number,
                      const struct uuid *prober_id, struct str record, bool kept);

/* The status of a node after the batch; once per node. Texts are borrowed until batch_clear(). */
void batch_add_status(struct batch *batch, const struct node *node);

/* A change of a state. */
void batch_add_event(struct batch *batch, int64_t seq, const struct tree_change *change,
                     int64_t noted_at_ms);

void batch_add_announcement(struct batch *batch, int64_t seq, int64_t at_ms,
                            const struct uuid *check_id, enum message message, enum state state);

/* How far a prober's results are in after the batch; a later one for the same boot replaces it. */
void batch_add_position(struct batch *batch, const struct uuid *prober_id, uint64_t boot_id,
                        uint64_t acked_seq, uint64_t lost);

/* Writes all in one transaction on this very connection (db_connection()): another one has not the
 * lead. @return ERR_UNAVAILABLE "connection_new" */
MUST_USE enum err batch_write(struct batch *batch, struct db *db, uint64_t connection);

/* Empties it and keeps the memory. */
void batch_clear(struct batch *batch);
