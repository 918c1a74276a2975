/*
 * What the engine tells the loop's read model after a commit: one batch of deltas, in order, and the replies of writes
 * that may leave once the batch is applied. The engine builds a batch, fills it, and posts it:
 *
 *   struct model_batch *batch = model_batch_new();
 *   model_batch_define(batch, …);  model_batch_status(batch, …);  model_batch_result(batch, …);
 *   read_model_post(model, batch);     takes it; applied on the loop
 *
 * Thread: the engine's until it is posted, then the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/entity.h"
#include "contract/verdict.h"

#include "shared/str.h"
#include "shared/uuid.h"
#include "shared/vec.h"

struct written;

enum delta_type {
    DELTA_DEFINE, /* the entity is new, or its definition has changed */
    DELTA_STATUS, /* its status has changed */
    DELTA_CHECK,  /* of a check: soft, flapping, next */
    DELTA_RESULT, /* of a check: a new result */
    DELTA_DROP,   /* it is gone */
};

/* How the definition came to change, for the live message; NOTHING while loading. */
enum delta_edit { EDIT_NOTHING, EDIT_CREATED, EDIT_UPDATED };

/* Texts of these structs are borrowed for the call that takes them. */
struct delta_definition {
    struct uuid parent_id; /* nil: none */
    struct uuid group_id;  /* of an instance */
    struct str key;
    struct str name;
    struct str facts; /* JSON object: the further members of the node in /tree; may be empty */
    int64_t version;
    bool counts;         /* a check: enabled; all else true */
    uint8_t criticality; /* enum criticality of propagation_rules.h */
    int32_t interval_s;  /* of a check */
    enum delta_edit edit;
};

struct delta_status {
    enum state state;
    enum state measured;
    enum state from; /* what it was; the same when only a flag has changed */
    bool partial_maintenance;
    bool under_maintenance;
    int64_t since_ms;
    int64_t at_ms; /* of the change */
    int64_t version;
    struct str reason;
    bool tell; /* to Redis and live; false while loading */
};

struct delta_check {
    bool soft;
    bool flapping;
};

struct delta_result {
    struct uuid component_id;
    struct uuid prober_id;
    struct str record; /* as on the bus */
};

struct model_batch;

struct model_batch *model_batch_new(void);
void model_batch_free(struct model_batch *batch);

DEFINE_AUTO(struct model_batch *, model_batch_free);

void model_batch_define(struct model_batch *batch, enum entity_kind kind, const struct uuid *id,
                        const struct delta_definition *definition);
void model_batch_status(struct model_batch *batch, enum entity_kind kind, const struct uuid *id,
                        const struct delta_status *status);
void model_batch_check(struct model_batch *batch, const struct uuid *id,
                       const struct delta_check *check);
void model_batch_result(struct model_batch *batch, const struct uuid *check_id,
                        const struct delta_result *result);

/* Drops the entity; its children have to be dropped before it. */
void model_batch_drop(struct model_batch *batch, enum entity_kind kind, const struct uuid *id);

/* The reply waits for this batch: server_release_reply(written) once it is applied. Takes `written`. */
void model_batch_release(struct model_batch *batch, struct written *written);

bool model_batch_is_empty(const struct model_batch *batch);
