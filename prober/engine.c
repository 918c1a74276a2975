/*
 * Checks are made here, on the caller's thread, and then posted to their shard: a bad one is
 * refused before anything is changed, and a loop never compiles an expression. Posts to one shard
 * keep their order.
 */
#include "prober/engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/json.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/result_json.h"

#include "prober/check.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/lag.h"
#include "prober/probe.h"
#include "prober/shard.h"

#define LOOPS_MAX          64
#define IN_FLIGHT_DEFAULT  4096
#define CONNECTING_DEFAULT 2048
#define PER_HOST_DEFAULT   20
#define HANDSHAKES_DEFAULT 8
#define SPARE_DESCRIPTORS  128 /* for everything that is no probe */

struct engine {
    struct engine_options options;
    struct shard *shards[LOOPS_MAX];
    pthread_t threads[LOOPS_MAX];
    unsigned loops;
    unsigned running;
    _Atomic unsigned next_once; /* shard for the next single run */
};

/* ---- work for a shard ---- */

struct work {
    struct shard *shard;
    struct check *check;
    struct uuid id;
    uint32_t delay_ms;
    bool flag;
    engine_once_fn on_end;
    void *context;
};

static void post(struct shard *shard, loop_task_fn task, struct work work)
{
    struct work *copy = NEW(struct work);

    *copy = work;
    copy->shard = shard;
    shard_post(shard, task, copy);
}

static void do_set(void *argument)
{
    struct work *work = argument;

    shard_set_check(work->shard, work->check, work->flag);
    free(work);
}

static void do_drop(void *argument)
{
    struct work *work = argument;

    shard_drop_check(work->shard, &work->id);
    free(work);
}

static void do_drop_all(void *argument)
{
    struct work *work = argument;

    shard_drop_all(work->shard);
    free(work);
}

static void do_run_at(void *argument)
{
    struct work *work = argument;

    shard_run_at(work->shard, &work->id, work->delay_ms);
    free(work);
}

static void do_once(void *argument)
{
    struct work *work = argument;

    shard_once(work->shard, work->check, work->flag, work->on_end, work->context);
    free(work);
}

/* ---- checks ---- */

static struct shard *shard_by_hash(struct engine *engine, const struct uuid *id)
{
    return engine->shards[uuid_hash(id) % engine->loops];
}

enum err engine_set_check(struct engine *engine, const struct engine_check *definition)
{
    struct check *check;

    TRY(check_new(definition, &check));
    post(shard_by_hash(engine, &definition->id), do_set,
         (struct work){.check = check, .flag = definition->at_once});
    return OK;
}

void engine_drop_check(struct engine *engine, const struct uuid *id)
{
    post(shard_by_hash(engine, id), do_drop, (struct work){.id = *id});
}

void engine_drop_all(struct engine *engine)
{
    for (unsigned i = 0; i < engine->loops; i++)
        post(engine->shards[i], do_drop_all, (struct work){0});
}

void engine_run_at(struct engine *engine, const struct uuid *id, uint32_t delay_ms)
{
    post(shard_by_hash(engine, id), do_run_at, (struct work){.id = *id, .delay_ms = delay_ms});
}

enum err engine_once(struct engine *engine, const struct engine_check *definition, bool explain,
                     engine_once_fn on_end, void *context)
{
    struct check *check;
    unsigned turn;

    TRY(check_new(definition, &check));
    turn = atomic_fetch_add(&engine->next_once, 1) % engine->loops;
    post(engine->shards[turn], do_once,
         (struct work){.check = check, .flag = explain, .on_end = on_end, .context = context});
    return OK;
}

/* ---- previews ---- */

struct preview {
    const struct engine *engine;
    engine_preview_fn on_end;
    void *context;
};

static void on_preview_end(void *context, const char *label, const struct result *result,
                           const json_t *steps)
{
    struct preview *preview = context;
    CLEANUP(buf_clear_p) struct buf answer = {0};

    buf_append_text(&answer, "{\"result\":");
    result_json_write(&answer, result, str_of(label), str_of(preview->engine->options.location),
                      str_of(preview->engine->options.prober));
    buf_append_text(&answer, ",\"steps\":");
    json_write(steps, &answer);
    buf_append_char(&answer, '}');
    preview->on_end(preview->context, buf_str(&answer));
    free(preview);
}

/* Answers with what the failure of this thread says. */
static void answer_failure(engine_preview_fn on_end, void *context)
{
    const struct failure *failure = failure_last();
    CLEANUP(buf_clear_p) struct buf answer = {0};
    JSON_AUTO json_t *errors = failure->errors ? json_incref(failure->errors) : NULL;

    if (!errors)
        json_add_error(&errors, "", failure->code, "%s", failure->detail);
    failure_clear();
    buf_append_text(&answer, "{\"errors\":");
    json_write(errors, &answer);
    buf_append_char(&answer, '}');
    on_end(context, buf_str(&answer));
}

static enum err start_preview(struct engine *engine, struct str text, struct preview *preview)
{
    JSON_AUTO json_t *object = NULL;
    struct engine_check definition;

