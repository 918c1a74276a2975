/*
 * The delivery thread. One pass: follow new events, then send what is due, one delivery at a time,
 * oldest first. After a failed attempt the receiver as a whole is left alone for a moment, so that
 * a thousand waiting deliveries cost one failing request each pause and not a thousand; when it
 * answers again, all that waited is due at once.
 */
#include "control/notify/notify.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"
#include "shared/ring.h"

#include "control/notify/notify.sql.h"
#include "control/notify/notify_rules.h"
#include "control/notify/outbound.h"
#include "control/store/db.h"
#include "control/store/tx.h"

#define FOLLOW_MOST     500
#define PENDING_MOST    100000 /* waiting ones; more are not made but counted as dropped */
#define POLL_US         500000
#define SEND_TIMEOUT_MS 15000
#define LEASE_S         60
#define PAUSE_MS_FIRST  1000
#define PAUSE_MS_MOST   30000
#define KEEP_DAYS       7
#define FORGET_EVERY_US (60LL * 1000000)

struct notify {
    pthread_t thread;
    struct db *db;
    struct outbound *outbound;
    struct ring *wake; /* one entry is enough to wake the thread */
    atomic_bool stopping;
    int64_t paused_until_us; /* the receiver failed: it is left alone until then */
    int64_t pause_ms;        /* the next pause; 0: the last attempt went well */
    int64_t forget_at_us;
};

static struct metric delivered =
    METRIC_COUNTER("em_notify_delivered_total", "Webhook deliveries that arrived");
static struct metric failed_attempts =
    METRIC_COUNTER("em_notify_failed_attempts_total", "Attempts to deliver a webhook that failed");
static struct metric given_up =
    METRIC_COUNTER("em_notify_given_up_total", "Webhook deliveries that were given up");
static struct metric dropped = METRIC_COUNTER(
    "em_notify_dropped_total", "Status changes not told because too many deliveries were waiting");

struct delivery {
    struct uuid id;
    int attempts;
    int64_t created_at_ms;
    char *url; /* NULL: the webhook was switched off */
    struct buf payload;
};

static void delivery_clear(struct delivery *delivery)
{
    free(delivery->url);
    buf_clear(&delivery->payload);
}

/* Reads events until there are no more. */
static enum err follow(struct notify *notify)
{
    int64_t read;

    do {
        AUTO(rows_free) struct rows *rows = NULL;

        TRY(db_query_one(notify->db, &sql_notify_follow_status,
                         PARAMS(p_int(FOLLOW_MOST), p_int(PENDING_MOST)), &rows));
        read = row_int(rows, 0, 0);
        metric_add(&dropped, row_int(rows, 0, 2));
    } while (read == FOLLOW_MOST);
    return OK;
}

/* @return ERR_NOT_FOUND when nothing is due. */
static enum err claim(struct notify *notify, struct delivery *ret_delivery)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct str url;

    TRY(db_query_one(notify->db, &sql_delivery_claim, PARAMS(p_int(LEASE_S)), &rows));
    *ret_delivery = (struct delivery){
        .id = row_uuid(rows, 0, 0),
        .attempts = (int)row_int(rows, 0, 2),
        .created_at_ms = row_ms(rows, 0, 3),
    };
    buf_append_str(&ret_delivery->payload, row_text(rows, 0, 1));
    url = row_text(rows, 0, 4);
    ret_delivery->url = url.ptr ? str_dup(url) : NULL;
    return OK;
}

/* Sends it once; `ret_error` says what was wrong, or stays empty. */
static void attempt(struct notify *notify, const struct delivery *delivery,
                    struct delivery_attempt *ret_attempt, char *ret_error, size_t error_bytes)
{
    struct outbound_reply reply = {0};
    char id[UUID_TEXT_BYTES];
    char id_header[64];
    char time_header[64];
    const char *const headers[] = {"content-type: application/json", id_header, time_header, NULL};
    struct outbound_request request = {
        .url = delivery->url,
        .headers = headers,
        .body = buf_str(&delivery->payload),
        .timeout_ms = SEND_TIMEOUT_MS,
    };

    snprintf(id_header, sizeof id_header, "webhook-id: %s", uuid_format(&delivery->id, id));
    snprintf(time_header, sizeof time_header, "webhook-timestamp: %lld",
             (long long)(clock_wall_ms() / 1000));
    ret_error[0] = '\0';
    if (outbound_send(notify->outbound, &request, &reply) != OK)
        snprintf(ret_error, error_bytes, "%s", failure_last()->detail);
    else if (reply.status < 200 || reply.status > 299)
        snprintf(ret_error, error_bytes, "The receiver answered %d.", reply.status);

    *ret_attempt = (struct delivery_attempt){
        .attempts = delivery->attempts,
        .status = reply.status,
        .retry_after_s = reply.retry_after_s,
        .created_at_ms = delivery->created_at_ms,
        .now_ms = clock_wall_ms(),
    };
    outbound_reply_clear(&reply);
}

