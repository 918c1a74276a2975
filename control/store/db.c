/*
 * A connection is a PGconn that may be absent. Each call makes sure of it first: an idle connection
 * that the server has closed meanwhile is noticed before anything is sent, so a statement is never
 * sent twice. Waiting is our own poll() with a deadline: a server that hangs costs a connection,
 * not a thread.
 */
#include "control/store/db.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/log.h"
#include "shared/map.h"

#include "control/store/connect.h"
#include "control/store/db_private.h"
#include "control/store/params.h"
#include "control/store/sqlstate.h"

#define STATEMENT_TIMEOUT_MS 10000
#define CONNECT_TIMEOUT_S    5
#define BACK_OFF_FIRST_US    50000
#define BACK_OFF_MAX_US      1000000
#define SERVER_GRACE_US      2000000 /* statement_timeout should have answered by then */
#define NAME_BYTES           64

struct prepared {
    const struct statement *statement;
    UT_hash_handle hh;
};

struct db {
    char *url;
    char *name;
    PGconn *pg;
    uint64_t connection; /* how often it has connected */
    struct prepared *prepared;
    struct buf scratch;
    int statement_timeout_default_ms;
    int statement_timeout_ms;
    int connect_timeout_ms;
    bool plans_once;
    bool in_transaction;
    struct row_scope rows;
    char rows_text[UUID_TEXT_BYTES]; /* em.org as it is to be */
    char rows_set[UUID_TEXT_BYTES];  /* and as the server has it */
    int64_t back_off_us;
    int64_t retry_at_us;
    char last_refusal[256]; /* why the last attempt to connect failed */
    char constraint[NAME_BYTES];
    char sqlstate[6];
};

void db_show_rows(struct db *db, struct row_scope rows)
{
    assert(!db->in_transaction);
    db->rows = rows;
    row_scope_write(&rows, db->rows_text);
}

bool db_shows_all_rows(const struct db *db)
{
    return db->rows.kind == ROWS_OF_ALL;
}

struct db *db_new(const struct db_options *options)
{
    struct db *db = NEW(struct db);

    db->url = xstrdup(options->url);
    db->name = xstrdup(options->name);
    db->statement_timeout_default_ms =
        options->statement_timeout_ms ? options->statement_timeout_ms : STATEMENT_TIMEOUT_MS;
    db->statement_timeout_ms = db->statement_timeout_default_ms;
    db->connect_timeout_ms =
        (options->connect_timeout_s ? options->connect_timeout_s : CONNECT_TIMEOUT_S) * 1000;
    db->plans_once = options->plans_once;
    db_show_rows(db, options->rows);
    return db;
}

static void forget_prepared(struct db *db)
{
    struct prepared *prepared;
    struct prepared *next;

    HASH_ITER (hh, db->prepared, prepared, next) {
        HASH_DEL(db->prepared, prepared);
        free(prepared);
    }
}

void db_disconnect(struct db *db)
{
    forget_prepared(db);
    PQfinish(db->pg);
    db->pg = NULL;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    db_disconnect(db);
    buf_clear(&db->scratch);
    free(db->url);
    free(db->name);
    free(db);
}

/* Takes in what the server sent while nobody asked: notifications, or its last words and then the
 * end of the stream. */
static bool is_alive(struct db *db)
{
    struct pollfd wait = {.fd = PQsocket(db->pg), .events = POLLIN};

    while (PQstatus(db->pg) == CONNECTION_OK && poll(&wait, 1, 0) > 0) {
        if (!PQconsumeInput(db->pg))
            return false;
    }
    return PQstatus(db->pg) == CONNECTION_OK;
}

static enum err open_connection(struct db *db)
{
    const struct connect_options options = {
        .url = db->url,
        .name = db->name,
        .rows = db->rows_text,
        .statement_timeout_ms = db->statement_timeout_ms,
        .timeout_ms = db->connect_timeout_ms,
        .plans_once = db->plans_once,
    };

    TRY(connect_open(&options, &db->pg));
    PQsetnonblocking(db->pg, 1);
    memcpy(db->rows_set, db->rows_text, sizeof db->rows_set);
    return OK;
}

/* Somewhere between half and all of the time, so that many that lost the same server do not return
 * together. */
static int64_t with_jitter(int64_t us)
{
    uint32_t random;

    random_bytes(&random, sizeof random);
    return us / 2 + (int64_t)(random % (uint64_t)(us / 2));
}

enum err db_connect(struct db *db)
{
    enum err err;

    if (db->pg && (db->in_transaction || is_alive(db)))
        return OK;
    if (db->pg) {
        log_info("database.lost", "connection=%s", db->name);
        db_disconnect(db);
    }
    if (db->in_transaction)
        return fail(ERR_UNAVAILABLE, "database_unavailable",
                    "the connection was lost inside a transaction");
    if (clock_monotonic_us() < db->retry_at_us)
        return fail(ERR_UNAVAILABLE, "database_unavailable", "%s", db->last_refusal);