    TRY(json_parse(text, &object));
    TRY(check_read(object, &definition));
    definition.id = uuid_new();
    return engine_once(engine, &definition, true, on_preview_end, preview);
}

void engine_preview(struct engine *engine, struct str check, engine_preview_fn on_end,
                    void *context)
{
    struct preview *preview = NEW(struct preview);

    *preview = (struct preview){engine, on_end, context};
    if (start_preview(engine, check, preview) == OK)
        return;
    free(preview);
    answer_failure(on_end, context);
}

/* ---- figures ---- */

void engine_read_metrics(struct engine *engine, struct engine_metrics *ret_metrics)
{
    *ret_metrics = (struct engine_metrics){0};
    for (unsigned i = 0; i < engine->loops; i++)
        shard_add_metrics(engine->shards[i], ret_metrics);
}

void engine_read_lag(struct engine *engine, struct engine_lag *ret_lag)
{
    struct lag *lag = NEW(struct lag);

    for (unsigned i = 0; i < engine->loops; i++)
        shard_add_lag(engine->shards[i], lag);
    *ret_lag = (struct engine_lag){
        .p50_us = lag_percentile(lag, 0.50),
        .p99_us = lag_percentile(lag, 0.99),
        .max_us = lag->max_us,
    };
    free(lag);
}

/* ---- life ---- */

static unsigned or_default(unsigned value, unsigned otherwise)
{
    return value > 0 ? value : otherwise;
}

/* As many descriptors as the machine lets us have, and a share of them for each loop's probes. */
static void settle_limits(struct engine *engine)
{
    struct engine_limits *limits = &engine->options.limits;
    struct rlimit files;
    uint64_t share;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    share = files.rlim_cur > SPARE_DESCRIPTORS
                ? (files.rlim_cur - SPARE_DESCRIPTORS) / engine->loops
                : 1;

    limits->in_flight =
        or_default(limits->in_flight, (unsigned)MIN(share, (uint64_t)IN_FLIGHT_DEFAULT));
    limits->connecting = or_default(limits->connecting, CONNECTING_DEFAULT);
    limits->per_host = MAX(or_default(limits->per_host, PER_HOST_DEFAULT) / engine->loops, 1u);
    limits->handshakes = or_default(limits->handshakes, HANDSHAKES_DEFAULT);
}

static void *run_shard(void *argument)
{
    shard_run(argument);
    return NULL;
}

static enum err start_threads(struct engine *engine)
{
    char name[16];

    for (; engine->running < engine->loops; engine->running++) {
        int error = pthread_create(&engine->threads[engine->running], NULL, run_shard,
                                   engine->shards[engine->running]);

        if (error)
            return fail(ERR_UNAVAILABLE, "thread_failed", "A thread cannot be started: %s.",
                        strerrordesc_np(error));
        snprintf(name, sizeof name, "loop-%u", engine->running);
        pthread_setname_np(engine->threads[engine->running], name);
    }
    return OK;
}

static enum err open_spawners(const struct engine_options *options,
                              struct shard_spawners *ret_spawners)
{
    AUTO(spawner_free) struct spawner *scripts = NULL;

    if (options->scripts.directory)
        TRY(spawner_open(options->spawner, &scripts));
    TRY(spawner_open(options->spawner, &ret_spawners->jq));
    ret_spawners->scripts = TAKE(scripts);
    return OK;
}

static enum err make_shards(struct engine *engine)
{
    const struct engine_options *options = &engine->options;

    for (unsigned i = 0; i < engine->loops; i++) {
        struct shard_spawners spawners = {0};
        unsigned flood =
            options->flood / engine->loops + (i < options->flood % engine->loops ? 1 : 0);

        if (options->spawner)
            TRY(open_spawners(options, &spawners));
        engine->shards[i] = shard_new(options, spawners, flood);
    }
    return OK;
}

enum err engine_new(const struct engine_options *options, struct engine **ret_engine)
{
    AUTO(engine_free) struct engine *engine = NEW(struct engine);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    engine->options = *options;
    engine->loops = or_default(options->loops, cores > 0 ? (unsigned)cores : 1);
    if (engine->loops > LOOPS_MAX)
        return fail(ERR_INVALID, "loops_too_many", "There can be at most %d loops.", LOOPS_MAX);
    if (options->flood > 0)
        engine->loops = MIN(engine->loops, options->flood);
    settle_limits(engine);
    TRY(make_shards(engine));
    TRY(start_threads(engine));
    *ret_engine = TAKE(engine);
    return OK;
}

void engine_stop(struct engine *engine)
{
    for (unsigned i = 0; i < engine->running; i++)
        shard_stop(engine->shards[i]);
    for (unsigned i = 0; i < engine->running; i++)
        pthread_join(engine->threads[i], NULL);
    engine->running = 0;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    engine_stop(engine);
    for (unsigned i = 0; i < engine->loops && engine->shards[i]; i++)
        shard_free(engine->shards[i]);
    free(engine);
}