/* The receiver has answered: what waited for it is due now. */
static enum err receiver_is_back(struct notify *notify)
{
    if (notify->pause_ms == 0)
        return OK;
    log_info("notify.receiver_back", "after_pause_ms=%lld", (long long)notify->pause_ms);
    notify->pause_ms = 0;
    return db_execute(notify->db, &sql_delivery_hurry, NO_PARAMS, NULL);
}

static void leave_receiver_alone(struct notify *notify, const char *why)
{
    if (notify->pause_ms == 0)
        log_warning("notify.receiver_failed", "error=\"%s\"", why);
    notify->pause_ms =
        notify->pause_ms ? MIN(notify->pause_ms * 2, (int64_t)PAUSE_MS_MOST) : PAUSE_MS_FIRST;
    notify->paused_until_us = clock_monotonic_us() + notify->pause_ms * 1000;
}

static enum err record(struct notify *notify, const struct delivery *delivery,
                       const struct delivery_attempt *made, const char *error)
{
    struct param status = p_int(made->status ? made->status : INTEGER_NULL);
    struct param why = p_text(error[0] ? error : NULL);
    int64_t delay_ms = 0;

    switch (delivery_decide(made, &delay_ms)) {
    case DELIVERY_DONE:
        metric_add(&delivered, 1);
        TRY(db_execute(notify->db, &sql_delivery_end,
                       PARAMS(p_uuid(&delivery->id), p_bool(true), status, why), NULL));
        return receiver_is_back(notify);
    case DELIVERY_GIVE_UP:
        metric_add(&failed_attempts, 1);
        metric_add(&given_up, 1);
        return db_execute(notify->db, &sql_delivery_end,
                          PARAMS(p_uuid(&delivery->id), p_bool(false), status, why), NULL);
    case DELIVERY_RETRY:
        metric_add(&failed_attempts, 1);
        leave_receiver_alone(notify, error);
        return db_execute(notify->db, &sql_delivery_postpone,
                          PARAMS(p_uuid(&delivery->id), p_int(delay_ms), status, why), NULL);
    }
    return OK;
}

/* One delivery from claim to record. @return ERR_NOT_FOUND when nothing is due. */
static enum err deliver_one(struct notify *notify)
{
    CLEANUP(delivery_clear) struct delivery delivery = {0};
    struct delivery_attempt made;
    char error[512];

    TRY(claim(notify, &delivery));
    if (!delivery.url)
        return db_execute(notify->db, &sql_delivery_end,
                          PARAMS(p_uuid(&delivery.id), p_bool(false), p_null(),
                                 p_text("The webhook was switched off.")),
                          NULL);
    attempt(notify, &delivery, &made, error, sizeof error);
    return record(notify, &delivery, &made, error);
}

static enum err deliver_due(struct notify *notify)
{
    enum err err = OK;

    while (err == OK && !atomic_load(&notify->stopping) &&
           clock_monotonic_us() >= notify->paused_until_us)
        err = deliver_one(notify);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err forget_old(struct notify *notify)
{
    int64_t now_us = clock_monotonic_us();

    if (now_us < notify->forget_at_us)
        return OK;
    notify->forget_at_us = now_us + FORGET_EVERY_US;
    return db_execute(notify->db, &sql_delivery_forget, PARAMS(p_int(KEEP_DAYS)), NULL);
}

static enum err pass(struct notify *notify)
{
    TRY(follow(notify));
    TRY(deliver_due(notify));
    return forget_old(notify);
}

static void *run(void *argument)
{
    struct notify *notify = argument;

    while (!atomic_load(&notify->stopping)) {
        enum err err = pass(notify);

        if (err != OK && err != ERR_UNAVAILABLE)
            log_error("notify.failed", "err=%s code=%s detail=\"%s\"", err_word(err),
                      failure_last()->code, failure_last()->detail);
        ring_pop(notify->wake, POLL_US);
    }
    failure_clear();
    return NULL;
}

enum err notify_start(struct db *db, struct notify **ret_notify)
{
    struct notify *notify = NEW(struct notify);

    metric_register(&delivered);
    metric_register(&failed_attempts);
    metric_register(&given_up);
    metric_register(&dropped);
    notify->db = db;
    notify->outbound = outbound_new();
    notify->wake = ring_new(1);
    if (pthread_create(&notify->thread, NULL, run, notify) != 0) {
        ring_free(notify->wake);
        outbound_free(notify->outbound);
        db_free(db);
        free(notify);
        return fail(ERR_UNAVAILABLE, "thread_failed", "The delivery thread cannot be started.");
    }
    *ret_notify = notify;
    return OK;
}

void notify_wake(struct notify *notify)
{
    bool woken = ring_push(notify->wake, notify);

    (void)woken; /* a full ring means that it is awake already */
}

void notify_stop(struct notify *notify)
{
    if (!notify)
        return;
    atomic_store(&notify->stopping, true);
    ring_close(notify->wake);
    pthread_join(notify->thread, NULL);
    ring_free(notify->wake);
    outbound_free(notify->outbound);
    db_free(notify->db);
    free(notify);
}
