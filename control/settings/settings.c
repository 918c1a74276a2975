/* The one row of the table `settings`, and the two routes to it. */
#include "control/settings/settings.h"

#include "shared/json.h"
#include "shared/json_merge.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/write.h"
#include "control/journal/journal.h"
#include "control/settings/settings.sql.h"
#include "control/store/tx.h"

/* Writes the whole new state; what it does not name takes its default. */
static enum err write_settings(struct tx *tx, const json_t *state)
{
    const char *url = json_text(json_object_get(state, "webhook"), "url", NULL);
    const json_t *retention = json_object_get(state, "retention");

    struct uuid webhook_id = uuid_new();

    TRY(tx_execute(tx, &sql_settings_webhook_drop, PARAMS(p_text(url)), NULL));
    if (url)
        TRY(tx_execute(tx, &sql_settings_webhook_set, PARAMS(p_uuid(&webhook_id), p_text(url)),
                       NULL));
    return tx_execute(tx, &sql_settings_update,
                      PARAMS(p_int(json_integer_or(retention, "result_days", RESULT_DAYS_DEFAULT)),
                             p_int(json_integer_or(retention, "sample_days", SAMPLE_DAYS_DEFAULT)),
                             p_int(json_integer_or(retention, "event_days", EVENT_DAYS_DEFAULT)),
                             p_bool(json_is_true(json_object_get(retention, "hold")))),
                      NULL);
}

static enum err update_settings(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *locked = NULL;
    AUTO(rows_free) struct rows *before = NULL;
    AUTO(rows_free) struct rows *after = NULL;
    JSON_AUTO json_t *earlier = NULL;
    JSON_AUTO json_t *state = NULL;
    struct uuid id;

    TRY(write_begin(request, reply, &tx));
    TRY(tx_query_one(tx, &sql_settings_lock, NO_PARAMS, &locked));
    TRY(tx_query_one(tx, &sql_settings_get, NO_PARAMS, &before));
    TRY(reply_json_text(reply, row_text(before, 0, 0))); /* for who lost the race */
    TRY(request_match_version(request, row_int(before, 0, 1)));

    TRY(json_parse(row_text(before, 0, 0), &earlier));
    state = json_merge_patch(earlier, request->body);
    TRY(write_settings(tx, state));
    TRY(tx_query_one(tx, &sql_settings_get, NO_PARAMS, &after));

    id = row_uuid(locked, 0, 0);
    TRY(journal_record(tx, JOURNAL_AUTHOR(request),
                       &(struct journal_entry){
                           .id = reply_changed(reply, CHANGE_UPDATED, ENTITY_SETTINGS, &id),
                           .action = "update",
                           .kind = ENTITY_SETTINGS,
                           .entity_id = id,
                           .before = row_text(before, 0, 0).ptr,
                           .after = row_text(after, 0, 0).ptr,
                       },
                       1));
    reply_etag(reply, row_int(after, 0, 1));
    TRY(reply_json_text(reply, row_text(after, 0, 0)));
    return write_commit(request, reply, TAKE(tx));
}

/* clang-format off */
const struct route settings_routes[] = {
    READ   (       "/api/v1/settings", sql_settings_get, "get_settings",    SETTINGS_READ,  BROWSE, none,           200, settings, "Get the settings"),
    WRITE  (PATCH, "/api/v1/settings", update_settings,  "update_settings", SETTINGS_WRITE, CHANGE, settings_patch, 200, settings, "Change the settings"),
    READ   (       "/api/v1/settings/history", sql_settings_history, "get_settings_history", JOURNAL_READ, BROWSE, none, 200, change_page, "What happened to the settings"),
    { 0 },
};
/* clang-format on */
