/* Webhooks as people write them. What a webhook tells, its writer must be allowed to read. */
#include <stdio.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/json_merge.h"
#include "shared/mem.h"

#include "control/api/listing_filter.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/write.h"
#include "control/journal/journal.h"
#include "control/journal/journal.sql.h"
#include "control/notify/delivery.sql.h"
#include "control/notify/notify.h"
#include "control/notify/webhook.h"
#include "control/notify/webhook.sql.h"
#include "control/notify/webhook_events.h"
#include "control/store/tx.h"

#define EVENTS_MOST         50
#define CONCURRENCY_DEFAULT 4
#define OVERLAP_S_DEFAULT   86400
#define REPLAY_MOST         10000

/* clang-format off */
static const struct listing webhooks = {
    .name = "webhooks", .table = "webhook_base", .view = "webhook_item",
    .fields = (const struct listing_field[]){
        { "id",                   LISTING_UUID },
        { "organisation",         LISTING_UUID, "base.organisation_id" },
        { "name",                 LISTING_TEXT },
        { "description",          LISTING_TEXT },
        { "url",                  LISTING_TEXT },
        { "events",               LISTING_OTHER },
        { "filter",               LISTING_TEXT },
        { "enabled",              LISTING_BOOLEAN },
        { "disabled_reason",      LISTING_TEXT },
        { "disabled_at",          LISTING_TIME },
        { "concurrency",          LISTING_INTEGER },
        { "earlier_secret_until", LISTING_TIME },
        { "version",              LISTING_INTEGER },
        { "created_at",           LISTING_TIME },
        { "updated_at",           LISTING_TIME },
        { 0 },
    },
    .includes = (const struct listing_include[]){
        { .name = "status",
          .sql = "(SELECT json_build_object("
                 "'waiting', (SELECT count(*) FROM delivery WHERE webhook_id = item.id AND ended_at IS NULL),"
                 "'failing_since', rfc3339(failing_since), 'last_delivered_at', rfc3339(last_delivered_at),"
                 "'last_error', last_error, 'dropped', dropped)"
                 " FROM webhook_status WHERE webhook_id = item.id)",
          .version = "(SELECT version || '.' || (SELECT count(*) FROM delivery WHERE webhook_id = item.id AND ended_at IS NULL)"
                     " FROM webhook_status WHERE webhook_id = item.id)" },
        { 0 },
    },
};

/* clang-format on */

/* ---- what is right ---- */

static void check_events(const struct request *request, const json_t *events, json_t **errors)
{
    json_t *event;
    size_t i;

    json_array_foreach(events, i, event)
    {
        struct str pattern = str_of(json_string_value(event));
        permission_set missing =
            webhook_pattern_permissions(pattern) & ~request->principal.permissions;
        char pointer[32];

        snprintf(pointer, sizeof pointer, "/events/%zu", i);
        if (!webhook_pattern_is_known(pattern))
            json_add_error(errors, pointer, "unknown",
                           "There is no such event; GET /api/v1/webhook-events has them all.");
        else if (missing)
            json_add_error(errors, pointer, "denied",
                           "You may not read what it tells: you lack journal.read or health.read.");
    }
}

static enum err check_state(const struct request *request, const json_t *state, json_t **errors)
{
    const char *filter = json_text(state, "filter", NULL);

    check_events(request, json_object_get(state, "events"), errors);
    if (filter)
        listing_filter_check(&webhook_event_listing, str_of(filter), "/filter", errors);
    if (!*errors)
        return OK;
    return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", *errors);
}

/* The organisation that it belongs to: the caller's, else the one that is named. */
static enum err read_organisation(struct tx *tx, const struct request *request,
                                  struct uuid *ret_organisation)
{
    const char *named = json_text(request->body, "organisation", NULL);
    const struct uuid *own = &request->principal.organisation_id;
    AUTO(rows_free) struct rows *rows = NULL;
    json_t *errors = NULL;

    *ret_organisation = *own;
    if (!named)
        return OK;
    if (uuid_parse(str_of(named), ret_organisation) &&
        (uuid_is_nil(own) || uuid_equal(own, ret_organisation)))
        TRY(tx_query(tx, &sql_webhook_organisation, PARAMS(p_uuid(ret_organisation)), &rows));
    if (rows && rows_count(rows) > 0)
        return OK;
    json_add_error(&errors, "/organisation", "not_found", "There is no such organisation.");
    return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", errors);
}

