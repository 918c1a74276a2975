/*
 * Queries wait in one queue; before the loop goes to sleep each is given to the link with the least
 * under way. A query has its own deadline here, whatever the server does: late answers are read and
 * dropped. Reads may be repeated, so those of a lost link go back into the queue, once more than
 * there are links: a server that restarts ends all of them.
 */
#include "control/store/pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/clock.h"

#include "control/store/pipeline_private.h"

#define LINKS_DEFAULT 2
#define QUEUE_DEFAULT 4096
#define TICK_S        0.05

static void query_free(struct pipeline *pipeline, struct read_query *query)
{
    assert(pipeline->by_id); /* it is in there */
    list_remove(&query->node);
    HASH_DEL(pipeline->by_id, query);
    pipeline_text_free(query->once);
    free(query->values);
    free(query->offsets);
    free(query);
}

static void call_back(struct read_query *query, const struct pipeline_answer *answer)
{
    pipeline_done_fn done = query->done;

    query->done = NULL;
    if (done)
        done(query->argument, answer);
}

void pipeline_answer(struct pipeline *pipeline, struct read_query *query,
                     const struct pipeline_answer *answer)
{
    if (answer->err == OK)
        pipeline->counters.answered++;
    else
        pipeline->counters.failed++;
    call_back(query, answer);
    query_free(pipeline, query);
}

static void answer_unavailable(struct pipeline *pipeline, struct read_query *query)
{
    pipeline_answer(pipeline, query,
                    &(struct pipeline_answer){.err = ERR_UNAVAILABLE,
                                              .code = "database_unavailable",
                                              .detail = "the database is not reachable"});
}

void pipeline_return(struct pipeline *pipeline, struct read_query *query)
{
    list_remove(&query->node);
    if (!query->done) {
        query_free(pipeline, query);
    } else if (query->attempts > (int)pipeline->link_count) {
        answer_unavailable(pipeline, query);
    } else {
        query->preparing = false;
        list_prepend(&pipeline->waiting, &query->node);
    }
}

static bool any_link_up(const struct pipeline *pipeline)
{
    for (unsigned i = 0; i < pipeline->link_count; i++) {
        if (link_is_up(pipeline->links[i]))
            return true;
    }
    return false;
}

void pipeline_on_link(struct pipeline *pipeline, bool is_up)
{
    pipeline->failing = !is_up && !any_link_up(pipeline);
}

static struct link *least_busy(const struct pipeline *pipeline)
{
    struct link *best = NULL;

    for (unsigned i = 0; i < pipeline->link_count; i++) {
        struct link *link = pipeline->links[i];

        if (link_is_up(link) && link_under_way(link) < LINK_UNDER_WAY_MAX &&
            (!best || link_under_way(link) < link_under_way(best)))
            best = link;
    }
    return best;
}

static void dispatch(struct pipeline *pipeline)
{
    struct list *node;

    while ((node = list_first(&pipeline->waiting))) {
        struct read_query *query = container_of(node, struct read_query, node);
        struct link *link = least_busy(pipeline);

        if (!query->done) {
            query_free(pipeline, query);
        } else if (link) {
            list_remove(node);
            query->attempts++;
            link_send(link, query);
        } else if (pipeline->failing) {
            answer_unavailable(pipeline, query);
        } else {
            return;
        }
    }
}

static void on_before_wait(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    (void)ev;
    (void)events;
    dispatch(container_of(watcher, struct pipeline, before_wait));
}

/* Ends the queries whose time is over. One under way stays on its link, because its answer is still
 * to come. */
static void expire(struct pipeline *pipeline, int64_t now_us)
{
    const struct pipeline_answer late = {.err = ERR_TIMEOUT,
                                         .code = "read_timeout",
                                         .detail = "the database did not answer in time"};
    struct read_query *query;
    struct read_query *next;

    HASH_ITER (hh, pipeline->by_id, query, next) {
        if (!query->done || now_us < query->deadline_us)
            continue;
        pipeline->counters.timed_out++;
        call_back(query, &late);
    }
}

static void on_tick(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct pipeline *pipeline = container_of(watcher, struct pipeline, tick);
    int64_t now_us = clock_monotonic_us();

    (void)ev;
    (void)events;
    expire(pipeline, now_us);
    for (unsigned i = 0; i < pipeline->link_count; i++)
        link_check(pipeline->links[i], now_us);
}

struct pipeline *pipeline_new(struct loop *loop, const struct pipeline_options *options)
{
    struct pipeline *pipeline = NEW(struct pipeline);

