/* A transaction is the right to say COMMIT once. While it is open the connection must not be made
 * anew. */
#include "control/store/tx.h"

#include <assert.h>
#include <string.h>

#include "shared/mem.h"

#include "control/store/db.h"
#include "control/store/db_private.h"

struct tx {
    struct db *db;
};

static enum err begin(struct db *db, const char *sql, struct tx **ret_tx)
{
    struct tx *tx;

    assert(!db_in_transaction(db));
    TRY(db_run_script(db, sql));
    db_set_in_transaction(db, true);

    tx = NEW(struct tx);
    tx->db = db;
    *ret_tx = tx;
    return OK;
}

enum err tx_begin(struct db *db, struct tx **ret_tx)
{
    return begin(db, "BEGIN", ret_tx);
}

enum err tx_begin_snapshot(struct db *db, struct tx **ret_tx)
{
    return begin(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ret_tx);
}

static void end(struct tx *tx)
{
    db_set_in_transaction(tx->db, false);
    free(tx);
}

enum err tx_commit(struct tx *tx)
{
    struct db *db = tx->db;
    bool was_connected = db_is_connected(db);
    enum err err = db_commit(db);

    end(tx);
    if (err == OK)
        return OK;
    if (was_connected && !db_is_connected(db))
        return fail(ERR_UNAVAILABLE, "commit_unknown",
                    "the connection was lost while committing: the change may have been made");
    return err_trace(err, __FILE__, __LINE__);
}

void tx_rollback(struct tx *tx)
{
    struct db *db;

    if (!tx)
        return;
    db = tx->db;
    /* A connection that cannot even roll back is closed: the server ends the transaction then. The
     * failure that led here stays the one of this thread. */
    if (db_is_connected(db) && !db_rollback(db))
        db_disconnect(db);
    end(tx);
}

struct db *tx_db(struct tx *tx)
{
    return tx->db;
}

enum err tx_save(struct tx *tx)
{
    return db_run_script(tx->db, "SAVEPOINT save");
}

enum err tx_keep(struct tx *tx)
{
    return db_run_script(tx->db, "RELEASE SAVEPOINT save");
}

enum err tx_undo(struct tx *tx)
{
    return db_run_script(tx->db, "ROLLBACK TO SAVEPOINT save; RELEASE SAVEPOINT save");
}
