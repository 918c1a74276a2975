/* DIR is opened (and root given up) before anything is started or connected to, so that all of it
 * is the service user's. */
#include "control/instance.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

#include "control/data_dir.h"
#include "control/embedded.h"
#include "control/store/db.h"
#include "control/store/migrate.h"

#define DATABASE_WAIT_US   INT64_C(5000000) /* a given server may be starting beside us */
#define DATABASE_POLL_MS   100
#define MIGRATE_TIMEOUT_MS 60000
#define BACKUP_PREFIX      "before-migration"
#define URL_FILE           "url"

static enum err open_dir(struct instance *instance)
{
    CLEANUP(xfree_p) char *path = NULL;

    TRY(data_dir_find(instance->options->data, &path));
    return data_dir_open(path, instance->options->user, instance->spawner, &instance->dir);
}

static enum err lock(struct instance *instance, enum instance_use use)
{
    enum err err = data_dir_lock(instance->dir);

    if (err == ERR_CONFLICT && use == INSTANCE_COMMAND) {
        instance->is_running = true;
        return OK;
    }
    return err;
}

static enum err start_embedded(struct instance *instance, enum instance_use use, struct loop *loop)
{
    const struct embedded_options options = {
        .dir = instance->dir,
        .spawner = instance->spawner,
        .loop = loop,
        .postgres = !instance->options->database,
        .redis = !instance->options->redis && use == INSTANCE_SERVE,
    };

    if (instance->is_running || (!options.postgres && !options.redis))
        return OK;
    return embedded_start(&options, &instance->embedded);
}

static char *owner_url_of(const struct instance *instance)
{
    const struct control_options *options = instance->options;

    if (options->database_owner)
        return xstrdup(options->database_owner);
    return options->database ? xstrdup(options->database)
                             : embedded_url_of(instance->dir, EMBEDDED_DATABASE);
}

static void note_addresses(struct instance *instance)
{
    const struct control_options *options = instance->options;
    const char *redis = options->redis;

    if (!redis && instance->embedded)
        redis = embedded_redis_url(instance->embedded);
    if (instance->embedded)
        instance->redis_password = embedded_redis_password(instance->embedded);
    instance->redis_url = redis ? xstrdup(redis) : NULL;
    instance->database_url =
        options->database ? xstrdup(options->database) : embedded_service_url_of(instance->dir);
    instance->owner_url = owner_url_of(instance);
    instance->bus_address = options->bus
                                ? xstrdup(options->bus)
                                : xasprintf("ipc://%s/bus.sock", data_dir_path(instance->dir));
}

static enum err open_parts(struct instance *instance, enum instance_use use, struct loop *loop)
{
    TRY(open_dir(instance));
    TRY(lock(instance, use));
    TRY(start_embedded(instance, use, loop));
    note_addresses(instance);
    return OK;
}

enum err instance_open(const struct control_options *options, struct spawner *spawner,
                       enum instance_use use, struct loop *loop, struct instance *ret_instance)
{
    struct instance instance = {.options = options, .spawner = spawner};
    enum err err = open_parts(&instance, use, loop);

    if (err != OK) {
        instance_close(&instance);
        return err_trace(err, __FILE__, __LINE__);
    }
    *ret_instance = instance;
    return OK;
}

void instance_close(struct instance *instance)
{
    embedded_stop(instance->embedded);
    data_dir_free(instance->dir);
    free(instance->database_url);
    free(instance->owner_url);
    free(instance->redis_url);
    free(instance->bus_address);
    *instance = (struct instance){0};
}

enum err instance_note_url(const struct instance *instance, const char *url)
{
    CLEANUP(xfree_p) char *line = xasprintf("%s\n", url);

    return data_dir_write(instance->dir, URL_FILE, line);
}

char *instance_url(const struct instance *instance)
{
    CLEANUP(xfree_p) char *line = NULL;

    if (instance->is_running && data_dir_read(instance->dir, URL_FILE, &line) == OK)
        return xstrndup(line, strcspn(line, "\n"));
    return control_base_url(instance->options, 0);
}

static enum err wait_for_database(struct db *db)
{
    int64_t deadline_us = clock_monotonic_us() + DATABASE_WAIT_US;
    enum err err;

    while ((err = db_connect(db)) == ERR_UNAVAILABLE && clock_monotonic_us() < deadline_us)
        poll(NULL, 0, DATABASE_POLL_MS);
    return err;
}

struct backup_target instance_backup_target(const struct instance *instance)
{
    return (struct backup_target){
        .dir = instance->dir,
        .spawner = instance->spawner,
        .url = instance->owner_url,
        .programs = instance->embedded ? embedded_postgres_programs(instance->embedded) : NULL,
        .embedded = !instance->options->database,
    };
}

static enum err back_up_first(void *context, int from, int to)
{
    const struct instance *instance = context;
    const struct backup_target target = instance_backup_target(instance);
    CLEANUP(xfree_p) char *path = NULL;

    log_info("migrate.pending", "from=%d to=%d", from, to);
    if (!target.embedded && !backup_is_possible(&target)) {
        log_warning("migrate.no_backup",
                    "reason=\"pg_dump is not installed; the server's own backups have to do\"");
        return OK;
    }
    TRY(backup_make(&target, BACKUP_PREFIX, &path));
    backup_prune(instance->dir, BACKUP_PREFIX);
    return OK;
}

/* Who serves is told by the server, because an address need not name a user. */
static enum err give_rights(void *context, struct db *owner)
{
    const struct instance *instance = context;
    AUTO(db_free)
    struct db *db = db_new(&(struct db_options){.url = instance->database_url, .name = "migrate"});

    return migrate_grant(owner, db);
}

enum err instance_migrate(struct instance *instance)
{
    const struct db_options options = {
        .url = instance->owner_url,
        .name = "migrate",
        .rows = ALL_ROWS,
        .statement_timeout_ms = MIGRATE_TIMEOUT_MS,
    };
    const struct migrate_hooks hooks = {
        .context = instance, .before = back_up_first, .after = give_rights};
    AUTO(db_free) struct db *db = db_new(&options);
    int applied;

    TRY(wait_for_database(db));
    TRY(migrate(db, store_migrations, &hooks, &applied));
    if (applied > 0)
        log_info("migrate.done", "applied=%d", applied);
    return OK;
}
