/*
 * A pass: take what waits, read again what people changed, apply results, let time pass, commit,
 * post. The memory may be ahead of the database only inside a pass, and a pass does not end before
 * it is stored; whoever asks the read model sees committed states only.
 */
#include "control/health/engine.h"

#include <stdio.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"
#include "shared/ring.h"

#include "control/api/server.h"
#include "control/health/engine_private.h"
#include "control/store/db.h"

#define QUEUE_MAX         1024
#define REPORTS_PER_PASS  64
#define POLL_MS           1000
#define RETRY_US_FIRST    100000
#define RETRY_US_MOST     2000000
#define PAUSE_US          2000000 /* a longer gap between two passes is a pause of ours */
#define STALE_GRACE_MS    10000   /* time that probers get to deliver what they kept meanwhile */
#define STATEMENT_TIMEOUT 30000

static struct metric commits = METRIC_COUNTER("em_engine_commits_total", "Batches committed");
static struct metric commit_retries =
    METRIC_COUNTER("em_engine_commit_retries_total", "Batches that had to be written again");
static struct metric commit_time =
    METRIC_DURATION("em_engine_commit_seconds", "Time to write a batch");
static struct metric events_total =
    METRIC_COUNTER("em_engine_status_events_total", "Changes of a state");
static struct metric queue_refused =
    METRIC_COUNTER("em_engine_queue_refused_total", "Entries refused by the full queue");

enum entry_kind { ENTRY_REPORT, ENTRY_WRITTEN, ENTRY_WAKE };

struct entry {
    enum entry_kind kind;
    struct health_report *report;
    struct written *written;
};

typedef VEC(struct entry *) entry_vec;

struct engine *engine_new(const struct engine_config *config)
{
    struct engine *engine = NEW(struct engine);

    engine->config = *config;
    engine->queue = ring_new(QUEUE_MAX);
    engine->batch = batch_new();
    engine->news = news_new();
    engine->db = db_new(&(struct db_options){
        .url = config->database_url,
        .name = "engine",
        .rows = ALL_ROWS,
        .statement_timeout_ms = STATEMENT_TIMEOUT,
        .plans_once = true,
    });
    tree_init(&engine->tree);
    metric_register(&commits);
    metric_register(&commit_retries);
    metric_register(&commit_time);
    metric_register(&events_total);
    metric_register(&queue_refused);
    return engine;
}

static bool push(struct engine *engine, const struct entry *entry)
{
    struct entry *copy = NEW(struct entry);

    *copy = *entry;
    if (ring_push(engine->queue, copy))
        return true;
    metric_add(&queue_refused, 1);
    free(copy);
    return false;
}

bool engine_push_report(struct engine *engine, struct health_report *report)
{
    return push(engine, &(struct entry){.kind = ENTRY_REPORT, .report = report});
}

bool engine_push_written(struct engine *engine, struct written *written)
{
    return push(engine, &(struct entry){.kind = ENTRY_WRITTEN, .written = written});
}

bool engine_is_ready(struct engine *engine, char *reason, size_t reason_bytes)
{
    if (atomic_load(&engine->elsewhere))
        snprintf(reason, reason_bytes, "another em-control works with this database");
    else if (!atomic_load(&engine->loaded))
        snprintf(reason, reason_bytes, "the engine is loading");
    else if (!atomic_load(&engine->stored))
        snprintf(reason, reason_bytes, "the engine cannot reach the database");
    else
        return true;
    return false;
}

/* Waiting ------------------------------------------------------------------------------------- */

/* Says why it waits; of a lead that is elsewhere once, because that may be for months. */
static void log_retry(struct engine *engine, const char *what, int64_t wait_us)
{
    bool elsewhere = atomic_load(&engine->elsewhere);

    if (!elsewhere || !engine->elsewhere_logged)
        log_warning("engine.retry", "step=%s wait_ms=%lld error=\"%s\"", what,
                    (long long)wait_us / 1000, failure_last() ? failure_last()->detail : "");
    engine->elsewhere_logged = elsewhere;
}

/* Waits before another attempt; ERR_UNAVAILABLE when the engine is to stop. */
static enum err wait_to_retry(struct engine *engine, const char *what, int64_t *wait_us)
{
    int64_t until_us = clock_monotonic_us() + *wait_us;

    atomic_store(&engine->stored, false);
    log_retry(engine, what, *wait_us);
    if (engine->deposed) {
        engine->config.on_deposed(engine->config.on_deposed_context);
        atomic_store(&engine->stopping, true);
    }
    *wait_us = MIN(*wait_us * 2, (int64_t)RETRY_US_MOST);
    while (!atomic_load(&engine->stopping) && clock_monotonic_us() < until_us)
        usleep(20000);
    return atomic_load(&engine->stopping)
               ? fail(ERR_UNAVAILABLE, "engine_stopping", "The engine is to stop.")
               : OK;
}

/* Committing ---------------------------------------------------------------------------------- */

