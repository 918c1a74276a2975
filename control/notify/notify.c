/* The thread: load, follow, send, wait, and again. */
#include "control/notify/notify.h"

#include <pthread.h>
#include <stdatomic.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"

#include "control/notify/delivery.sql.h"
#include "control/notify/notify_send.h"
#include "control/notify/webhook.h"
#include "control/store/db.h"
#include "control/store/tx.h"

#define FOLLOW_MOST     500
#define POLL_MS         500
#define FOLLOW_PAUSE_US 50000 /* between two looks: many changes then make one */
#define LOAD_EVERY_US   (10LL * 1000000)
#define FORGET_EVERY_US (60LL * 1000000)
#define FORGET_MOST     10000
#define HEADS_EVERY_S   3600
#define END_MS          2000 /* for what is under way at the end */

struct notify {
    pthread_t thread;
    bool has_thread;
    struct db *db;
    struct sender *sender;
    atomic_bool stopping;
    atomic_bool has_news;   /* events to follow */
    atomic_bool is_changed; /* the webhooks */
    int64_t follow_at_us;   /* at the latest */
    int64_t followed_us;
    int64_t load_at_us;
    int64_t forget_at_us;
    bool failed; /* the last pass did, and it was said */
};

static struct metric dropped = METRIC_COUNTER(
    "em_notify_dropped_total", "Events not told because too many deliveries were waiting");

static enum err load(struct notify *notify)
{
    CLEANUP(webhook_list_clear) webhook_list webhooks = {0};

    TRY(webhooks_load(notify->db, &webhooks));
    sender_take_webhooks(notify->sender, &webhooks);
    return OK;
}

/* Notes where the chains of the journal end, for those to whom it is due to be told. */
static enum err tell_heads(struct notify *notify)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *locked = NULL;
    uint64_t told;

    TRY(tx_begin(notify->db, &tx));
    TRY(tx_query_one(tx, &sql_heads_lock, NO_PARAMS, &locked));
    TRY(tx_execute(tx, &sql_heads_tell, PARAMS(p_int(HEADS_EVERY_S)), &told));
    TRY(tx_commit(TAKE(tx)));
    if (told > 0)
        notify->follow_at_us = 0;
    return OK;
}

/* ---- following ---- */

/* Events up to `last` become deliveries. */
static enum err follow_to(struct notify *notify, enum event_stream stream, int64_t after,
                          int64_t last)
{
    static const char *const followers[STREAM_COUNT] = {
        [STREAM_CHANGE] = "webhook.change",
        [STREAM_STATUS] = "webhook.status",
        [STREAM_HEAD] = "webhook.head",
    };
    const webhook_list *webhooks = sender_webhooks(notify->sender);
    AUTO(tx_rollback) struct tx *tx = NULL;
    uint64_t moved;
    int64_t lost = 0;

    TRY(tx_begin(notify->db, &tx));
    TRY(tx_execute(tx, &sql_follow_advance,
                   PARAMS(p_text(followers[stream]), p_int(after), p_int(last)), &moved));
    if (moved == 0)
        return OK; /* somebody else did */
    for (size_t i = 0; i < webhooks->len; i++) {
        const struct webhook *webhook = &webhooks->items[i];
        const struct event_range range = {
            .stream = stream,
            .after = after,
            .last = last,
            .from_ms = webhook->listens_since_ms,
            .until_ms = MS_NULL,
            .most = FOLLOW_MOST,
        };
        int64_t found;
        int64_t made;

        TRY(webhook_deliver_events(tx, webhook, &range, &found, &made));
        if (found == made)
            continue;
        lost += found - made;
        TRY(tx_execute(tx, &sql_delivery_dropped, PARAMS(p_uuid(&webhook->id), p_int(found - made)),
                       NULL));
    }
    TRY(tx_commit(TAKE(tx)));
    metric_add(&dropped, lost);
    return OK;
}

/* Follows the streams to their ends, in steps. */
static enum err follow(struct notify *notify)
{
    bool has_more = true;

    while (has_more && !atomic_load(&notify->stopping)) {
        AUTO(rows_free) struct rows *rows = NULL;

        TRY(db_query_one(notify->db, &sql_follow_positions, PARAMS(p_int(FOLLOW_MOST)), &rows));
        if (row_bool(rows, 0, STREAM_COUNT * 2))
            TRY(load(notify));
        has_more = false;
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            int64_t after = row_int(rows, 0, stream * 2);
            int64_t last;

            if (row_is_null(rows, 0, stream * 2 + 1))
                continue;
            last = row_int(rows, 0, stream * 2 + 1);
            TRY(follow_to(notify, (enum event_stream)stream, after, last));
            has_more = has_more || last - after >= FOLLOW_MOST;
        }
    }
    return OK;
}

