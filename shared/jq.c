/*
 * Waiting requests form a queue; its first is sent when the helper has answered the one before. A
 * helper that does not answer, though it kills what is late by itself, is killed and started anew.
 */
#include "shared/jq.h"

#include "shared/clock.h"
#include "shared/jq_private.h"
#include "shared/list.h"
#include "shared/log.h"
#include "shared/mem.h"

#define SLACK_MS      2000 /* what the helper may take for itself: start, fork, compiling anew */
#define START_HOLD_US 500000

struct jq_request {
    struct list link; /* jq->waiting */
    const struct json_assert *assertion;
    struct str document;
    int64_t due_us;
    jq_done_fn done; /* NULL: cancelled */
    void *argument;
};

struct jq {
    struct ev_loop *ev;
    struct spawner *spawner;
    struct jq_link link;
    struct list waiting;
    size_t waiting_count;
    struct jq_request *current; /* sent and not answered; NULL */
    ev_io reports;              /* of the spawner */
    ev_io answers;              /* of the helper */
    ev_timer overdue;           /* of the current request */
    ev_timer next;              /* sends the next one, in the next turn or after a hold */
    int64_t hold_until_us;
};

static void send_soon(struct jq *jq)
{
    int64_t hold_us = jq->hold_until_us - clock_monotonic_us();

    if (jq->current || list_is_empty(&jq->waiting) || ev_is_active(&jq->next))
        return;
    ev_timer_set(&jq->next, hold_us > 0 ? (double)hold_us / 1e6 : 0., 0.);
    ev_timer_start(jq->ev, &jq->next);
}

static void finish(struct jq_request *request_take, enum json_answer answer, struct str reason)
{
    jq_done_fn done = request_take->done;
    void *argument = request_take->argument;

    free(request_take);
    if (done)
        done(argument, answer, reason);
}

/* The current request is over; the next may go. */
static void finish_current(struct jq *jq, enum json_answer answer, struct str reason)
{
    struct jq_request *request = TAKE(jq->current);

    ev_timer_stop(jq->ev, &jq->overdue);
    if (request)
        finish(request, answer, reason);
    send_soon(jq);
}

static void close_link(struct jq *jq)
{
    ev_io_stop(jq->ev, &jq->answers);
    jq_link_close(&jq->link);
}

/* The helper is of no use any more; the next request starts another, but not at once. */
static void lose_helper(struct jq *jq, enum json_answer answer, struct str reason)
{
    close_link(jq);
    jq->hold_until_us = clock_monotonic_us() + START_HOLD_US;
    finish_current(jq, answer, reason);
}

/* The helper ----------------------------------------------------------------------------------- */

static void on_helper_end(void *argument, const struct spawn_result *result)
{
    struct jq *jq = argument;

    (void)jq;
    if (result->end == SPAWN_FAILED)
        log_error("jq.not_started", "error=%s", strerrordesc_np(result->status));
    else if (result->end != SPAWN_SIGNALLED || result->status != SIGKILL)
        log_warning("jq.ended", "end=%d status=%d said=" STR_FMT, (int)result->end, result->status,
                    STR_ARG(result->error));
}

static void on_report(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct jq *jq = container_of(watcher, struct jq, reports);

    (void)events;
    if (spawner_on_readable(jq->spawner) == OK)
        return;
    log_error("jq.spawner_lost", "detail=%s", failure_last()->detail);
    failure_clear();
    ev_io_stop(ev, watcher);
}

static void on_answer(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct jq *jq = container_of(watcher, struct jq, answers);
    CLEANUP(buf_clear_p) struct buf reason = {0};
    enum json_answer answer;
    enum err err = jq_link_receive(&jq->link, &answer, &reason);

    (void)ev;
    (void)events;
    if (err == OK)
        finish_current(jq, answer, buf_str(&reason));
    else if (err != ERR_TIMEOUT)
        lose_helper(jq, JSON_ANSWER_LOST, STR("the process that runs jq has ended"));
    failure_clear();
}

static void on_overdue(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct jq *jq = container_of(watcher, struct jq, overdue);

    (void)ev;
    (void)events;
    log_error("jq.hangs", "waited_ms=%d", JQ_RUN_MS_MAX + SLACK_MS);
    lose_helper(jq, JSON_ANSWER_LOST, STR("the process that runs jq does not answer"));
}

