/*
 * Follows the sealed journal by its position, for live clients: who follows journal:<organisation>
 * gets a `change` for each record. One question at a time; a doorbell spares the wait.
 */
#include <stdatomic.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/loop.h"
#include "shared/mem.h"

#include "control/api/live.h"
#include "control/audit/audit.h"
#include "control/audit/audit.sql.h"
#include "control/store/pipeline.h"

#define POLL_S      1.0
#define RECORDS     "500"
#define DEADLINE_US 5000000

struct journal_feed {
    struct loop *loop;
    struct pipeline *pipeline;
    struct live *live;
    ev_timer timer;
    int64_t position;  /* told up to; -1: not known yet */
    uint64_t question; /* of the pipeline; 0: none is under way */
    bool asks_again;   /* it rang while one was under way */
    atomic_bool rung;  /* a task is posted */
};

static void ask(struct journal_feed *feed);

static enum entity_kind kind_of(const char *word)
{
    for (int kind = 1; kind < ENTITY_COUNT; kind++) {
        if (strcmp(entity_words[kind], word) == 0)
            return (enum entity_kind)kind;
    }
    return ENTITY_NONE;
}

static void publish(struct journal_feed *feed, const json_t *item)
{
    CLEANUP(buf_clear_p) struct buf fields = {0};
    struct live_change change = {
        .kind = kind_of(json_text(item, "kind", "")),
        .version = json_integer_or(item, "version", 1),
    };
    struct room room = {.kind = ROOM_JOURNAL};

    if (change.kind == ENTITY_NONE || !uuid_parse(str_of(json_text(item, "chain", "")), &room.id) ||
        !uuid_parse(str_of(json_text(item, "entity", "")), &change.id))
        return; /* of a kind that there was once */
    buf_append_text(&fields, "\"changed\":");
    json_write(json_object_get(item, "changed"), &fields);
    change.fields = buf_str(&fields);
    live_publish(feed->live, &change, &room, 1);
}

static void on_answer(void *argument, const struct pipeline_answer *answer)
{
    struct journal_feed *feed = argument;
    JSON_AUTO json_t *news = NULL;
    bool has_more = false;
    json_t *item;
    size_t i;

    feed->question = 0;
    if (answer->err == OK && json_parse(answer->text, &news) == OK) {
        int64_t position = json_integer_or(news, "position", feed->position);

        json_array_foreach(json_object_get(news, "items"), i, item) publish(feed, item);
        has_more = feed->position >= 0 && position > feed->position;
        feed->position = position;
    }
    failure_clear();
    if (has_more || feed->asks_again)
        ask(feed);
}

static void ask(struct journal_feed *feed)
{
    CLEANUP(buf_clear_p) struct buf position = {0};
    struct str values[2];

    feed->asks_again = feed->question != 0;
    if (feed->asks_again)
        return;
    buf_printf(&position, "%lld", (long long)feed->position);
    values[0] = buf_str(&position);
    values[1] = STR(RECORDS);
    if (pipeline_query(feed->pipeline, &sql_journal_news,
                       &(struct pipeline_request){.values = values,
                                                  .rows = ALL_ROWS,
                                                  .deadline_us = clock_monotonic_us() + DEADLINE_US,
                                                  .done = on_answer,
                                                  .argument = feed,
                                                  .ret_id = &feed->question}) != OK)
        failure_clear(); /* the timer asks again */
}

static void on_time(struct ev_loop *ev, ev_timer *timer, int events)
{
    (void)ev;
    (void)events;
    ask(container_of(timer, struct journal_feed, timer));
}

static void on_rung(void *argument)
{
    struct journal_feed *feed = argument;

    atomic_store(&feed->rung, false);
    ask(feed);
}

struct journal_feed *journal_feed_new(struct loop *loop, struct pipeline *pipeline,
                                      struct live *live)
{
    struct journal_feed *feed = NEW(struct journal_feed);

    feed->loop = loop;
    feed->pipeline = pipeline;
    feed->live = live;
    feed->position = -1;
    ev_timer_init(&feed->timer, on_time, 0, POLL_S);
    ev_timer_start(loop_ev(loop), &feed->timer);
    return feed;
}

void journal_feed_ring(struct journal_feed *feed)
{
    if (!atomic_exchange(&feed->rung, true))
        loop_post(feed->loop, on_rung, feed);
}

void journal_feed_free(struct journal_feed *feed)
{
    if (!feed)
        return;
    ev_timer_stop(loop_ev(feed->loop), &feed->timer);
    if (feed->question != 0)
        pipeline_cancel(feed->pipeline, feed->question);
    free(feed);
}
