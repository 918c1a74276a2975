/*
 * The read model as JSON: statuses, results, the tree and the health of one entity, written
 * straight into a buffer.
 *
 * Thread: the loop's.
 */
#pragma once

#include "shared/buf.h"

struct model_entity;
struct status;

/* {"state","since","reason","version","partial_maintenance","under_maintenance"} */
void model_write_status(struct buf *out, const struct status *status);

/* The last result of a check as the API's result object, or null. */
void model_write_result(struct buf *out, const struct model_entity *check);

/* The node of /tree with what is below it: `depth` further levels. */
void model_write_tree(struct buf *out, const struct model_entity *entity, unsigned depth,
                      bool with_health);

/* The answer of GET /<things>/{id}/health. */
void model_write_health(struct buf *out, const struct model_entity *entity);