static enum err open_link(struct jq *jq)
{
    if (jq->link.socket >= 0)
        return OK;
    TRY(jq_link_open(&jq->link, on_helper_end, jq));
    ev_io_set(&jq->answers, jq->link.socket, EV_READ);
    ev_io_start(jq->ev, &jq->answers);
    return OK;
}

/* Requests ------------------------------------------------------------------------------------- */

static enum err try_to_send(struct jq *jq, const struct jq_request *request, uint32_t limit_ms)
{
    TRY(open_link(jq));
    return jq_link_send(&jq->link, json_assert_program(request->assertion), &request->document,
                        limit_ms);
}

static enum err send_request(struct jq *jq, const struct jq_request *request, int64_t left_us)
{
    uint32_t limit_ms = (uint32_t)MIN(left_us / 1000 + 1, (int64_t)JQ_RUN_MS_MAX);
    enum err err = try_to_send(jq, request, limit_ms);

    /* The helper may have ended since its last answer. */
    if (err == ERR_UNAVAILABLE) {
        close_link(jq);
        err = try_to_send(jq, request, limit_ms);
    }
    TRY(err);
    ev_timer_set(&jq->overdue, (limit_ms + SLACK_MS) / 1000., 0.);
    ev_timer_start(jq->ev, &jq->overdue);
    return OK;
}

static void on_next(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct jq *jq = container_of(watcher, struct jq, next);
    struct list *first = list_first(&jq->waiting);
    struct jq_request *request;
    int64_t left_us;

    (void)ev;
    (void)events;
    if (!first || jq->current)
        return;
    list_remove(first);
    jq->waiting_count--;
    request = container_of(first, struct jq_request, link);
    jq->current = request;
    left_us = request->due_us - clock_monotonic_us();
    if (left_us <= 0) {
        finish_current(jq, JSON_ANSWER_LOST, STR("jq had no time for it: too much waits"));
    } else if (send_request(jq, request, left_us) != OK) {
        CLEANUP(buf_clear_p) struct buf reason = {0};

        buf_append_text(&reason, failure_last()->detail);
        failure_clear();
        lose_helper(jq, JSON_ANSWER_LOST, buf_str(&reason));
    }
}

enum err jq_ask(struct jq *jq, const struct json_assert *assertion, struct str document,
                int64_t due_us, jq_done_fn done, void *argument, struct jq_request **ret_request)
{
    struct jq_request *request;

    if (jq->waiting_count >= JQ_WAITING_MAX)
        return fail(ERR_LIMITED, "jq_busy", "%d jq programs wait already", JQ_WAITING_MAX);
    request = NEW(struct jq_request);
    *request = (struct jq_request){
        .assertion = assertion,
        .document = document,
        .due_us = due_us,
        .done = done,
        .argument = argument,
    };
    list_append(&jq->waiting, &request->link);
    jq->waiting_count++;
    send_soon(jq);
    *ret_request = request;
    return OK;
}

void jq_cancel(struct jq *jq, struct jq_request *request)
{
    if (request == jq->current) {
        request->done = NULL; /* its answer still comes */
        return;
    }
    list_remove(&request->link);
    jq->waiting_count--;
    free(request);
}

/* Life ----------------------------------------------------------------------------------------- */

struct jq *jq_new(struct ev_loop *ev, struct spawner *spawner_take, const struct run_as *run_as)
{
    struct jq *jq = NEW(struct jq);

    jq->ev = ev;
    jq->spawner = spawner_take;
    jq->link = (struct jq_link){.spawner = spawner_take, .run_as = run_as, .socket = -1};
    list_init(&jq->waiting);
    ev_io_init(&jq->reports, on_report, spawner_fd(spawner_take), EV_READ);
    ev_io_init(&jq->answers, on_answer, -1, EV_READ);
    ev_timer_init(&jq->overdue, on_overdue, 0., 0.);
    ev_timer_init(&jq->next, on_next, 0., 0.);
    ev_io_start(ev, &jq->reports);
    return jq;
}

void jq_free(struct jq *jq)
{
    if (!jq)
        return;
    ev_io_stop(jq->ev, &jq->reports);
    ev_timer_stop(jq->ev, &jq->overdue);
    ev_timer_stop(jq->ev, &jq->next);
    close_link(jq);
    LIST_FOREACH_SAFE (link, &jq->waiting) {
        free(container_of(link, struct jq_request, link));
    }
    free(jq->current);
    spawner_free(jq->spawner);
    free(jq);
}