/* ---- writing ---- */

/* A webhook and its secret as the journal has them. */
static enum err journal_text(struct tx *tx, const struct uuid *id, struct str object,
                             struct str secret, struct buf *out)
{
    JSON_AUTO json_t *json = NULL;
    uint8_t key[JOURNAL_KEY_BYTES];
    char hash[JOURNAL_SECRET_HASH_BYTES];

    TRY(json_parse(object, &json));
    TRY(journal_key(tx, key));
    journal_secret_hash(key, id, secret, hash);
    wipe(key, sizeof key);
    json_object_set_new(json, "secret", json_string(hash));
    json_write(json, out);
    buf_append_char(out, '\0');
    return OK;
}

/* A webhook as it is, locked. */
struct locked {
    struct uuid id;
    struct rows *rows;
};

static void locked_clear(struct locked *locked)
{
    rows_free(locked->rows);
}

static enum err lock(struct tx *tx, const struct request *request, struct locked *ret_locked)
{
    TRY(request_uuid(request, "id", &ret_locked->id));
    TRY(tx_query(tx, &sql_webhook_lock, PARAMS(p_uuid(&ret_locked->id)), &ret_locked->rows));
    if (rows_count(ret_locked->rows) == 0)
        return fail(ERR_NOT_FOUND, "not_found", "There is no webhook with this id.");
    return OK;
}

/* Records a change and makes the webhook as it is now the answer; `before` NULL for a new one. */
static enum err record(struct tx *tx, struct request *request, struct reply *reply,
                       const char *action, const struct uuid *id, const struct locked *before)
{
    CLEANUP(locked_clear) struct locked after = {.id = *id};
    CLEANUP(buf_clear_p) struct buf was = {0};
    CLEANUP(buf_clear_p) struct buf is = {0};
    struct journal_entry entry = {.action = action, .kind = ENTITY_WEBHOOK, .entity_id = *id};

    TRY(tx_query(tx, &sql_webhook_lock, PARAMS(p_uuid(id)), &after.rows));
    if (before) {
        TRY(journal_text(tx, id, row_text(before->rows, 0, 0), row_text(before->rows, 0, 3), &was));
        entry.before = was.data;
        entry.organisation_id = row_uuid(before->rows, 0, 2);
    }
    if (rows_count(after.rows) > 0) {
        TRY(journal_text(tx, id, row_text(after.rows, 0, 0), row_text(after.rows, 0, 3), &is));
        entry.after = is.data;
        entry.organisation_id = row_uuid(after.rows, 0, 2);
        reply_etag(reply, row_int(after.rows, 0, 1));
        TRY(reply_json_text(reply, row_text(after.rows, 0, 0)));
    }
    return journal_record(tx, JOURNAL_AUTHOR(request), &entry, 1);
}

static enum err commit(struct request *request, struct reply *reply, struct tx *tx)
{
    TRY(write_commit(request, reply, tx));
    if (!write_is_dry_run(request))
        notify_reload(request->context);
    return OK;
}

static struct param events_param(const json_t *state, struct str events[EVENTS_MOST])
{
    const json_t *list = json_object_get(state, "events");
    size_t count = MIN(json_array_size(list), (size_t)EVENTS_MOST);

    for (size_t i = 0; i < count; i++)
        events[i] = str_of(json_string_value(json_array_get(list, i)));
    return p_texts(events, count);
}

/* The secret that the caller gives, else a new one: with its prefix into `out`. */
static enum err choose_secret(const struct request *request, struct buf *out)
{
    const char *given = json_text(request->body, "secret", NULL);
    struct webhook_secret secret;
    json_t *errors = NULL;

    if (!given) {
        webhook_secret_make(out);
        return OK;
    }
    if (!webhook_secret_read(str_of(given), &secret)) {
        json_add_error(&errors, "/secret", "invalid",
                       "It must be \"whsec_\" and the base64 of 24 to 64 bytes.");
        return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", errors);
    }
    wipe(&secret, sizeof secret);
    if (strncmp(given, WEBHOOK_SECRET_PREFIX, strlen(WEBHOOK_SECRET_PREFIX)) != 0)
        buf_append_text(out, WEBHOOK_SECRET_PREFIX);
    buf_append_text(out, given);
    return OK;
}