static void fill_batch(struct engine *engine, int64_t now_ms)
{
    struct tree *tree = &engine->tree;

    for (size_t i = 0; i < engine->touched.len; i++) {
        struct check *check = engine->touched.items[i];

        batch_add_state(engine->batch, &check->node->id, check->results - check->unstored,
                        check->results, &check->state);
        check->touched = false;
        check->unstored = 0;
    }
    engine->touched.len = 0;

    for (size_t i = 0; i < tree->dirty.len; i++) {
        if (tree->dirty.items[i]->unsaved && !tree->dirty.items[i]->removed)
            batch_add_status(engine->batch, tree->dirty.items[i]);
        tree->dirty.items[i]->unsaved = false;
    }
    for (size_t i = 0; i < tree->changes.len; i++) {
        const struct tree_change *change = &tree->changes.items[i];

        if (change->node->removed)
            continue;
        news_add_change(engine->news, change);
        if (change->from != change->to)
            batch_add_event(engine->batch, ++engine->event_seq, change, now_ms);
    }
}

static void fill_news(struct engine *engine)
{
    struct tree *tree = &engine->tree;

    for (size_t i = 0; i < tree->dirty.len; i++) {
        const struct node *node = tree->dirty.items[i];
        const struct check *check = node->check;

        if (!node->removed)
            news_add_node(engine->news, node, check && check->soft, check && check->state.flapping);
    }
    for (size_t i = 0; i < tree->removed.len; i++) {
        struct node *node = tree->removed.items[i];

        if (!tree_find(tree, &node->id)) /* else it was restored in the same pass */
            vec_push(&engine->news->removed, node->id);
        free(node->check);
    }
}

static enum err write_once(struct engine *engine)
{
    TRY(engine_keep_lead(engine));
    return batch_write(engine->batch, engine->db, engine->lead);
}

static enum err write_until_stored(struct engine *engine)
{
    int64_t wait_us = RETRY_US_FIRST;

    if (batch_is_empty(engine->batch))
        return OK;
    for (;;) {
        int64_t started_us = clock_monotonic_us();
        enum err err = write_once(engine);

        if (err == OK) {
            metric_observe_us(&commit_time, clock_monotonic_us() - started_us);
            metric_add(&commits, 1);
            return OK;
        }
        metric_add(&commit_retries, 1);
        if (err == ERR_BUG || err == ERR_INVALID)
            log_error("engine.batch_refused", "error=\"%s\"", failure_last()->detail);
        TRY(wait_to_retry(engine, "commit", &wait_us));
    }
}

enum err engine_commit(struct engine *engine)
{
    int64_t events_before = engine->event_seq;

    fill_batch(engine, clock_wall_ms());
    TRY(write_until_stored(engine));
    atomic_store(&engine->stored, true);
    batch_clear(engine->batch);
    fill_news(engine);
    tree_settled(&engine->tree);

    if (engine->event_seq > events_before) {
        metric_add(&events_total, engine->event_seq - events_before);
        if (engine->config.on_events)
            engine->config.on_events(engine->config.on_events_context);
    }
    if (!news_is_empty(engine->news)) {
        engine->config.post(engine->config.context, engine->news);
        engine->news = news_new();
    }
    return OK;
}

/* A pass -------------------------------------------------------------------------------------- */

/* Everything that waits, within the bound of a pass; waits for the first until the next moment that
 * matters. */
static void take_entries(struct engine *engine, entry_vec *entries)
{
    int64_t until_due_ms = MAX(engine->due_ms, clock_wall_ms()) - clock_wall_ms();
    struct entry *entry = ring_pop(engine->queue, MIN(until_due_ms, (int64_t)POLL_MS) * 1000);

    for (; entry; entry = ring_pop(engine->queue, 0)) {
        vec_push(entries, entry);
        if (entries->len >= REPORTS_PER_PASS)
            return;
    }
}

/* People's changes first: a check that was just created may have results in the same pass. They are
 * read together, however many requests wrote them. */
static enum err reload_changed(struct engine *engine, const entry_vec *entries, int64_t now_ms)
{
    size_t first = engine->news->edits.len;
    int64_t wait_us = RETRY_US_FIRST;

    for (size_t i = 0; i < entries->len; i++) {
        const struct written *written = entries->items[i]->written;

        for (size_t at = 0; written && at < written->count; at++) {
            vec_push(&engine->news->edits, written->changes[at]);
            vec_push(&engine->told, written->changes[at].entry_id);
        }
    }
    while (engine->news->edits.len > first &&
           engine_reload(engine, engine->news->edits.items + first, engine->news->edits.len - first,
                         now_ms) != OK)
        TRY(wait_to_retry(engine, "reload", &wait_us));
    return OK;
}

/* When the engine itself stood still, or waited for the database, it heard nothing either. */
static void notice_pause(struct engine *engine, int64_t now_ms)
{
    int64_t now_us = clock_monotonic_us();

    if (now_us - engine->passed_us > PAUSE_US)
        engine->stale_not_before = now_ms + STALE_GRACE_MS;
    engine->passed_us = now_us;
}

