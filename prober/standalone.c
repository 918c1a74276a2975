/* Results are printed line by line as they come; standard output's own lock keeps lines of several
 * loops apart. */
#include "prober/standalone.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/result_json.h"

#include "prober/checks_file.h"
#include "prober/engine.h"
#include "prober/options.h"
#include "prober/summary.h"

/* Standalone probers are at one place only. */
#define LOCATION STR("default")

/* Prints one result as a line. Whoever reads it may go away: then there is nothing left to do
 * here. */
static void print_result(const char *label, const struct result *result, const json_t *steps)
{
    CLEANUP(buf_clear_p) struct buf line = {0};

    result_json_write(&line, result, str_of(label), LOCATION, str_n(NULL, 0));
    if (steps) {
        line.len--; /* the closing brace */
        buf_append_text(&line, ",\"steps\":");
        json_write(steps, &line);
        buf_append_char(&line, '}');
    }
    buf_append_char(&line, '\n');
    if (fwrite(line.data, 1, line.len, stdout) < line.len || fflush(stdout) != 0)
        kill(getpid(), SIGTERM);
}

/* ---- once ---- */

struct once {
    struct engine *engine;
    bool explain;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t all_ended;
    size_t open;
    bool any_not_ok;
};

static void on_once_end(void *context, const char *label, const struct result *result,
                        const json_t *steps)
{
    struct once *once = context;

    print_result(label, result, steps);
    pthread_mutex_lock(&once->mutex);
    once->any_not_ok |= result->verdict != VERDICT_OK;
    if (--once->open == 0)
        pthread_cond_signal(&once->all_ended);
    pthread_mutex_unlock(&once->mutex);
}

static enum err take_once(void *context, const struct engine_check *check)
{
    struct once *once = context;

    pthread_mutex_lock(&once->mutex);
    once->open++;
    pthread_mutex_unlock(&once->mutex);
    if (engine_once(once->engine, check, once->explain, on_once_end, once) == OK)
        return OK;

    pthread_mutex_lock(&once->mutex);
    once->open--;
    pthread_mutex_unlock(&once->mutex);
    return failure_last()->err;
}

enum err standalone_once(const struct prober_options *options,
                         const struct engine_options *engine_options, int *ret_status)
{
    AUTO(engine_free) struct engine *engine = NULL;
    struct once once = {
        .explain = options->explain,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .all_ended = PTHREAD_COND_INITIALIZER,
    };
    struct checks_file_counts counts;

    TRY(engine_new(engine_options, &engine));
    once.engine = engine;
    TRY(checks_file_read(options->checks, take_once, &once, &counts));

    pthread_mutex_lock(&once.mutex);
    while (once.open > 0)
        pthread_cond_wait(&once.all_ended, &once.mutex);
    pthread_mutex_unlock(&once.mutex);
    *ret_status = counts.bad > 0 ? 2 : once.any_not_ok ? 1 : 0;
    return OK;
}

/* ---- run ---- */

struct run {
    struct engine *engine;
    struct summary *summary; /* NULL: results are printed */
};

static void on_run_result(void *context, const char *label, const struct result *result)
{
    struct run *run = context;

    if (run->summary)
        summary_add(run->summary, result);
    else
        print_result(label, result, NULL);
}

static enum err take_run(void *context, const struct engine_check *check)
{
    struct run *run = context;

    return engine_set_check(run->engine, check);
}

static void wait_for_the_end(int64_t duration_s)
{
    const int64_t until_us = clock_monotonic_us() + duration_s * 1000000;
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    /* Being stopped and continued ends a wait, too. */
    for (;;) {
        int64_t left_us = duration_s > 0 ? until_us - clock_monotonic_us() : INT64_C(3600000000);
        struct timespec limit = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};

        if (left_us <= 0 || sigtimedwait(&signals, NULL, &limit) >= 0)
            return;
    }
}

enum err standalone_run(const struct prober_options *options,
                        const struct engine_options *engine_options, int *ret_status)
{
    AUTO(engine_free) struct engine *engine = NULL;
    AUTO(summary_free) struct summary *summary = options->summary ? summary_new() : NULL;
    struct run run = {.summary = summary};
    struct engine_options own = *engine_options;
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct checks_file_counts counts;

    own.on_result = on_run_result;
    own.context = &run;
    TRY(engine_new(&own, &engine));
    run.engine = engine;
    TRY(checks_file_read(options->checks, take_run, &run, &counts));
    *ret_status = counts.bad > 0 ? 2 : 0;
    if (counts.taken == 0)
        return fail(ERR_INVALID, "no_checks", "There is no check to run.");

    if (summary)
        summary_begin(summary);
    wait_for_the_end(options->duration_s);
    if (summary)
        summary_end(summary);
    engine_stop(engine);
    if (!summary)
        return OK;
    summary_write(summary, engine, &text);
    fwrite(text.data, 1, text.len, stdout);
    return OK;
}