/* As it is kept: without the prefix. */
static struct str bare(const struct buf *secret)
{
    return str_sub(buf_str(secret), strlen(WEBHOOK_SECRET_PREFIX), secret->len);
}

/* The answer shows the secret: this once. */
static enum err show_secret(struct reply *reply, const struct buf *secret)
{
    json_t *object = NULL;

    TRY(json_parse(buf_str(&reply->body), &object));
    json_object_set_new(object, "secret", json_stringn(secret->data, secret->len));
    return reply_json_take(reply, object);
}

static enum err check_count(struct tx *tx)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(tx_query_one(tx, &sql_webhook_count, NO_PARAMS, &rows));
    if (row_int(rows, 0, 0) < WEBHOOKS_MOST)
        return OK;
    return fail(ERR_CONFLICT, "webhooks_full", "There may be at most %d webhooks: delete some.",
                WEBHOOKS_MOST);
}

static enum err create_webhook(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(buf_clear_p) struct buf secret = {0};
    const json_t *body = request->body;
    struct str events[EVENTS_MOST];
    struct uuid id = uuid_new();
    struct uuid organisation;
    json_t *errors = NULL;
    char text[UUID_TEXT_BYTES];

    TRY(check_state(request, body, &errors));
    TRY(choose_secret(request, &secret));
    TRY(write_begin(request, reply, &tx));
    TRY(check_count(tx));
    TRY(read_organisation(tx, request, &organisation));
    TRY(tx_execute(
        tx, &sql_webhook_insert,
        PARAMS(
            p_uuid(&id), p_uuid(uuid_is_nil(&organisation) ? NULL : &organisation),
            p_text(json_text(body, "name", NULL)), p_text(json_text(body, "description", NULL)),
            p_text(json_text(body, "url", NULL)), events_param(body, events),
            p_text(json_text(body, "filter", NULL)), p_bool(json_boolean_or(body, "enabled", true)),
            p_int(json_integer_or(body, "concurrency", CONCURRENCY_DEFAULT)), p_str(bare(&secret))),
        NULL));
    TRY(record(tx, request, reply, "create", &id, NULL));
    TRY(show_secret(reply, &secret));
    wipe(secret.data, secret.len);
    reply_header(reply, "Location", "/api/v1/webhooks/%s", uuid_format(&id, text));
    return commit(request, reply, TAKE(tx));
}

static enum err update_webhook(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(locked_clear) struct locked before = {0};
    JSON_AUTO json_t *earlier = NULL;
    JSON_AUTO json_t *state = NULL;
    struct str events[EVENTS_MOST];
    json_t *errors = NULL;
    bool enabled;

    TRY(write_begin(request, reply, &tx));
    TRY(lock(tx, request, &before));
    TRY(reply_json_text(reply, row_text(before.rows, 0, 0))); /* for who lost the race */
    TRY(request_match_version(request, row_int(before.rows, 0, 1)));

    TRY(json_parse(row_text(before.rows, 0, 0), &earlier));
    state = json_merge_patch(earlier, request->body);
    TRY(check_state(request, state, &errors));
    enabled = json_boolean_or(state, "enabled", true);
    TRY(tx_execute(tx, &sql_webhook_update,
                   PARAMS(p_uuid(&before.id), p_text(json_text(state, "name", NULL)),
                          p_text(json_text(state, "description", NULL)),
                          p_text(json_text(state, "url", NULL)), events_param(state, events),
                          p_text(json_text(state, "filter", NULL)), p_bool(enabled),
                          p_int(json_integer_or(state, "concurrency", CONCURRENCY_DEFAULT))),
                   NULL));
    if (!enabled)
        TRY(tx_execute(tx, &sql_webhook_drop_waiting, PARAMS(p_uuid(&before.id)), NULL));
    TRY(record(tx, request, reply, "update", &before.id, &before));
    return commit(request, reply, TAKE(tx));
}

