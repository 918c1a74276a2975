/*
 * Looks again and again at the limits, because another process on the same database may have
 * changed them: one small statement a second. What was changed here holds already, and what a look
 * saw before that is older by its version.
 */
#include "shared/clock.h"
#include "shared/json.h"
#include "shared/loop.h"
#include "shared/mem.h"

#include "control/api/rates.h"
#include "control/settings/rate_limits.h"
#include "control/settings/settings.sql.h"
#include "control/store/pipeline.h"

#define LOOK_S      1.0
#define DEADLINE_US 5000000

struct rate_limits_watch {
    struct pipeline *pipeline;
    struct rates *rates;
    struct ev_loop *ev;
    ev_timer timer;
    uint64_t question; /* of the pipeline; 0: none is under way */
};

/* [class, subject, quota, window_s, version] */
static void set(struct rates *rates, const json_t *row)
{
    enum rate rate;
    enum rate_subject subject;

    if (!rate_find(str_of(json_string_value(json_array_get(row, 0))), &rate) ||
        !rate_subject_find(str_of(json_string_value(json_array_get(row, 1))), &subject))
        return; /* of a later schema */
    rates_configure(rates, rate, subject,
                    (struct rate_policy){.quota = json_integer_value(json_array_get(row, 2)),
                                         .window_s = json_integer_value(json_array_get(row, 3)),
                                         .version = json_integer_value(json_array_get(row, 4))});
}

static void on_answer(void *argument, const struct pipeline_answer *answer)
{
    struct rate_limits_watch *watch = argument;
    JSON_AUTO json_t *rows = NULL;
    json_t *row;
    size_t i;

    watch->question = 0;
    if (answer->err == OK && json_parse(answer->text, &rows) == OK) {
        json_array_foreach(rows, i, row) set(watch->rates, row);
    }
    failure_clear();
}

static void on_time(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct rate_limits_watch *watch = container_of(timer, struct rate_limits_watch, timer);

    (void)ev;
    (void)events;
    if (watch->question != 0)
        return;
    if (pipeline_query(watch->pipeline, &sql_rate_limits_look,
                       &(struct pipeline_request){.rows = ALL_ROWS,
                                                  .deadline_us = clock_monotonic_us() + DEADLINE_US,
                                                  .done = on_answer,
                                                  .argument = watch,
                                                  .ret_id = &watch->question}) != OK)
        failure_clear(); /* the next look finds it */
}

struct rate_limits_watch *rate_limits_watch_new(struct loop *loop, struct pipeline *pipeline,
                                                struct rates *rates)
{
    struct rate_limits_watch *watch = NEW(struct rate_limits_watch);

    watch->pipeline = pipeline;
    watch->rates = rates;
    watch->ev = loop_ev(loop);
    ev_timer_init(&watch->timer, on_time, LOOK_S, LOOK_S);
    ev_timer_start(watch->ev, &watch->timer);
    return watch;
}

void rate_limits_watch_free(struct rate_limits_watch *watch)
{
    if (!watch)
        return;
    ev_timer_stop(watch->ev, &watch->timer);
    if (watch->question != 0)
        pipeline_cancel(watch->pipeline, watch->question);
    free(watch);
}
