/* Both servers start side by side; the slower one decides. Redis stops first, because what writes
 * it reads PostgreSQL. */
#include "control/embedded.h"

#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/spawner.h"

#include "control/embedded_private.h"

#define START_TIMEOUT_US INT64_C(120000000) /* recovery after a crash may take its time */
#define START_NOTE_US    INT64_C(5000000)
#define STOP_TIMEOUT_US  INT64_C(9000000)
#define POLL_MS          5

struct embedded {
    const struct data_dir *dir;
    struct spawner *spawner;
    struct server_child postgres;
    struct server_child redis;
    char *programs;
    char *database_url;
    char *redis_url;
    char *redis_password;
};

static enum err check_alive(const struct server_child *server)
{
    if (!server->had_end)
        return OK;
    return fail(ERR_UNAVAILABLE, "embedded_failed", "%s ended while it was starting; its log is %s",
                server->kind->name, server->log_path);
}

static enum err wait_for(struct embedded *embedded, const struct server_child *server,
                         bool (*answers)(const struct data_dir *dir))
{
    int64_t started_us = clock_monotonic_us();
    int64_t note_us = started_us + START_NOTE_US;

    while (!answers(embedded->dir)) {
        int64_t now_us = clock_monotonic_us();

        TRY(spawner_wait(embedded->spawner, POLL_MS));
        TRY(check_alive(server));
        if (now_us > note_us) {
            log_info("embedded.waiting", "server=%s seconds=%d", server->kind->name,
                     (int)((now_us - started_us) / 1000000));
            note_us = now_us + START_NOTE_US;
        }
        if (now_us - started_us > START_TIMEOUT_US)
            return fail(ERR_TIMEOUT, "embedded_slow", "%s does not answer; its log is %s",
                        server->kind->name, server->log_path);
    }
    return OK;
}

/* A file that Redis cannot read any more, as after a disk's fault, must not keep everything else
 * from starting. */
static enum err wait_for_redis(struct embedded *embedded, const struct embedded_options *options)
{
    if (wait_for(embedded, &embedded->redis, redis_answers) == OK)
        return OK;
    if (!embedded->redis.had_end)
        return failure_last()->err;

    log_warning("embedded.redis_forgets", "reason=\"it cannot start from its file\" log=%s",
                embedded->redis.log_path);
    TRY(redis_forget(options));
    TRY(server_child_start(&embedded->redis));
    return wait_for(embedded, &embedded->redis, redis_answers);
}

static enum err set_up(struct embedded *embedded, const struct embedded_options *options)
{
    TRY(data_dir_make_folder(options->dir, "log"));
    if (options->postgres) {
        TRY(postgres_set_up(&embedded->postgres, options, &embedded->programs,
                            &embedded->database_url));
        TRY(server_child_start(&embedded->postgres));
    }
    if (options->redis) {
        TRY(redis_set_up(&embedded->redis, options, &embedded->redis_url,
                         &embedded->redis_password));
        TRY(server_child_start(&embedded->redis));
    }
    if (options->redis)
        TRY(wait_for_redis(embedded, options));
    if (options->postgres) {
        TRY(wait_for(embedded, &embedded->postgres, postgres_answers));
        TRY(postgres_make_database(options->dir));
    }
    return OK;
}

enum err embedded_start(const struct embedded_options *options, struct embedded **ret_embedded)
{
    AUTO(embedded_stop) struct embedded *embedded = NEW(struct embedded);

    embedded->dir = options->dir;
    embedded->spawner = options->spawner;
    server_child_init(&embedded->postgres, &postgres_kind, options);
    server_child_init(&embedded->redis, &redis_kind, options);
    TRY(set_up(embedded, options));
    *ret_embedded = TAKE(embedded);
    return OK;
}

/* The spawner kills what does not end within its grace, so this ends, too. */
static void stop_and_wait(struct embedded *embedded, struct server_child *server)
{
    int64_t deadline_us = clock_monotonic_us() + STOP_TIMEOUT_US;

    server_child_stop(server);
    while (server->id && clock_monotonic_us() < deadline_us) {
        if (spawner_wait(embedded->spawner, 100) != OK)
            return;
    }
}

void embedded_stop(struct embedded *embedded)
{
    if (!embedded)
        return;
    stop_and_wait(embedded, &embedded->redis);
    stop_and_wait(embedded, &embedded->postgres);
    server_child_clear(&embedded->redis);
    server_child_clear(&embedded->postgres);
    free(embedded->programs);
    free(embedded->database_url);
    free(embedded->redis_url);
    if (embedded->redis_password)
        wipe(embedded->redis_password, strlen(embedded->redis_password));
    free(embedded->redis_password);
    free(embedded);
}

const char *embedded_database_url(const struct embedded *embedded)
{
    return embedded->database_url;
}

const char *embedded_redis_url(const struct embedded *embedded)
{
    return embedded->redis_url;
}

const char *embedded_redis_password(const struct embedded *embedded)
{
    return embedded->redis_password;
}

const char *embedded_postgres_programs(const struct embedded *embedded)
{
    return embedded->programs;
}