static enum err delete_webhook(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(locked_clear) struct locked before = {0};

    TRY(write_begin(request, reply, &tx));
    TRY(lock(tx, request, &before));
    TRY(request_match_version(request, row_int(before.rows, 0, 1)));
    TRY(tx_execute(tx, &sql_webhook_delete, PARAMS(p_uuid(&before.id)), NULL));
    TRY(tx_execute(tx, &sql_webhook_drop_waiting, PARAMS(p_uuid(&before.id)), NULL));
    TRY(record(tx, request, reply, "delete", &before.id, &before));
    return commit(request, reply, TAKE(tx));
}

static enum err restore_webhook(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid id;

    TRY(request_uuid(request, "id", &id));
    TRY(write_begin(request, reply, &tx));
    TRY(check_count(tx));
    TRY(tx_query(tx, &sql_webhook_restore, PARAMS(p_uuid(&id)), &rows));
    if (rows_count(rows) == 0)
        return fail(ERR_NOT_FOUND, "not_found", "There is no deleted webhook with this id.");
    TRY(record(tx, request, reply, "restore", &id, NULL));
    return commit(request, reply, TAKE(tx));
}

static enum err rotate_webhook_secret(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(locked_clear) struct locked before = {0};
    CLEANUP(buf_clear_p) struct buf secret = {0};

    TRY(choose_secret(request, &secret));
    TRY(write_begin(request, reply, &tx));
    TRY(lock(tx, request, &before));
    TRY(request_match_version(request, row_int(before.rows, 0, 1)));
    TRY(tx_execute(tx, &sql_webhook_rotate,
                   PARAMS(p_uuid(&before.id), p_str(bare(&secret)),
                          p_int(json_integer_or(request->body, "overlap_s", OVERLAP_S_DEFAULT))),
                   NULL));
    TRY(record(tx, request, reply, "rotate", &before.id, &before));
    TRY(show_secret(reply, &secret));
    wipe(secret.data, secret.len);
    return commit(request, reply, TAKE(tx));
}

/* ---- sending ---- */

static enum err webhook_is_off(void)
{
    return fail(ERR_CONFLICT, "webhook_off", "The webhook is switched off: switch it on first.");
}

static enum err test_webhook(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *rows = NULL;
    CLEANUP(locked_clear) struct locked webhook = {0};
    struct uuid id = uuid_new();
    uint64_t made;
    char text[UUID_TEXT_BYTES];

    TRY(write_begin(request, reply, &tx));
    TRY(lock(tx, request, &webhook));
    TRY(tx_execute(tx, &sql_delivery_test, PARAMS(p_uuid(&id), p_uuid(&webhook.id)), &made));
    if (made == 0)
        return webhook_is_off();
    TRY(tx_query_one(tx, &sql_delivery_get, PARAMS(p_uuid(&id)), &rows));
    TRY(reply_json_text(reply, row_text(rows, 0, 0)));
    reply_header(reply, "Location", "/api/v1/webhook-deliveries/%s", uuid_format(&id, text));
    return commit(request, reply, TAKE(tx));
}

static enum err too_many_events(void)
{
    json_t *errors = NULL;

    json_add_error(&errors, "/until", "too_many",
                   "More than %d events: replay a shorter time first.", REPLAY_MOST);
    return fail_fields(ERR_INVALID, "body_invalid", "The time has too many events.", errors);
}

/* Events that have no delivery, of both streams. */
static enum err deliver_missing(struct tx *tx, const struct webhook *webhook,
                                struct event_range range, int64_t *ret_made)
{
    *ret_made = 0;
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        int64_t found;
        int64_t made;

        range.stream = (enum event_stream)stream;
        TRY(webhook_deliver_events(tx, webhook, &range, &found, &made));
        if (found > REPLAY_MOST)
            return too_many_events();
        *ret_made += made;
    }
    return OK;
}

static enum err read_range(const json_t *body, struct event_range *range)
{
    json_t *errors = NULL;

    *range = (struct event_range){.last = INT64_MAX, .most = REPLAY_MOST + 1};
    if (!timestamp_parse(str_of(json_text(body, "from", "")), &range->from_ms) ||
        !timestamp_parse(str_of(json_text(body, "until", "")), &range->until_ms))
        return fail(ERR_BUG, "range_unchecked", "The schema lets odd times through.");
    if (range->until_ms > range->from_ms)
        return OK;
    json_add_error(&errors, "/until", "not_after_start", "It must be after from.");
    return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", errors);
}

