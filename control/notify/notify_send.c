/* One transaction claims what is to be sent, one notes all replies of a wait. */
#include "control/notify/notify_send.h"

#include <stdio.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"

#include "control/journal/journal.h"
#include "control/notify/delivery.sql.h"
#include "control/notify/notify_rules.h"
#include "control/notify/outbound.h"
#include "control/notify/webhook.sql.h"
#include "control/store/tx.h"

#define UNDER_WAY_MOST  64
#define SEND_TIMEOUT_MS 15000
#define LEASE_S         30 /* beyond the time of a request, and of noting its reply */
#define REPLY_NOTED     1024

static struct metric delivered =
    METRIC_COUNTER("em_notify_delivered_total", "Webhook deliveries that arrived");
static struct metric failed_attempts =
    METRIC_COUNTER("em_notify_failed_attempts_total", "Attempts to deliver a webhook that failed");
static struct metric given_up =
    METRIC_COUNTER("em_notify_given_up_total", "Webhook deliveries that were given up");
static struct metric switched_off = METRIC_COUNTER(
    "em_notify_switched_off_total", "Webhooks that were switched off because nobody takes them");

/* What is known of the other end of a webhook. */
struct receiver {
    struct uuid webhook_id;
    int under_way;
    int64_t pause_ms; /* 0: the last attempt went well */
    int64_t paused_until_us;
};

/* A delivery on its way, and what came of it. */
struct sending {
    struct uuid id;
    struct uuid webhook_id;
    struct buf payload;
    int number; /* of the attempt, from 1 */
    int step;
    bool is_due;
    int64_t created_at_ms;
    int64_t sent_at_ms;
    struct outbound_result result;
    struct buf reply;
    struct delivery_decision decision;
    bool receiver_is_back;
};

typedef VEC(struct sending *) sending_list;

struct sender {
    struct db *db;
    struct outbound *outbound;
    webhook_list webhooks;
    VEC(struct receiver) receivers; /* of the webhooks, in their order */
    sending_list under_way;
    size_t next; /* the webhook whose turn it is to have room */
};

static void sending_free(struct sending *sending)
{
    buf_clear(&sending->payload);
    buf_clear(&sending->reply);
    free(sending);
}

static void sending_list_clear(sending_list *sendings)
{
    for (size_t i = 0; i < sendings->len; i++)
        sending_free(sendings->items[i]);
    vec_clear(sendings);
}

struct sender *sender_new(struct db *db, const struct addr_networks *networks)
{
    struct sender *sender = NEW(struct sender);

    metric_register(&delivered);
    metric_register(&failed_attempts);
    metric_register(&given_up);
    metric_register(&switched_off);
    sender->db = db;
    sender->outbound = outbound_new(networks);
    return sender;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    outbound_free(sender->outbound);
    sending_list_clear(&sender->under_way);
    webhook_list_clear(&sender->webhooks);
    vec_clear(&sender->receivers);
    free(sender);
}

const webhook_list *sender_webhooks(const struct sender *sender)
{
    return &sender->webhooks;
}

void sender_wake(struct sender *sender)
{
    outbound_wake(sender->outbound);
}

size_t sender_under_way(const struct sender *sender)
{
    return sender->under_way.len;
}

static struct receiver *find_receiver(struct sender *sender, const struct uuid *webhook_id)
{
    for (size_t i = 0; i < sender->receivers.len; i++) {
        if (uuid_equal(&sender->receivers.items[i].webhook_id, webhook_id))
            return &sender->receivers.items[i];
    }
    return NULL;
}

static const struct webhook *find_webhook(const struct sender *sender, const struct uuid *id)
{
    for (size_t i = 0; i < sender->webhooks.len; i++) {
        if (uuid_equal(&sender->webhooks.items[i].id, id))
            return &sender->webhooks.items[i];
    }
    return NULL;
}

