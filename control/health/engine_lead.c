/*
 * One engine at a time writes to a database. It has the lead as long as it holds an advisory lock,
 * which belongs to its connection and goes with it, however it ends. Who gets the lock back after a
 * lost connection and finds that another term has begun meanwhile has an old memory: it is deposed
 * and its program ends; a new start loads what is true now.
 */
#include "control/health/engine.sql.h"
#include "control/health/engine_private.h"
#include "control/store/db.h"
#include "control/store/query.h"

#define LOCK_KEY INT64_C(0x656d2d656e67696e) /* "em-engin" */

static enum err lock(struct engine *engine)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query_one(engine->db, &sql_engine_lock, PARAMS(p_int(LOCK_KEY)), &rows));
    atomic_store(&engine->elsewhere, !row_bool(rows, 0, 0));
    if (row_bool(rows, 0, 0))
        return OK;
    return fail(ERR_CONFLICT, "engine_elsewhere", "Another em-control works with this database.");
}

static enum err read_term(struct engine *engine, const struct statement *statement,
                          int64_t *ret_term)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query_one(engine->db, statement, NO_PARAMS, &rows));
    *ret_term = row_int(rows, 0, 0);
    return OK;
}

enum err engine_take_lead(struct engine *engine)
{
    TRY(db_connect(engine->db));
    TRY(lock(engine));
    TRY(read_term(engine, &sql_engine_begin_term, &engine->term));
    engine->lead = db_connection(engine->db);
    return OK;
}

enum err engine_keep_lead(struct engine *engine)
{
    int64_t term;

    TRY(db_connect(engine->db));
    if (engine->lead == db_connection(engine->db))
        return OK;
    TRY(lock(engine));
    TRY(read_term(engine, &sql_engine_term, &term));
    if (term != engine->term) {
        engine->deposed = true;
        return fail(ERR_CONFLICT, "engine_deposed", "Another em-control has taken the lead.");
    }
    engine->lead = db_connection(engine->db);
    return OK;
}