    err = open_connection(db);
    if (err != OK) {
        db->back_off_us = db->back_off_us ? MIN(db->back_off_us * 2, (int64_t)BACK_OFF_MAX_US)
                                          : BACK_OFF_FIRST_US;
        db->retry_at_us = clock_monotonic_us() + with_jitter(db->back_off_us);
        snprintf(db->last_refusal, sizeof db->last_refusal, "%s", failure_last()->detail);
        return err_trace(err, __FILE__, __LINE__);
    }
    db->back_off_us = 0;
    db->retry_at_us = 0;
    db->connection++;
    return OK;
}

/* Notes what the server said about the failure and turns it into ours. */
static enum err failed(struct db *db, const char *what, const PGresult *result)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *constraint = result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL;
    const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const struct sqlstate_meaning *meaning = sqlstate_meaning(state);

    snprintf(db->sqlstate, sizeof db->sqlstate, "%s", state ? state : "");
    snprintf(db->constraint, sizeof db->constraint, "%s", constraint ? constraint : "");
    if (!message)
        message = "the connection to the database was lost";
    if (PQstatus(db->pg) != CONNECTION_OK || sqlstate_is_stale(state))
        db_disconnect(db);
    return fail(meaning->err, meaning->code, "%s: %s", what, message);
}

static enum err hung(struct db *db, const char *what)
{
    db_disconnect(db);
    return fail(ERR_TIMEOUT, "statement_timeout", "%s: the database did not answer in time", what);
}

/* Sends what is still to send and reads until the next result is complete. False at the deadline or
 * on a loss. */
static bool pump(struct db *db, int64_t deadline_us)
{
    int flushed = 1;

    while (flushed || PQisBusy(db->pg)) {
        struct pollfd wait = {.fd = PQsocket(db->pg), .events = POLLIN};
        int64_t left_us = deadline_us - clock_monotonic_us();

        flushed = PQflush(db->pg);
        if (flushed < 0)
            flushed = 0; /* what the server said before the loss is still to be read */
        if (!flushed && !PQisBusy(db->pg))
            break;
        if (left_us <= 0)
            return false;
        if (flushed)
            wait.events |= POLLOUT;
        if (poll(&wait, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR)
            return false;
        if ((wait.revents & ~POLLOUT) && !PQconsumeInput(db->pg))
            return true;
    }
    return true;
}

/* The last result of what was sent; an error result wins. NULL when the deadline passed: the
 * connection is closed. */
static PGresult *await(struct db *db)
{
    int64_t deadline_us =
        clock_monotonic_us() + db->statement_timeout_ms * INT64_C(1000) + SERVER_GRACE_US;
    PGresult *last = NULL;

    for (;;) {
        PGresult *result;

        if (!pump(db, deadline_us)) {
            PQclear(last);
            return NULL;
        }
        result = PQgetResult(db->pg);
        if (!result)
            return last ? last : PQmakeEmptyPGresult(db->pg, PGRES_FATAL_ERROR);
        if (last && PQresultStatus(last) == PGRES_FATAL_ERROR) {
            PQclear(result);
            continue;
        }
        PQclear(last);
        last = result;
    }
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* Waits for what was sent; `what` names it in a failure. */
static enum err finish(struct db *db, bool sent, const char *what, PGresult **ret_result)
{
    PGresult *result = NULL;
    enum err err;

    if (sent) {
        result = await(db);
        if (!result)
            return hung(db, what);
    }
    if (result && is_good(result)) {
        *ret_result = result;
        return OK;
    }
    err = failed(db, what, result);
    PQclear(result);
    return err;
}

/* Makes em.org what it is to be. A transaction has what was set before it. */
static enum err set_rows(struct db *db)
{
    char sql[sizeof "SET em.org = ''" + UUID_TEXT_BYTES];
    PGresult *result = NULL;

    if (db->in_transaction || strcmp(db->rows_set, db->rows_text) == 0)
        return OK;
    snprintf(sql, sizeof sql, "SET em.org = '%s'", db->rows_text);
    TRY(finish(db, PQsendQuery(db->pg, sql), "SET em.org", &result));
    PQclear(result);
    memcpy(db->rows_set, db->rows_text, sizeof db->rows_set);
    return OK;
}

static enum err begin_call(struct db *db)
{
    db->constraint[0] = '\0';
    db->sqlstate[0] = '\0';
    TRY(db_connect(db));
    return set_rows(db);
}

static enum err prepare(struct db *db, const struct statement *statement)
{
    struct prepared *prepared;
    PGresult *result = NULL;

    HASH_FIND_PTR(db->prepared, &statement, prepared);
    if (prepared)
        return OK;

    TRY(finish(db, PQsendPrepare(db->pg, statement->name, statement->text, 0, NULL),
               statement->name, &result));
    PQclear(result);
    prepared = NEW(struct prepared);
    prepared->statement = statement;
    HASH_ADD_PTR(db->prepared, statement, prepared);
    return OK;
}

static enum err run(struct db *db, const struct statement *statement, struct params params,
                    PGresult **ret_result)
{
    struct encoded_params encoded;

    assert(params.len == (size_t)statement->parameter_count);
    TRY(begin_call(db));
    TRY(prepare(db, statement));
    TRY(params_encode(params, &db->scratch, &encoded));
    return finish(db,
                  PQsendQueryPrepared(db->pg, statement->name, encoded.count, encoded.values,
                                      encoded.lengths, encoded.formats, 1),
                  statement->name, ret_result);
}

enum err db_query(struct db *db, const struct statement *statement, struct params params,
                  struct rows **ret_rows)
{
    PGresult *result = NULL;

    TRY(run(db, statement, params, &result));
    *ret_rows = (struct rows *)result;
    return OK;
}

enum err db_query_text(struct db *db, const char *name, const char *text, struct params params,
                       struct rows **ret_rows)
{
    struct encoded_params encoded;
    PGresult *result = NULL;

    TRY(begin_call(db));
    TRY(params_encode(params, &db->scratch, &encoded));
    TRY(finish(db,
               PQsendQueryParams(db->pg, text, encoded.count, NULL, encoded.values, encoded.lengths,
                                 encoded.formats, 1),
               name, &result));
    *ret_rows = (struct rows *)result;
    return OK;
}

enum err db_query_one(struct db *db, const struct statement *statement, struct params params,
                      struct rows **ret_rows)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(db, statement, params, &rows));
    assert(rows_count(rows) <= 1);
    if (rows_count(rows) == 0)
        return fail(ERR_NOT_FOUND, "row_missing", "%s: no such row", statement->name);
    *ret_rows = TAKE(rows);
    return OK;
}

