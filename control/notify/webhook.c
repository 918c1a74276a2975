/* Rows of the table `webhook`; and the one statement that turns events into deliveries, which takes
 * in the webhook's own filter. */
#include "control/notify/webhook.h"

#include "shared/attrs.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "control/api/listing_filter.h"
#include "control/notify/webhook.sql.h"
#include "control/notify/webhook_events.h"
#include "control/store/tx.h"

#define FIXED_PARAMETERS 9
#define PARAMETERS_MAX   64

const char *const event_stream_words[STREAM_COUNT] = {
    [STREAM_CHANGE] = "change",
    [STREAM_STATUS] = "status",
    [STREAM_HEAD] = "head",
};

void webhook_clear(struct webhook *webhook)
{
    for (size_t i = 0; i < webhook->patterns.len; i++)
        free(webhook->patterns.items[i]);
    vec_clear(&webhook->patterns);
    listing_query_clear(&webhook->filter);
    free(webhook->url);
    wipe(webhook, sizeof *webhook);
}

void webhook_list_clear(webhook_list *webhooks)
{
    for (size_t i = 0; i < webhooks->len; i++)
        webhook_clear(&webhooks->items[i]);
    vec_clear(webhooks);
}

static void read_patterns(struct str json, struct webhook *webhook)
{
    JSON_AUTO json_t *events = NULL;
    json_t *event;
    size_t i;

    if (json_parse(json, &events) != OK)
        failure_clear(); /* it is PostgreSQL's own */
    json_array_foreach(events, i, event)
    {
        struct buf pattern = {0};

        webhook_pattern_append_like(&pattern, str_of(json_string_value(event)));
        vec_push(&webhook->patterns, buf_take_text(&pattern));
    }
}

static struct webhook webhook_from_row(const struct rows *rows, int row)
{
    struct webhook webhook = {
        .id = row_uuid(rows, row, 0),
        .organisation_id = row_uuid(rows, row, 1),
        .url = str_dup(row_text(rows, row, 2)),
        .earlier_secret_until_ms = row_ms(rows, row, 7),
        .concurrency = (int)row_int(rows, row, 8),
        .listens_since_ms = row_ms(rows, row, 9),
    };

    read_patterns(row_text(rows, row, 3), &webhook);
    listing_filter_compile(&webhook_event_listing, row_text(rows, row, 4), FIXED_PARAMETERS,
                           &webhook.filter);
    if (!webhook_secret_read(row_text(rows, row, 5), &webhook.secret) ||
        !webhook_secret_read(row_text(rows, row, 6), &webhook.earlier_secret))
        webhook.earlier_secret_until_ms = MS_NULL;
    return webhook;
}

enum err webhooks_load(struct db *db, webhook_list *ret_webhooks)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(db, &sql_webhooks_load, PARAMS(p_int(WEBHOOKS_MOST)), &rows));
    for (int row = 0; row < rows_count(rows); row++)
        vec_push(ret_webhooks, webhook_from_row(rows, row));
    return OK;
}

enum err webhook_load(struct tx *tx, const struct uuid *id, struct webhook *ret_webhook)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(tx_query_one(tx, &sql_webhook_load, PARAMS(p_uuid(id)), &rows));
    *ret_webhook = webhook_from_row(rows, 0);
    return OK;
}

void webhook_append_signatures(const struct webhook *webhook, struct str id, int64_t now_ms,
                               struct str body, struct buf *out)
{
    webhook_sign(&webhook->secret, id, now_ms / 1000, body, out);
    if (webhook->earlier_secret_until_ms == MS_NULL || webhook->earlier_secret_until_ms <= now_ms)
        return;
    buf_append_char(out, ' ');
    webhook_sign(&webhook->earlier_secret, id, now_ms / 1000, body, out);
}

/* ---- events ---- */

static void write_statement(struct buf *out, enum event_stream stream,
                            const struct webhook *webhook)
{
    static const char *const views[STREAM_COUNT] = {
        [STREAM_CHANGE] = "change_event",
        [STREAM_STATUS] = "status_event_told",
        [STREAM_HEAD] = "journal_head_event",
    };

    buf_printf(
        out,
        "WITH found AS ("
        " SELECT base.stream, base.position, base.type, base.at, base.data FROM %s base"
        "  WHERE base.position > $2::bigint AND base.position <= $3::bigint"
        "    AND base.at >= $4::timestamptz"
        "    AND ($5::timestamptz IS NULL OR base.at < $5::timestamptz)"
        "    AND base.type LIKE ANY ($6::text[])"
        "    AND ($7::uuid IS NULL OR base.organisation = $7::uuid)" STR_FMT
        "  ORDER BY base.position LIMIT $8::bigint"
        "), room AS ("
        " SELECT greatest($9::bigint - count(*), 0) AS places FROM delivery"
        "  WHERE webhook_id = $1::uuid AND ended_at IS NULL"
        "), made AS ("
        " INSERT INTO delivery (id, webhook_id, stream, position, type, happened_at, payload)"
        " SELECT gen_random_uuid(), $1::uuid, stream, position, type, at,"
        "        json_build_object('type', type, 'timestamp', rfc3339(at), 'stream', stream,"
        "                          'position', position, 'data', data)::text"
        "   FROM found ORDER BY position LIMIT (SELECT places FROM room)"
        " ON CONFLICT (webhook_id, stream, position) DO NOTHING RETURNING 1"
        ") SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM made)",
        views[stream], STR_ARG(buf_str(&webhook->filter.text)));
}

enum err webhook_deliver_events(struct tx *tx, const struct webhook *webhook,
                                const struct event_range *range, int64_t *ret_found,
                                int64_t *ret_made)
{
    bool is_limited = !uuid_is_nil(&webhook->organisation_id);
    CLEANUP(buf_clear_p) struct buf text = {0};
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(xfree) struct str *patterns = xcalloc(webhook->patterns.len, sizeof *patterns);
    size_t count = FIXED_PARAMETERS + webhook->filter.ends.len;
    struct param params[PARAMETERS_MAX] = {
        p_uuid(&webhook->id),
        p_int(range->after),
        p_int(range->last),
        p_ms(range->from_ms),
        p_ms(range->until_ms),
        p_texts(patterns, webhook->patterns.len),
        p_uuid(is_limited ? &webhook->organisation_id : NULL),
        p_int(range->most),
        p_int(WEBHOOK_WAITING_MOST),
    };

    if (count > PARAMETERS_MAX)
        return fail(ERR_BUG, "filter_too_long", "a filter has %zu parameters", count);
    for (size_t i = 0; i < webhook->patterns.len; i++)
        patterns[i] = str_of(webhook->patterns.items[i]);
    for (size_t i = FIXED_PARAMETERS; i < count; i++)
        params[i] = p_str(webhook->filter.values[i - FIXED_PARAMETERS]);
    write_statement(&text, range->stream, webhook);
    buf_append_char(&text, '\0');
    TRY(db_query_text(tx_db(tx), "webhook_deliver_events", text.data,
                      (struct params){params, count}, &rows));
    *ret_found = row_int(rows, 0, 0);
    *ret_made = row_int(rows, 0, 1);
    return OK;
}
