/*
 * A transaction: begun, then committed or rolled back, never left open.
 *
 *   AUTO(tx_rollback) struct tx *tx = NULL;
 *   TRY(tx_begin(request->db, &tx));
 *   TRY(tx_execute(tx, &sql_booking_insert, PARAMS(…), NULL));
 *   TRY(tx_commit(TAKE(tx)));
 *
 * Thread: that of the connection. One transaction per connection at a time (asserted).
 */
#pragma once

#include "control/store/query.h"

struct tx;

/* @return ERR_UNAVAILABLE when there is no connection. */
MUST_USE enum err tx_begin(struct db *db, struct tx **ret_tx);

/* As tx_begin(), REPEATABLE READ and read only: several reads of one moment. */
MUST_USE enum err tx_begin_snapshot(struct db *db, struct tx **ret_tx);

/* Takes the transaction, and ends it whatever the answer is.
 * @return ERR_UNAVAILABLE "commit_unknown" when the connection was lost on the way: it may have
 * been committed. */
MUST_USE enum err tx_commit(struct tx *tx);

void tx_rollback(struct tx *tx);

DEFINE_AUTO(struct tx *, tx_rollback);

/* The connection, for db_constraint() and the like; borrowed. */
struct db *tx_db(struct tx *tx);

/* One savepoint, so that one row of several may fail: save, try, then keep or undo. */
MUST_USE enum err tx_save(struct tx *tx);
MUST_USE enum err tx_keep(struct tx *tx);
MUST_USE enum err tx_undo(struct tx *tx);

static inline MUST_USE enum err tx_query(struct tx *tx, const struct statement *statement,
                                         struct params params, struct rows **ret_rows)
{
    return db_query(tx_db(tx), statement, params, ret_rows);
}

static inline MUST_USE enum err tx_query_one(struct tx *tx, const struct statement *statement,
                                             struct params params, struct rows **ret_rows)
{
    return db_query_one(tx_db(tx), statement, params, ret_rows);
}

static inline MUST_USE enum err tx_execute(struct tx *tx, const struct statement *statement,
                                           struct params params, uint64_t *ret_affected)
{
    return db_execute(tx_db(tx), statement, params, ret_affected);
}