void sender_take_webhooks(struct sender *sender, webhook_list *webhooks)
{
    VEC(struct receiver) receivers = {0};

    for (size_t i = 0; i < webhooks->len; i++) {
        const struct webhook *webhook = &webhooks->items[i];
        const struct webhook *earlier = find_webhook(sender, &webhook->id);
        const struct receiver *known = find_receiver(sender, &webhook->id);
        struct receiver receiver = {.webhook_id = webhook->id};

        if (known)
            receiver = *known;
        if (earlier && strcmp(earlier->url, webhook->url) != 0)
            receiver.pause_ms = receiver.paused_until_us = 0; /* it is somebody else */
        vec_push(&receivers, receiver);
    }
    webhook_list_clear(&sender->webhooks);
    sender->webhooks = *webhooks;
    *webhooks = (webhook_list){0};
    vec_clear(&sender->receivers);
    sender->receivers.items = receivers.items;
    sender->receivers.len = receivers.len;
    sender->receivers.capacity = receivers.capacity;
}

/* ---- claiming ---- */

/* How many more deliveries the receiver may have under way now. */
static int room_of(const struct webhook *webhook, const struct receiver *receiver, int64_t now_us)
{
    if (receiver->pause_ms == 0)
        return MAX(webhook->concurrency - receiver->under_way, 0);
    return now_us >= receiver->paused_until_us && receiver->under_way == 0;
}

static void send_one(struct sender *sender, const struct webhook *webhook, struct sending *sending)
{
    CLEANUP(buf_clear_p) struct buf signatures = {0};
    char id[UUID_TEXT_BYTES];
    char id_header[64];
    char time_header[64];
    const char *headers[] = {"content-type: application/json", id_header, time_header, NULL, NULL};

    sending->sent_at_ms = clock_wall_ms();
    snprintf(id_header, sizeof id_header, "webhook-id: %s", uuid_format(&sending->id, id));
    snprintf(time_header, sizeof time_header, "webhook-timestamp: %lld",
             (long long)(sending->sent_at_ms / 1000));
    buf_append_text(&signatures, "webhook-signature: ");
    webhook_append_signatures(webhook, str_of(id), sending->sent_at_ms, buf_str(&sending->payload),
                              &signatures);
    buf_append_char(&signatures, '\0');
    headers[3] = signatures.data;
    outbound_start(sender->outbound, &(struct outbound_request){
                                         .context = sending,
                                         .url = webhook->url,
                                         .headers = headers,
                                         .body = buf_str(&sending->payload),
                                         .timeout_ms = SEND_TIMEOUT_MS,
                                     });
}

static void start_claimed(struct sender *sender, const struct rows *rows)
{
    for (int row = 0; row < rows_count(rows); row++) {
        struct sending *sending = NEW(struct sending);
        const struct webhook *webhook;

        sending->id = row_uuid(rows, row, 0);
        sending->webhook_id = row_uuid(rows, row, 1);
        buf_append_str(&sending->payload, row_text(rows, row, 2));
        sending->number = (int)row_int(rows, row, 3);
        sending->step = (int)row_int(rows, row, 4);
        sending->is_due = row_bool(rows, row, 5);
        sending->created_at_ms = row_ms(rows, row, 6);
        webhook = find_webhook(sender, &sending->webhook_id);
        find_receiver(sender, &sending->webhook_id)->under_way++;
        vec_push(&sender->under_way, sending);
        send_one(sender, webhook, sending);
    }
}

enum err sender_claim(struct sender *sender)
{
    size_t count = sender->webhooks.len;
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(xfree) struct uuid *ids = xcalloc(count, sizeof *ids);
    AUTO(xfree) int64_t *places = xcalloc(count, sizeof *places);
    AUTO(xfree) bool *hurries = xcalloc(count, sizeof *hurries);
    int64_t left = UNDER_WAY_MOST - (int64_t)sender->under_way.len;
    int64_t now_us = clock_monotonic_us();
    size_t asked = 0;

    for (size_t i = 0; i < count && left > 0; i++) {
        size_t at = (sender->next + i) % count;
        const struct receiver *receiver = &sender->receivers.items[at];
        int64_t room = MIN(room_of(&sender->webhooks.items[at], receiver, now_us), left);

        if (room == 0)
            continue;
        ids[asked] = receiver->webhook_id;
        places[asked] = room;
        hurries[asked] = receiver->pause_ms > 0;
        asked++;
        left -= room;
    }
    sender->next++;
    if (asked == 0)
        return OK;
    TRY(db_query(
        sender->db, &sql_delivery_claim,
        PARAMS(p_uuids(ids, asked), p_ints(places, asked), p_bools(hurries, asked), p_int(LEASE_S)),
        &rows));
    start_claimed(sender, rows);
    return OK;
}

