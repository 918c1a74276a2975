/*
 * Applied files are compared by number and checksum with ours first; then the missing ones run in
 * order. The lock belongs to the connection, so it is free again when the program is killed.
 */
#include "control/store/migrate.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/uuid.h"

#include "control/store/db.h"
#include "control/store/migrate.sql.h"
#include "control/store/tx.h"

#define LOCK_KEY             INT64_C(0x656d2d6d69677261) /* "em-migra" */
#define LOCK_WAIT_US         INT64_C(60000000)
#define LOCK_POLL_US         100000
#define MIGRATION_TIMEOUT_MS (30 * 60 * 1000)
#define CHECKSUM_BYTES       17

static int number_of(const struct embedded_file *file)
{
    return (int)strtol(file->name, NULL, 10);
}

static void checksum_of(const struct embedded_file *file, char text[CHECKSUM_BYTES])
{
    snprintf(text, CHECKSUM_BYTES, "%016" PRIx64, text_hash(str_n(file->text, file->len)));
}

static const struct embedded_file *find(const struct embedded_file *files, int number)
{
    for (; files->name; files++) {
        if (number_of(files) == number)
            return files;
    }
    return NULL;
}

static enum err lock(struct db *db)
{
    int64_t deadline_us = clock_monotonic_us() + LOCK_WAIT_US;

    for (;;) {
        AUTO(rows_free) struct rows *rows = NULL;

        TRY(db_query_one(db, &sql_schema_lock, PARAMS(p_int(LOCK_KEY)), &rows));
        if (row_bool(rows, 0, 0))
            return OK;
        if (clock_monotonic_us() > deadline_us)
            return fail(ERR_TIMEOUT, "migration_locked",
                        "another em-control has been migrating this database for over a minute");
        usleep(LOCK_POLL_US);
    }
}

/* Losing the unlock with the connection is as good as unlocking. */
static void unlock(struct db *db)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (db_query_one(db, &sql_schema_unlock, PARAMS(p_int(LOCK_KEY)), &rows) != OK)
        log_warning("migrate.unlock_failed", "detail=\"%s\"", failure_last()->detail);
}

/* Checks each applied migration against ours. @param ret_last the highest applied number; -1 when
 * there is none. */
static enum err compare(struct db *db, const struct embedded_file *files, int *ret_last)
{
    AUTO(rows_free) struct rows *exists = NULL;
    AUTO(rows_free) struct rows *rows = NULL;
    int last = -1;

    TRY(db_query_one(db, &sql_schema_exists, NO_PARAMS, &exists));
    if (!row_bool(exists, 0, 0)) {
        *ret_last = -1;
        return OK;
    }

    TRY(db_query(db, &sql_schema_applied, NO_PARAMS, &rows));
    for (int row = 0; row < rows_count(rows); row++) {
        const struct embedded_file *file;
        char checksum[CHECKSUM_BYTES];

        last = (int)row_int(rows, row, 0);
        file = find(files, last);
        if (!file)
            return fail(ERR_INVALID, "schema_newer",
                        "the database has migration %s, which this em-control (%s) does not know: "
                        "start the newer program, or restore a backup made before the upgrade",
                        row_text(rows, row, 1).ptr, EM_VERSION);
        if (file != &files[row])
            return fail(ERR_INVALID, "migration_missing",
                        "the database has migration %s but lacks %s, which comes before it",
                        file->name, files[row].name);
        checksum_of(file, checksum);
        if (!str_equal(row_text(rows, row, 2), str_of(checksum)))
            return fail(ERR_INVALID, "migration_changed",
                        "migration %s is not the one that this database was made with", file->name);
    }
    *ret_last = last;
    return OK;
}

static enum err apply(struct db *db, const struct embedded_file *file)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    char checksum[CHECKSUM_BYTES];
    enum err err;

    checksum_of(file, checksum);
    TRY(tx_begin(db, &tx));
    err = db_run_script(db, file->text);
    if (err != OK)
        return fail(err, "migration_failed", "migration %s: %s", file->name,
                    failure_last()->detail);
    TRY(tx_execute(
        tx, &sql_schema_note,
        PARAMS(p_int(number_of(file)), p_text(file->name), p_text(checksum), p_text(EM_VERSION)),
        NULL));
    TRY(tx_commit(TAKE(tx)));
    log_info("migrate.applied", "file=%s", file->name);
    return OK;
}

static enum err apply_missing(struct db *db, const struct embedded_file *files,
                              const struct migrate_hooks *hooks, int *ret_applied)
{
    int last;
    int newest = -1;

    TRY(compare(db, files, &last));
    for (const struct embedded_file *file = files; file->name; file++)
        newest = number_of(file);
    if (last >= 0 && newest > last && hooks && hooks->before)
        TRY(hooks->before(hooks->context, last, newest));

    *ret_applied = 0;
    for (const struct embedded_file *file = files; file->name; file++) {
        if (number_of(file) <= last)
            continue;
        TRY(apply(db, file));
        ++*ret_applied;
    }
    return OK;
}

enum err migrate(struct db *db, const struct embedded_file *files,
                 const struct migrate_hooks *hooks, int *ret_applied)
{
    enum err err;

    TRY(lock(db));
    err = db_set_statement_timeout(db, MIGRATION_TIMEOUT_MS);
    if (err == OK)
        err = apply_missing(db, files, hooks, ret_applied);
    if (err == OK && hooks && hooks->after)
        err = hooks->after(hooks->context, db);
    if (err == OK)
        err = db_set_statement_timeout(db, 0);
    if (err == OK) {
        unlock(db);
        return OK;
    }
    /* Closing the connection gives the lock back and keeps the failure as it is. */
    db_disconnect(db);
    return err_trace(err, __FILE__, __LINE__);
}

enum err migrate_grant(struct db *owner, struct db *service)
{
    AUTO(rows_free) struct rows *role = NULL;
    AUTO(rows_free) struct rows *done = NULL;

    TRY(db_query_one(service, &sql_schema_role, NO_PARAMS, &role));
    if (row_bool(role, 0, 1))
        log_warning("migrate.role_too_mighty",
                    "role=" STR_FMT " reason=\"a superuser sees the rows of all organisations: the"
                    " service had better run as another, see --database-owner\"",
                    STR_ARG(row_text(role, 0, 0)));
    return db_query_one(owner, &sql_schema_grant, PARAMS(p_str(row_text(role, 0, 0))), &done);
}
