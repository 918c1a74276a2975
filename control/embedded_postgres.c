/*
 * The private PostgreSQL: found where Debian and others put it, made by initdb in a folder that is
 * renamed when it is complete, and configured by its command line alone, so that what runs is what
 * stands in this file.
 */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/spawner.h"
#include "shared/user.h"

#include "control/embedded_postgres.sql.h"
#include "control/embedded_private.h"
#include "control/store/db.h"
#include "control/store/query.h"
#include "control/system_user.h"

#define SUPERUSER  "em"
#define SERVICE    "em_service"   /* what the service is when it does not migrate */
#define FRESH      "postgres.new" /* becomes "postgres" when initdb is done */
#define MEGABYTE   (INT64_C(1024) * 1024)
#define SHARED_MIN 64
#define SHARED_MAX 512

const struct server_kind postgres_kind = {
    .name = "postgres",
    .stop_signal = SIGINT, /* "fast": sessions are ended, a checkpoint is written */
    .grace_ms = 8000,
    .pid_file = "postmaster.pid",
};

static const char *const folders[] = {
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
};

/* Settings besides those with values of this machine. Durability is never traded: fsync, full pages
 * and synchronous commits stay on, and a failed fsync stops the server (data_sync_retry off). */
static const char *const settings[] = {
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=100",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "data_sync_retry=off",
    "wal_compression=on",
    "max_wal_size=1GB",
    "checkpoint_timeout=5min",
    "work_mem=8MB",
    "maintenance_work_mem=64MB",
    "random_page_cost=1.1",
    "jit=off",
    "autovacuum=on",
    "autovacuum_naptime=10s",
    "autovacuum_vacuum_scale_factor=0.05",
    "autovacuum_analyze_scale_factor=0.05",
    "logging_collector=off",
    "log_destination=stderr",
    "log_line_prefix=%m [%p] %q%a ",
    "log_min_duration_statement=1000",
    "log_lock_waits=on",
    "log_checkpoints=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "cluster_name=environment-manager",
};

/* Programs ------------------------------------------------------------------------------------ */

static bool has_program(const char *folder, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, X_OK) == 0;
}

/* The version in ".../15/bin" or ".../pgsql-15/bin"; 0 where the path has none. */
static int version_of(const char *folder)
{
    const char *at = folder + strcspn(folder, "0123456789");

    return (int)strtol(at, NULL, 10);
}

/* The version that DIR/postgres was made with; 0 when it is not there yet. */
static int version_of_data(const struct data_dir *dir)
{
    char *text = NULL;
    int version = 0;

    if (data_dir_read(dir, "postgres/PG_VERSION", &text) == OK)
        version = (int)strtol(text, NULL, 10);
    free(text);
    return version;
}

/* The newest server of a version; of any when `wanted` is 0. */
static char *find_programs(int wanted)
{
    char *best = NULL;

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        glob_t found;

        if (glob(folders[i], 0, NULL, &found) != 0)
            continue;
        for (size_t j = 0; j < found.gl_pathc; j++) {
            const char *folder = found.gl_pathv[j];
            int version = version_of(folder);

            if (!has_program(folder, "postgres") || !has_program(folder, "initdb") ||
                (wanted && version && version != wanted) || (best && version <= version_of(best)))
                continue;
            free(best);
            best = xstrdup(folder);
        }
        globfree(&found);
    }
    return best;
}

char *embedded_find_programs(void)
{
    return find_programs(0);
}

static enum err need_programs(const struct data_dir *dir, char **ret_programs)
{
    int wanted = version_of_data(dir);
    char *programs = find_programs(wanted);

    if (!programs && wanted)
        return fail(ERR_NOT_FOUND, "program_missing",
                    "the data in %s is of PostgreSQL %d, which is not installed: install "
                    "postgresql-%d, or restore a backup into a new folder",
                    data_dir_path(dir), wanted, wanted);
    if (!programs)
        return fail(ERR_NOT_FOUND, "program_missing",
                    "PostgreSQL is not installed: install the package postgresql, or name a server "
                    "with --database URL");
    *ret_programs = programs;
    return OK;
}

/* Files --------------------------------------------------------------------------------------- */

static enum err run_initdb(struct spawner *spawner, const char *programs, const char *folder)
{
    char program[4096];
    const char *const argv[] = {program,
                                "--pgdata",
                                folder,
                                "--username=" SUPERUSER,
                                "--auth=peer",
                                "--encoding=UTF8",
                                "--locale=C.UTF-8",
                                "--data-checksums",
                                NULL};
    const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
                                       "TZ=UTC", NULL};
    const struct spawn_request request = {.argv = argv,
                                          .environment = environment,
                                          .output_bytes_max = 4096,
                                          .error_bytes_max = 4096,
                                          .timeout_ms = 300000,
                                          .grace_ms = 2000};

    snprintf(program, sizeof program, "%s/initdb", programs);
    return spawner_run(spawner, &request, NULL);
}