/* ---- the thread ---- */

/* Who is told nothing need not hurry. */
static int64_t next_follow_us(const struct notify *notify)
{
    if (!atomic_load(&notify->has_news) || sender_webhooks(notify->sender)->len == 0)
        return notify->follow_at_us;
    return MIN(notify->follow_at_us, notify->followed_us + FOLLOW_PAUSE_US);
}

static enum err wait_for_work(struct notify *notify)
{
    int64_t left_us = next_follow_us(notify) - clock_monotonic_us();
    bool is_switched_off;

    TRY(sender_wait(notify->sender, MIN(MAX((left_us + 999) / 1000, 0), POLL_MS),
                    &is_switched_off));
    if (is_switched_off)
        notify->load_at_us = 0;
    return OK;
}

static enum err pass(struct notify *notify)
{
    int64_t now_us = clock_monotonic_us();

    if (atomic_exchange(&notify->is_changed, false) || now_us >= notify->load_at_us) {
        notify->load_at_us = now_us + LOAD_EVERY_US;
        TRY(load(notify));
        TRY(tell_heads(notify));
    }
    if (now_us >= next_follow_us(notify)) {
        atomic_store(&notify->has_news, false);
        notify->follow_at_us = now_us + POLL_MS * 1000;
        notify->followed_us = now_us;
        TRY(follow(notify));
    }
    TRY(sender_claim(notify->sender));
    if (now_us >= notify->forget_at_us) {
        notify->forget_at_us = now_us + FORGET_EVERY_US;
        TRY(db_execute(notify->db, &sql_delivery_forget, PARAMS(p_int(FORGET_MOST)), NULL));
        TRY(db_execute(notify->db, &sql_heads_forget, NO_PARAMS, NULL));
    }
    return wait_for_work(notify);
}

/* A failed pass tries all of it again: what was asked for meanwhile, too. */
static void recover(struct notify *notify, enum err err)
{
    bool is_ours = err != ERR_UNAVAILABLE;
    bool ignored;

    if (is_ours && !notify->failed)
        log_error("notify.failed", "err=%s code=%s detail=\"%s\"", err_word(err),
                  failure_last()->code, failure_last()->detail);
    notify->failed = is_ours;
    notify->load_at_us = notify->follow_at_us = 0;
    if (sender_wait(notify->sender, POLL_MS, &ignored) != OK)
        failure_clear();
}

/* What is under way gets a moment to end; the rest is given back. */
static void finish(struct notify *notify)
{
    int64_t until_us = clock_monotonic_us() + END_MS * 1000;
    bool ignored;

    while (sender_under_way(notify->sender) > 0 && clock_monotonic_us() < until_us) {
        if (sender_wait(notify->sender, END_MS / 10, &ignored) != OK)
            break;
    }
    if (sender_release(notify->sender) != OK)
        log_warning("notify.not_released", "deliveries=%zu", sender_under_way(notify->sender));
    failure_clear();
}

static void *run(void *argument)
{
    struct notify *notify = argument;

    while (!atomic_load(&notify->stopping)) {
        enum err err = pass(notify);

        if (err != OK)
            recover(notify, err);
        else
            notify->failed = false;
    }
    finish(notify);
    return NULL;
}

struct notify *notify_new(struct db *db, const struct addr_networks *networks)
{
    struct notify *notify = NEW(struct notify);

    metric_register(&dropped);
    notify->db = db;
    notify->sender = sender_new(db, networks);
    return notify;
}

enum err notify_start(struct notify *notify)
{
    notify->has_thread = pthread_create(&notify->thread, NULL, run, notify) == 0;
    if (!notify->has_thread)
        return fail(ERR_UNAVAILABLE, "thread_failed", "The delivery thread cannot be started.");
    return OK;
}

void notify_wake(struct notify *notify)
{
    atomic_store(&notify->has_news, true);
    sender_wake(notify->sender);
}

void notify_reload(struct notify *notify)
{
    atomic_store(&notify->is_changed, true);
    notify_wake(notify);
}

void notify_free(struct notify *notify)
{
    if (!notify)
        return;
    atomic_store(&notify->stopping, true);
    sender_wake(notify->sender);
    if (notify->has_thread)
        pthread_join(notify->thread, NULL);
    sender_free(notify->sender);
    db_free(notify->db);
    free(notify);
}
