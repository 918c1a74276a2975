/*
 * Many changes of items of one kind in one request: POST /<things>/bulk. Each row succeeds or fails
 * as it would alone; with `atomic` one that fails takes the others with it.
 *
 * Thread: a worker, inside its transaction.
 */
#pragma once

#include <jansson.h>

#include "shared/err.h"
#include "shared/vec.h"

#include "control/cmdb/item.h"

struct request;
struct tx;

/* What one row has done: `before` without a type for what is new, `after` for what is gone. */
struct item_write {
    const char *action; /* as in the journal */
    struct item before;
    struct item after;
};

typedef VEC(struct item_write) item_write_list;

void item_write_list_clear(item_write_list *writes);

static inline void item_write_list_clear_p(item_write_list *writes)
{
    item_write_list_clear(writes);
}

/*
 * Carries out a body that bulk.json has accepted.
 * @param ret_writes what was done, in order; the caller clears it
 * @param ret_answer as bulk_answer.json; the caller's
 * @return ERR_INVALID "bulk_failed" with a pointer for each wrong row when it is atomic; nothing of
 * it may be committed then.
 */
MUST_USE enum err item_bulk(struct tx *tx, const struct request *request,
                            item_write_list *ret_writes, json_t **ret_answer);

/* The object for who may write it: with the path of a heartbeat. The caller's. */
MUST_USE enum err item_object(const struct item *item, json_t **ret_object);