/* Killed in the middle, initdb leaves only DIR/postgres.new, which is thrown away here. */
static enum err make_files(const struct embedded_options *options, const char *programs)
{
    CLEANUP(xfree_p) char *folder = data_dir_file(options->dir, postgres_kind.name);
    CLEANUP(xfree_p) char *fresh = data_dir_file(options->dir, FRESH);

    if (access(folder, F_OK) == 0)
        return OK;
    log_info("embedded.initdb", "folder=%s", folder);
    if (access(fresh, F_OK) == 0)
        TRY(server_remove_folder(options->spawner, fresh));
    TRY(run_initdb(options->spawner, programs, fresh));
    if (rename(fresh, folder) < 0)
        return fail(ERR_UNAVAILABLE, "embedded_files", "cannot rename %s: %s", fresh,
                    strerror(errno));
    return OK;
}

/* Only the system user that runs us may come in, as the kernel tells it. */
static enum err write_access(const struct data_dir *dir)
{
    CLEANUP(xfree_p) char *name = user_name_of(geteuid());
    CLEANUP(xfree_p)
    char *map = xasprintf("em \"%s\" " SUPERUSER "\nem \"%s\" " SERVICE "\n", name, name);

    TRY(data_dir_write(dir, "postgres/pg_hba.conf",
                       "local all " SUPERUSER " peer map=em\nlocal all " SERVICE " peer map=em\n"));
    return data_dir_write(dir, "postgres/pg_ident.conf", map);
}

/* Start --------------------------------------------------------------------------------------- */

static int64_t memory_megabytes(void)
{
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / MEGABYTE;
}

static void add_setting(struct server_child *server, const char *setting)
{
    server_child_argument(server, "-c");
    server_child_argument(server, "%s", setting);
}

static void write_command_line(struct server_child *server, const struct data_dir *dir,
                               const char *programs)
{
    int64_t megabytes = memory_megabytes();
    int64_t shared = megabytes / 16;

    if (shared > SHARED_MAX)
        shared = SHARED_MAX;
    if (shared < SHARED_MIN)
        shared = SHARED_MIN;

    server_child_argument(server, "%s/postgres", programs);
    server_child_argument(server, "-D");
    server_child_argument(server, "%s", server->folder);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        add_setting(server, settings[i]);
    server_child_argument(server, "-c");
    server_child_argument(server, "unix_socket_directories=%s", data_dir_path(dir));
    server_child_argument(server, "-c");
    server_child_argument(server, "shared_buffers=%lldMB", (long long)shared);
    server_child_argument(server, "-c");
    server_child_argument(server, "effective_cache_size=%lldMB", (long long)(megabytes / 2));
}

static char *url_of(const struct data_dir *dir, const char *user, const char *database)
{
    return xasprintf("host='%s' port=5432 user=%s dbname=%s", data_dir_path(dir), user, database);
}

char *embedded_url_of(const struct data_dir *dir, const char *database)
{
    return url_of(dir, SUPERUSER, database);
}

char *embedded_service_url_of(const struct data_dir *dir)
{
    return url_of(dir, SERVICE, EMBEDDED_DATABASE);
}

enum err postgres_set_up(struct server_child *server, const struct embedded_options *options,
                         char **ret_programs, char **ret_url)
{
    CLEANUP(xfree_p) char *programs = NULL;

    TRY(need_programs(options->dir, &programs));
    TRY(make_files(options, programs));
    TRY(server_child_end_stale(server));
    TRY(write_access(options->dir));
    write_command_line(server, options->dir, programs);
    *ret_url = embedded_url_of(options->dir, EMBEDDED_DATABASE);
    *ret_programs = TAKE(programs);
    return OK;
}

bool postgres_answers(const struct data_dir *dir)
{
    CLEANUP(xfree_p) char *url = embedded_url_of(dir, "postgres");

    return db_answers(url);
}

enum err postgres_make_database(const struct data_dir *dir)
{
    CLEANUP(xfree_p) char *url = embedded_url_of(dir, "postgres");
    const struct db_options options = {.url = url, .name = "start", .statement_timeout_ms = 60000};
    AUTO(db_free) struct db *db = db_new(&options);
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query_one(db, &sql_postgres_has, PARAMS(p_text(EMBEDDED_DATABASE), p_text(SERVICE)),
                     &rows));
    if (!row_bool(rows, 0, 1))
        TRY(db_run_script(db, "CREATE ROLE " SERVICE " LOGIN"));
    if (!row_bool(rows, 0, 0))
        TRY(db_run_script(db, "CREATE DATABASE " EMBEDDED_DATABASE));
    return OK;
}