enum err db_execute(struct db *db, const struct statement *statement, struct params params,
                    uint64_t *ret_affected)
{
    PGresult *result = NULL;

    TRY(run(db, statement, params, &result));
    if (ret_affected && !str_to_u64(str_of(PQcmdTuples(result)), UINT64_MAX, ret_affected))
        *ret_affected = 0;
    PQclear(result);
    return OK;
}

enum err db_run_script(struct db *db, const char *sql)
{
    PGresult *result = NULL;

    TRY(begin_call(db));
    TRY(finish(db, PQsendQuery(db->pg, sql), "script", &result));
    PQclear(result);
    return OK;
}

enum err db_commit(struct db *db)
{
    PGresult *result = NULL;
    bool aborted;

    TRY(begin_call(db));
    TRY(finish(db, PQsendQuery(db->pg, "COMMIT"), "COMMIT", &result));
    aborted = strcmp(PQcmdStatus(result), "ROLLBACK") == 0;
    PQclear(result);
    if (aborted)
        return fail(ERR_BUG, "transaction_failed", "a failed transaction cannot be committed");
    return OK;
}

bool db_rollback(struct db *db)
{
    PGresult *result = PQsendQuery(db->pg, "ROLLBACK") ? await(db) : NULL;
    bool good = result && is_good(result);

    PQclear(result);
    return good;
}

enum err db_set_statement_timeout(struct db *db, int statement_timeout_ms)
{
    char sql[64];

    db->statement_timeout_ms =
        statement_timeout_ms ? statement_timeout_ms : db->statement_timeout_default_ms;
    snprintf(sql, sizeof sql, "SET statement_timeout = %d; SET lock_timeout = %d",
             db->statement_timeout_ms, db->statement_timeout_ms);
    return db_run_script(db, sql);
}

const char *db_constraint(const struct db *db)
{
    return db->constraint;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

bool db_should_retry(const struct db *db)
{
    return sqlstate_is_collision(db->sqlstate);
}

bool db_is_connected(const struct db *db)
{
    return db->pg != NULL;
}

bool db_in_transaction(const struct db *db)
{
    return db->in_transaction;
}

void db_set_in_transaction(struct db *db, bool in_transaction)
{
    db->in_transaction = in_transaction;
}

uint64_t db_connection(const struct db *db)
{
    return db->connection;
}

int db_socket(const struct db *db)
{
    return db->pg ? PQsocket(db->pg) : -1;
}

enum err db_take_notifications(struct db *db,
                               void (*notify)(void *argument, const char *channel,
                                              const char *payload),
                               void *argument)
{
    PGnotify *note;

    if (!db->pg || !is_alive(db)) {
        db_disconnect(db);
        return fail(ERR_UNAVAILABLE, "database_unavailable", "the connection was lost");
    }
    while ((note = PQnotifies(db->pg))) {
        notify(argument, note->relname, note->extra);
        PQfreemem(note);
    }
    return OK;
}