static enum err replay_webhook(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(locked_clear) struct locked locked = {0};
    CLEANUP(webhook_clear) struct webhook webhook = {0};
    bool all = strcmp(json_text(request->body, "what", "undelivered"), "all") == 0;
    struct event_range range;
    uint64_t repeated;
    int64_t made;
    enum err err;

    TRY(read_range(request->body, &range));
    TRY(write_begin(request, reply, &tx));
    TRY(lock(tx, request, &locked));
    err = webhook_load(tx, &locked.id, &webhook);
    if (err == ERR_NOT_FOUND)
        return webhook_is_off();
    TRY(err);
    TRY(tx_execute(tx, &sql_delivery_repeat_range,
                   PARAMS(p_uuid(&webhook.id), p_ms(range.from_ms), p_ms(range.until_ms),
                          p_bool(all), p_int(REPLAY_MOST + 1)),
                   &repeated));
    if (repeated > REPLAY_MOST)
        return too_many_events();
    TRY(deliver_missing(tx, &webhook, range, &made));
    TRY(record(tx, request, reply, "replay", &webhook.id, &locked));
    TRY(reply_json_take(reply, json_pack("{s:I, s:I}", "repeated", (json_int_t)repeated, "made",
                                         (json_int_t)made)));
    return commit(request, reply, TAKE(tx));
}

static enum err list_webhook_events(const struct request *request, struct reply *reply)
{
    (void)request;
    return reply_json_take(reply, json_pack("{s:o}", "items", webhook_event_types()));
}

/* clang-format off */
const struct route webhook_routes[] = {
    LIST   (       "/api/v1/webhooks",                    webhooks,              "list_webhooks",         WEBHOOK_READ, webhook_page, "List webhooks", "include"),
    OBJECT (       "/api/v1/webhooks/{id}",               webhooks,              "get_webhook",           WEBHOOK_READ, webhook,      "Get a webhook", "include"),
    WRITE  (POST,  "/api/v1/webhooks",                    create_webhook,        "create_webhook",        WEBHOOK_WRITE, CHANGE, webhook_new,    201, webhook_secret,   "Create a webhook"),
    WRITE  (PATCH, "/api/v1/webhooks/{id}",               update_webhook,        "update_webhook",        WEBHOOK_WRITE, CHANGE, webhook_patch,  200, webhook,          "Change a webhook"),
    WRITE  (DELETE, "/api/v1/webhooks/{id}",              delete_webhook,        "delete_webhook",        WEBHOOK_WRITE, CHANGE, none,           204, none,             "Delete a webhook"),
    WRITE  (POST,  "/api/v1/webhooks/{id}/restore",       restore_webhook,       "restore_webhook",       WEBHOOK_WRITE, CHANGE, none,           200, webhook,          "Take the deletion of a webhook back"),
    WRITE  (POST,  "/api/v1/webhooks/{id}/rotate-secret", rotate_webhook_secret, "rotate_webhook_secret", WEBHOOK_WRITE, CHANGE, webhook_rotate, 200, webhook_secret,   "Give a webhook a new secret"),
    WRITE  (POST,  "/api/v1/webhooks/{id}/test",          test_webhook,          "test_webhook",          WEBHOOK_WRITE, CHANGE, none,           202, webhook_delivery, "Send a test event"),
    WRITE  (POST,  "/api/v1/webhooks/{id}/replay",        replay_webhook,        "replay_webhook",        WEBHOOK_WRITE, EXPENSIVE, webhook_replay, 202, webhook_replayed, "Send the events of a time again"),
    READ   (       "/api/v1/webhooks/{id}/history",       sql_change_page,       "get_webhook_history",   JOURNAL_READ, BROWSE, none,            200, change_page,      "What happened to a webhook"),
    MEMORY (GET,   "/api/v1/webhook-events",              list_webhook_events,   "list_webhook_events",   WEBHOOK_READ, BROWSE, none,            200, webhook_events,   "List the events that webhooks can hear of"),
    { 0 },
};
/* clang-format on */
