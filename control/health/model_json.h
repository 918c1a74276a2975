/*
 * The read model as JSON: statuses, results, the tree and the health of one entity, written
 * straight into a buffer.
 *
 * Thread: the loop's, but where a function says otherwise.
 */
#pragma once

#include "shared/buf.h"
#include "shared/uuid.h"

struct model_entity;
struct result;
struct status;

/* {"state","since","reason","version","partial_maintenance","under_maintenance"} */
void model_write_status(struct buf *out, const struct status *status);

/* A result with its place and prober; nil stands for control itself and shows as null. Thread:
 * any. */
void model_write_full_result(struct buf *out, const struct result *result, struct str check,
                             const struct uuid *prober_id);

/* The last result of a check as the API's result object, or null. */
void model_write_result(struct buf *out, const struct model_entity *check);

/* The node of /tree with what is below it: `depth` further levels. */
void model_write_tree(struct buf *out, const struct model_entity *entity, unsigned depth,
                      bool with_health);

/* The answer of GET /<things>/{id}/health. */
void model_write_health(struct buf *out, const struct model_entity *entity);
