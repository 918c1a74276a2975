/* Rows of the table `rate_limit`; what is written holds from the commit on. */
#include "control/settings/rate_limits.h"

#include "shared/json.h"
#include "shared/json_merge.h"

#include "control/api/rates.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/write.h"
#include "control/journal/journal.h"
#include "control/journal/journal.sql.h"
#include "control/settings/settings.sql.h"
#include "control/store/tx.h"

#define WINDOW_S_DEFAULT 60

enum err rate_limits_load(struct db *db, struct rates *rates)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(db, &sql_rate_limits_load, NO_PARAMS, &rows));
    for (int row = 0; row < rows_count(rows); row++) {
        enum rate rate;
        enum rate_subject subject;

        if (!rate_find(row_text(rows, row, 0), &rate) ||
            !rate_subject_find(row_text(rows, row, 1), &subject))
            return fail(ERR_BUG, "rate_limit_unknown", "a rate limit of an unknown class");
        rates_configure(rates, rate, subject,
                        (struct rate_policy){.quota = row_int(rows, row, 2),
                                             .window_s = row_int(rows, row, 3),
                                             .version = row_int(rows, row, 4)});
    }
    return OK;
}

enum err rate_limits_installation(struct db *db, struct uuid *ret_installation)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query_one(db, &sql_settings_installation, NO_PARAMS, &rows));
    *ret_installation = row_uuid(rows, 0, 0);
    return OK;
}

static enum err update_rate_limit(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *before = NULL;
    AUTO(rows_free) struct rows *after = NULL;
    JSON_AUTO json_t *earlier = NULL;
    JSON_AUTO json_t *state = NULL;
    struct uuid id;

    TRY(request_uuid(request, "id", &id));
    TRY(write_begin(request, reply, &tx));
    TRY(tx_query_one(tx, &sql_rate_limit_lock, PARAMS(p_uuid(&id)), &before));
    TRY(reply_json_text(reply, row_text(before, 0, 0))); /* for who lost the race */
    TRY(request_match_version(request, row_int(before, 0, 1)));

    TRY(json_parse(row_text(before, 0, 0), &earlier));
    state = json_merge_patch(earlier, request->body);
    TRY(tx_execute(tx, &sql_rate_limit_update,
                   PARAMS(p_uuid(&id), p_int(json_integer_or(state, "quota", 0)),
                          p_int(json_integer_or(state, "window_s", WINDOW_S_DEFAULT))),
                   NULL));
    TRY(tx_query_one(tx, &sql_rate_limit_get, PARAMS(p_uuid(&id)), &after));
    TRY(journal_record(tx, JOURNAL_AUTHOR(request),
                       &(struct journal_entry){
                           .action = "update",
                           .kind = ENTITY_SETTINGS,
                           .entity_id = id,
                           .before = row_text(before, 0, 0).ptr,
                           .after = row_text(after, 0, 0).ptr,
                       },
                       1));
    reply_etag(reply, row_int(after, 0, 1));
    TRY(reply_json_text(reply, row_text(after, 0, 0)));
    TRY(write_commit(request, reply, TAKE(tx)));
    return write_is_dry_run(request) ? OK : rate_limits_load(request->db, request->context);
}

/* clang-format off */
const struct route rate_limit_routes[] = {
    READ   (       "/api/v1/rate-limits",      sql_rate_limits_page, "list_rate_limits",  SETTINGS_READ,  FREE, none,             200, rate_limit_page, "List the rate limits"),
    READ   (       "/api/v1/rate-limits/{id}", sql_rate_limit_get,   "get_rate_limit",    SETTINGS_READ,  FREE, none,             200, rate_limit,      "Get a rate limit"),
    WRITE  (PATCH, "/api/v1/rate-limits/{id}", update_rate_limit,    "update_rate_limit", SETTINGS_WRITE, FREE, rate_limit_patch, 200, rate_limit,      "Change a rate limit"),
    READ   (       "/api/v1/rate-limits/{id}/history", sql_change_page, "get_rate_limit_history", JOURNAL_READ, BROWSE, none,   200, change_page,     "What happened to a rate limit"),
    { 0 },
};
/* clang-format on */