static enum err apply_entries(struct engine *engine, entry_vec *entries, int64_t now_ms)
{
    TRY(reload_changed(engine, entries, now_ms));
    for (size_t i = 0; i < entries->len; i++) {
        struct entry *entry = entries->items[i];

        if (entry->kind == ENTRY_REPORT)
            TRY(engine_ingest(engine, entry->report, now_ms));
    }
    engine_apply_windows(engine, now_ms);
    engine_tick(engine, now_ms);

    /* What waits for this pass leaves with its news. */
    for (size_t i = 0; i < entries->len; i++) {
        struct entry *entry = entries->items[i];

        if (entry->kind == ENTRY_REPORT)
            vec_push(&engine->news->reports, TAKE(entry->report));
        if (entry->kind == ENTRY_WRITTEN)
            vec_push(&engine->news->written, TAKE(entry->written));
    }
    return engine_commit(engine);
}

/* Gives back what a pass that was broken off has not dealt with: nothing in it is acknowledged. */
static void give_back(struct engine *engine, entry_vec *entries)
{
    struct news *news = news_new();

    for (size_t i = 0; i < engine->news->reports.len; i++)
        vec_push(&news->reports, engine->news->reports.items[i]);
    for (size_t i = 0; i < engine->news->written.len; i++)
        vec_push(&news->written, engine->news->written.items[i]);
    engine->news->reports.len = 0;
    engine->news->written.len = 0;
    for (size_t i = 0; i < entries->len; i++) {
        struct entry *entry = entries->items[i];

        if (entry->report)
            vec_push(&news->reports, entry->report);
        if (entry->written)
            vec_push(&news->written, entry->written);
        free(entry);
    }
    entries->len = 0;
    for (size_t i = 0; i < news->reports.len; i++)
        news->reports.items[i]->dropped = true;
    if (news_is_empty(news))
        news_free(news);
    else
        engine->config.post(engine->config.context, news);
}

static enum err load_until_done(struct engine *engine)
{
    int64_t wait_us = RETRY_US_FIRST;
    int64_t started_us = clock_monotonic_us();

    while (engine_load(engine, clock_wall_ms()) != OK) {
        engine_unload(engine);
        TRY(wait_to_retry(engine, "load", &wait_us));
    }
    engine->news->loaded = true;
    engine->passed_us = clock_monotonic_us();
    engine->stale_not_before = clock_wall_ms() + STALE_GRACE_MS;
    TRY(engine_commit(engine));
    log_info("engine.loaded", "components=%zu checks=%zu took_ms=%lld",
             engine->tree.count[ENTITY_COMPONENT], engine->tree.count[ENTITY_CHECK],
             (long long)(clock_monotonic_us() - started_us) / 1000);
    atomic_store(&engine->loaded, true);
    return OK;
}

static enum err poll_journal(struct engine *engine, int64_t now_ms)
{
    TRY(engine_keep_lead(engine));
    return engine_poll(engine, now_ms);
}

static enum err run_pass(struct engine *engine, entry_vec *entries)
{
    int64_t now_ms;

    take_entries(engine, entries);
    now_ms = clock_wall_ms();
    notice_pause(engine, now_ms);
    if (now_ms - engine->polled_at_ms >= POLL_MS || now_ms < engine->polled_at_ms) {
        int64_t wait_us = RETRY_US_FIRST;

        while (poll_journal(engine, now_ms) != OK)
            TRY(wait_to_retry(engine, "poll", &wait_us));
        atomic_store(&engine->stored, true);
    }
    return apply_entries(engine, entries, now_ms);
}

static void *run(void *argument)
{
    struct engine *engine = argument;
    entry_vec entries = {0};
    enum err err = load_until_done(engine);

    while (err == OK && !atomic_load(&engine->stopping)) {
        err = run_pass(engine, &entries);
        if (err != OK)
            break;
        for (size_t i = 0; i < entries.len; i++)
            free(entries.items[i]);
        entries.len = 0;
    }

    ring_close(engine->queue);
    for (struct entry *entry = ring_pop(engine->queue, 0); entry;
         entry = ring_pop(engine->queue, 0))
        vec_push(&entries, entry);
    give_back(engine, &entries);
    vec_clear(&entries);
    failure_clear();
    return NULL;
}

/* Life ---------------------------------------------------------------------------------------- */

enum err engine_start(struct engine *engine)
{
    if (pthread_create(&engine->thread, NULL, run, engine) != 0)
        return fail(ERR_UNAVAILABLE, "thread_failed", "The engine's thread cannot be started.");
    engine->started = true;
    return OK;
}

void engine_stop(struct engine *engine)
{
    if (!engine->started)
        return;
    atomic_store(&engine->stopping, true);
    push(engine, &(struct entry){.kind = ENTRY_WAKE});
    pthread_join(engine->thread, NULL);
    engine->started = false;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    engine_stop(engine);
    engine_unload(engine);
    vec_clear(&engine->windows);
    vec_clear(&engine->touched);
    vec_clear(&engine->told);
    vec_clear(&engine->created);
    batch_free(engine->batch);
    news_free(engine->news);
    db_free(engine->db);
    ring_free(engine->queue);
    free(engine);
}