enum err sender_release(struct sender *sender)
{
    size_t count = sender->under_way.len;
    AUTO(xfree) struct uuid *ids = xcalloc(count, sizeof *ids);

    for (size_t i = 0; i < count; i++)
        ids[i] = sender->under_way.items[i]->id;
    return count == 0
               ? OK
               : db_execute(sender->db, &sql_delivery_release, PARAMS(p_uuids(ids, count)), NULL);
}

/* ---- replies ---- */

/* What was under way together fails together: that is one failure. */
static void leave_alone(struct receiver *receiver, const struct sending *sending)
{
    int64_t now_us = clock_monotonic_us();

    if (now_us < receiver->paused_until_us)
        return;
    if (receiver->pause_ms == 0)
        log_warning("notify.receiver_failed", "webhook_status=%d error=\"%s\"",
                    sending->result.status, sending->result.error);
    receiver->pause_ms = receiver_pause_ms(receiver->pause_ms, sending->result.retry_after_s);
    receiver->paused_until_us = now_us + receiver->pause_ms * 1000;
}

/* What follows for the receiver; it may be gone in the meantime. */
static void note_receiver(struct sender *sender, struct sending *sending)
{
    struct receiver *receiver = find_receiver(sender, &sending->webhook_id);

    if (!receiver)
        return;
    receiver->under_way = MAX(receiver->under_way - 1, 0); /* it may have been off meanwhile */
    if (sending->decision.next != DELIVERY_DONE) {
        leave_alone(receiver, sending);
        return;
    }
    sending->receiver_is_back = receiver->pause_ms > 0;
    receiver->pause_ms = 0;
    receiver->paused_until_us = 0;
}

static void decide(struct sending *sending)
{
    struct outbound_result *result = &sending->result;

    if (result->status != 0 && (result->status < 200 || result->status > 299))
        snprintf(result->error, sizeof result->error, "The receiver answered %d%s.", result->status,
                 result->status >= 300 && result->status <= 399 ? ", and redirects are not followed"
                                                                : "");
    sending->decision = delivery_decide(&(struct delivery_attempt){
        .step = sending->step,
        .is_due = sending->is_due,
        .status = result->status,
        .retry_after_s = result->retry_after_s,
        .random = random_number(),
    });
}

static void take_results(struct sender *sender, sending_list *ret_ended)
{
    struct outbound_result result;

    while (outbound_take(sender->outbound, &result)) {
        struct sending *sending = result.context;

        for (size_t i = 0; i < sender->under_way.len; i++) {
            if (sender->under_way.items[i] == sending)
                vec_remove_swap(&sender->under_way, i);
        }
        vec_push(ret_ended, sending);
        sending->result = result;
        buf_append_str(&sending->reply, result.reply);
        decide(sending);
        note_receiver(sender, sending);
    }
}

/* ---- noting them ---- */

/* The beginning of a reply as PostgreSQL can hold it: anything may have come. */
static struct param reply_param(struct sending *sending)
{
    struct buf *reply = &sending->reply;

    if (sending->result.status == 0)
        return p_null();
    for (size_t i = 0; i < reply->len; i++) {
        if (reply->data[i] == '\0')
            reply->data[i] = ' ';
    }
    reply->len = MIN(reply->len, (size_t)REPLY_NOTED);
    while (reply->len > 0 && !str_is_utf8(buf_str(reply)))
        reply->len--;
    return p_str(reply->data ? buf_str(reply) : STR(""));
}

static enum err note_attempt(struct tx *tx, struct sending *sending, struct param status,
                             struct param error)
{
    return tx_execute(tx, &sql_delivery_attempted,
                      PARAMS(p_uuid(&sending->id), p_int(sending->number),
                             p_ms(sending->sent_at_ms), p_int(sending->result.duration_ms), status,
                             error, reply_param(sending)),
                      NULL);
}

static enum err note_success(struct tx *tx, const struct sending *sending)
{
    metric_add(&delivered, 1);
    TRY(tx_execute(tx, &sql_webhook_succeeded, PARAMS(p_uuid(&sending->webhook_id)), NULL));
    if (sending->receiver_is_back)
        TRY(tx_execute(tx, &sql_delivery_hurry, PARAMS(p_uuid(&sending->webhook_id)), NULL));
    return OK;
}

