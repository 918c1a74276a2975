/*
 * pg_dump writes beside the final name and is renamed when it is done. A restore into the embedded
 * server goes into a new database that takes the old one's name in one transaction; into a server
 * of the user's it is one transaction of pg_restore. So a restore that fails, or is killed, changes
 * nothing.
 */
#include "control/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/spawner.h"

#include "control/data_dir.h"
#include "control/embedded.h"
#include "control/embedded_postgres.sql.h"
#include "control/store/db.h"
#include "control/store/query.h"

#define TIMEOUT_MS (2 * 60 * 60 * 1000)
#define FOLDER     "backups"

/* A program of PostgreSQL with the address to work on; the password travels in the environment,
 * where only the owner of the process can see it. */
static enum err run_program(const struct backup_target *target, const char *name, const char *url,
                            const char *const options[])
{
    CLEANUP(xfree_p) char *found = NULL;
    CLEANUP(xfree_p) char *program = NULL;
    CLEANUP(xfree_p) char *address = NULL;
    CLEANUP(xfree_p) char *secret = NULL;
    const char *argv[16];
    const char *environment[] = {"LC_ALL=C.UTF-8", "PGCONNECT_TIMEOUT=10", "PGOPTIONS=-c em.org=*",
                                 NULL, NULL};
    size_t count = 0;
    const struct spawn_request request = {.argv = argv,
                                          .environment = environment,
                                          .error_bytes_max = 16384,
                                          .timeout_ms = TIMEOUT_MS,
                                          .grace_ms = 5000};

    if (!target->programs)
        found = embedded_find_programs();
    if (!target->programs && !found)
        return fail(ERR_NOT_FOUND, "program_missing",
                    "%s is not installed: install the package postgresql-client", name);
    program = xasprintf("%s/%s", target->programs ? target->programs : found, name);
    TRY(db_split_url(url, &address, &secret));
    if (secret)
        environment[3] = secret;

    argv[count++] = program;
    for (size_t i = 0; options[i]; i++)
        argv[count++] = options[i];
    argv[count++] = "--dbname";
    argv[count++] = address;
    argv[count] = NULL;
    return spawner_run(target->spawner, &request, NULL);
}

bool backup_is_possible(const struct backup_target *target)
{
    CLEANUP(xfree_p) char *found = target->programs ? NULL : embedded_find_programs();

    return target->programs || found;
}

/* "20261120T100000Z" */
static void time_for_name(char text[TIMESTAMP_BYTES])
{
    char full[TIMESTAMP_BYTES];
    size_t len = 0;

    timestamp_format(clock_wall_ms(), full);
    for (const char *at = full; *at && *at != '.'; at++) {
        if (*at != '-' && *at != ':')
            text[len++] = *at;
    }
    text[len++] = 'Z';
    text[len] = '\0';
}

/* Where the owner serves, too, policies hold for it: pg_dump refuses that, unless it is told that they
 * may; em.org then lets it see all. */
static enum err find_walls(const struct backup_target *target, bool *ret_walled)
{
    const struct db_options options = {.url = target->url, .name = "backup"};
    AUTO(db_free) struct db *db = db_new(&options);
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query_one(db, &sql_backup_is_walled, NO_PARAMS, &rows));
    *ret_walled = row_bool(rows, 0, 0);
    return OK;
}

enum err backup_make(const struct backup_target *target, const char *prefix, char **ret_path)
{
    char at[TIMESTAMP_BYTES];
    CLEANUP(xfree_p) char *path = NULL;
    CLEANUP(xfree_p) char *part = NULL;
    bool is_walled;
    enum err err;

    TRY(find_walls(target, &is_walled));
    time_for_name(at);
    path = xasprintf("%s/" FOLDER "/%s-%s.dump", data_dir_path(target->dir), prefix, at);
    part = xasprintf("%s.part", path);
    TRY(data_dir_make_folder(target->dir, FOLDER));

    const char *const options[] = {"--format=custom",
                                   "--no-owner",
                                   "--no-privileges",
                                   "--lock-wait-timeout=60000",
                                   "--file",
                                   part,
                                   is_walled ? "--enable-row-security" : NULL,
                                   NULL};

    err = run_program(target, "pg_dump", target->url, options);
    if (err == OK && rename(part, path) < 0)
        err = fail(ERR_UNAVAILABLE, "backup_write", "cannot write %s: %s", path, strerror(errno));
    if (err != OK) {
        unlink(part);
        return err;
    }
    log_info("backup.made", "file=%s", path);
    *ret_path = TAKE(path);
    return OK;
}

void backup_prune(const struct data_dir *dir, const char *prefix)
{
    CLEANUP(xfree_p)
    char *pattern = xasprintf("%s/" FOLDER "/%s-*.dump", data_dir_path(dir), prefix);
    glob_t found;

    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    /* glob sorts, and the names sort by time. */
    for (size_t i = 0; i + BACKUPS_KEPT < found.gl_pathc; i++)
        unlink(found.gl_pathv[i]);
    globfree(&found);
}

static enum err restore_by_swap(const struct backup_target *target, const char *path)
{
    CLEANUP(xfree_p) char *server_url = embedded_url_of(target->dir, "postgres");
    CLEANUP(xfree_p) char *fresh_url = embedded_url_of(target->dir, "em_restore");
    const struct db_options options = {
        .url = server_url, .name = "restore", .statement_timeout_ms = 600000};
    AUTO(db_free) struct db *db = db_new(&options);
    const char *const words[] = {"--exit-on-error",      "--no-owner", "--no-privileges",
                                 "--single-transaction", path,         NULL};

    TRY(db_run_script(db, "DROP DATABASE IF EXISTS em_restore"));
    TRY(db_run_script(db, "CREATE DATABASE em_restore"));
    TRY(run_program(target, "pg_restore", fresh_url, words));
    TRY(db_run_script(db, "DROP DATABASE IF EXISTS em_replaced"));
    TRY(db_run_script(db, "BEGIN;"
                          "ALTER DATABASE " EMBEDDED_DATABASE " RENAME TO em_replaced;"
                          "ALTER DATABASE em_restore RENAME TO " EMBEDDED_DATABASE ";"
                          "COMMIT"));
    return db_run_script(db, "DROP DATABASE em_replaced");
}

enum err backup_restore(const struct backup_target *target, const char *path)
{
    const char *const words[] = {"--clean",
                                 "--if-exists",
                                 "--exit-on-error",
                                 "--no-owner",
                                 "--no-privileges",
                                 "--single-transaction",
                                 path,
                                 NULL};

    if (target->embedded)
        return restore_by_swap(target, path);
    return run_program(target, "pg_restore", target->url, words);
}