    pipeline->loop = loop;
    pipeline->url = options->url;
    pipeline->queue_max = options->queue_max ? options->queue_max : QUEUE_DEFAULT;
    pipeline->link_count =
        MIN(options->connections ? options->connections : LINKS_DEFAULT, (unsigned)LINKS_MAX);
    list_init(&pipeline->waiting);
    ev_prepare_init(&pipeline->before_wait, on_before_wait);
    ev_prepare_start(loop_ev(loop), &pipeline->before_wait);
    ev_timer_init(&pipeline->tick, on_tick, TICK_S, TICK_S);
    ev_timer_start(loop_ev(loop), &pipeline->tick);
    for (unsigned i = 0; i < pipeline->link_count; i++)
        pipeline->links[i] = link_new(pipeline, i);
    return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
    struct read_query *query;
    struct read_query *next;

    if (!pipeline)
        return;
    HASH_ITER (hh, pipeline->by_id, query, next) {
        query->done = NULL;
    }
    for (unsigned i = 0; i < pipeline->link_count; i++)
        link_free(pipeline->links[i]);
    HASH_ITER (hh, pipeline->by_id, query, next) {
        query_free(pipeline, query);
    }
    ev_prepare_stop(loop_ev(pipeline->loop), &pipeline->before_wait);
    ev_timer_stop(loop_ev(pipeline->loop), &pipeline->tick);
    pipeline_texts_clear(&pipeline->texts);
    free(pipeline);
}

/* Copies the parameters into one block; offsets, because PostgreSQL's NULL is not the empty text.
 */
static void copy_values(struct read_query *query, const struct str *values)
{
    size_t count = (size_t)query->statement->parameter_count;
    size_t size = 1;
    size_t at = 0;

    for (size_t i = 0; i < count; i++)
        size += values[i].len + 1;
    query->values = xmalloc(size);
    query->offsets = xcalloc(count + 1, sizeof *query->offsets);
    for (size_t i = 0; i < count; i++) {
        query->offsets[i] = SIZE_MAX;
        if (!values[i].ptr)
            continue;
        query->offsets[i] = at;
        memcpy(query->values + at, values[i].ptr, values[i].len);
        at += values[i].len;
        query->values[at++] = '\0';
    }
}

static bool is_full(struct pipeline *pipeline)
{
    if (HASH_COUNT(pipeline->by_id) < pipeline->queue_max)
        return false;
    pipeline->counters.refused++;
    return true;
}

static enum err refuse(const struct pipeline *pipeline)
{
    return fail(ERR_LIMITED, "reads_full", "%zu reads are waiting already", pipeline->queue_max);
}

/* Takes `once`. */
static void enqueue(struct pipeline *pipeline, const struct statement *statement,
                    struct pipeline_text *once, const struct pipeline_request *request)
{
    struct read_query *query = NEW(struct read_query);

    query->id = ++pipeline->last_id;
    query->statement = statement;
    query->once = once;
    query->deadline_us = request->deadline_us;
    query->done = request->done;
    query->argument = request->argument;
    copy_values(query, request->values);
    row_scope_write(&request->rows, query->rows);
    HASH_ADD(hh, pipeline->by_id, id, sizeof query->id, query);
    list_append(&pipeline->waiting, &query->node);
    if (request->ret_id)
        *request->ret_id = query->id;
}

enum err pipeline_query(struct pipeline *pipeline, const struct statement *statement,
                        const struct pipeline_request *request)
{
    if (is_full(pipeline))
        return refuse(pipeline);
    enqueue(pipeline, statement, NULL, request);
    return OK;
}

enum err pipeline_query_text(struct pipeline *pipeline, const char *name, struct str text,
                             size_t parameter_count, const struct pipeline_request *request)
{
    struct pipeline_text *once;
    const struct statement *statement;

    if (is_full(pipeline))
        return refuse(pipeline);
    statement = pipeline_texts_get(&pipeline->texts, name, text, parameter_count, &once);
    enqueue(pipeline, statement, once, request);
    return OK;
}

void pipeline_cancel(struct pipeline *pipeline, uint64_t id)
{
    struct read_query *query;

    HASH_FIND(hh, pipeline->by_id, &id, sizeof id, query);
    if (query)
        query->done = NULL;
}

bool pipeline_is_ready(const struct pipeline *pipeline)
{
    return any_link_up(pipeline);
}

struct pipeline_counters pipeline_counters(const struct pipeline *pipeline)
{
    struct pipeline_counters counters = pipeline->counters;

    for (unsigned i = 0; i < pipeline->link_count; i++)
        counters.under_way += link_under_way(pipeline->links[i]);
    counters.waiting = HASH_COUNT(pipeline->by_id) - counters.under_way;
    return counters;
}