/* @param ret_gone whether nobody takes anything any more: nothing arrived while this was tried. */
static enum err note_failure(struct tx *tx, const struct sending *sending, bool *ret_gone)
{
    AUTO(rows_free) struct rows *rows = NULL;

    metric_add(&failed_attempts, 1);
    TRY(tx_query(tx, &sql_webhook_failed,
                 PARAMS(p_uuid(&sending->webhook_id), p_text(sending->result.error)), &rows));
    *ret_gone = sending->decision.next == DELIVERY_GONE ||
                (sending->decision.next == DELIVERY_GIVE_UP && rows_count(rows) > 0 &&
                 row_ms(rows, 0, 0) <= sending->created_at_ms + SEND_TIMEOUT_MS);
    return OK;
}

static enum err note(struct tx *tx, struct sending *sending, bool *ret_gone)
{
    const struct delivery_decision *decision = &sending->decision;
    bool is_done = decision->next == DELIVERY_DONE;
    struct param status = p_int(sending->result.status ? sending->result.status : INTEGER_NULL);
    struct param error = p_text(is_done ? NULL : sending->result.error);

    *ret_gone = false;
    TRY(note_attempt(tx, sending, status, error));
    if (is_done)
        TRY(note_success(tx, sending));
    else
        TRY(note_failure(tx, sending, ret_gone));
    if (decision->next == DELIVERY_RETRY)
        return tx_execute(tx, &sql_delivery_postpone,
                          PARAMS(p_uuid(&sending->id), p_int(decision->step),
                                 p_int(decision->keeps_time ? INTEGER_NULL : decision->delay_ms),
                                 status, error),
                          NULL);
    metric_add(&given_up, !is_done);
    return tx_execute(tx, &sql_delivery_end,
                      PARAMS(p_uuid(&sending->id), p_bool(is_done), status, error), NULL);
}

/* Nobody takes it any more: it is switched off, and the journal says so. */
static enum err switch_off(struct tx *tx, const struct sending *sending)
{
    const char *reason = sending->decision.next == DELIVERY_GONE ? "gone" : "failing";
    AUTO(rows_free) struct rows *before = NULL;
    AUTO(rows_free) struct rows *off = NULL;
    AUTO(rows_free) struct rows *after = NULL;

    TRY(tx_query(tx, &sql_webhook_get, PARAMS(p_uuid(&sending->webhook_id)), &before));
    TRY(tx_query(tx, &sql_webhook_switch_off, PARAMS(p_uuid(&sending->webhook_id), p_text(reason)),
                 &off));
    if (rows_count(off) == 0)
        return OK;
    TRY(tx_execute(tx, &sql_webhook_drop_waiting, PARAMS(p_uuid(&sending->webhook_id)), NULL));
    TRY(tx_query_one(tx, &sql_webhook_get, PARAMS(p_uuid(&sending->webhook_id)), &after));
    metric_add(&switched_off, 1);
    log_warning("notify.webhook_switched_off", "reason=%s error=\"%s\"", reason,
                sending->result.error);
    return journal_record(tx, (struct journal_author){.name = "environment-manager"},
                          &(struct journal_entry){
                              .action = "disable",
                              .kind = ENTITY_WEBHOOK,
                              .entity_id = sending->webhook_id,
                              .organisation_id = row_uuid(off, 0, 0),
                              .before = row_text(before, 0, 0).ptr,
                              .after = row_text(after, 0, 0).ptr,
                              .reason = sending->result.error,
                          },
                          1);
}

static enum err note_all(struct sender *sender, const sending_list *ended, bool *ret_switched_off)
{
    AUTO(tx_rollback) struct tx *tx = NULL;

    TRY(tx_begin(sender->db, &tx));
    for (size_t i = 0; i < ended->len; i++) {
        bool is_gone;

        TRY(note(tx, ended->items[i], &is_gone));
        if (is_gone)
            TRY(switch_off(tx, ended->items[i]));
        *ret_switched_off |= is_gone;
    }
    return tx_commit(TAKE(tx));
}

enum err sender_wait(struct sender *sender, int64_t timeout_ms, bool *ret_switched_off)
{
    CLEANUP(sending_list_clear) sending_list ended = {0};

    *ret_switched_off = false;
    outbound_wait(sender->outbound, timeout_ms);
    take_results(sender, &ended);
    return ended.len > 0 ? note_all(sender, &ended, ret_switched_off) : OK;
}
