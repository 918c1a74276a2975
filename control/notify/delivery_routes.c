/* The log of what was sent, and sending one of it again. */
#include "shared/json.h"

#include "control/api/listing.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/write.h"
#include "control/journal/journal.h"
#include "control/notify/delivery.sql.h"
#include "control/notify/notify.h"
#include "control/notify/webhook.sql.h"
#include "control/store/tx.h"

/* clang-format off */
static const struct listing deliveries = { "webhook_deliveries", "delivery_base", "delivery_item", (const struct listing_field[]){
    { "id",          LISTING_UUID },
    { "webhook",     LISTING_UUID, "base.webhook_id" },
    { "type",        LISTING_TEXT },
    { "stream",      LISTING_TEXT },
    { "position",    LISTING_INTEGER },
    { "state",       LISTING_TEXT },
    { "happened_at", LISTING_TIME },
    { "created_at",  LISTING_TIME },
    { "attempts",    LISTING_INTEGER },
    { "due_at",      LISTING_TIME },
    { "ended_at",    LISTING_TIME },
    { "last_status", LISTING_INTEGER },
    { "last_error",  LISTING_TEXT },
    { 0 },
} };

/* clang-format on */

/* It is the webhook's journal that tells of it, as of all its replays. */
static enum err record_replay(struct tx *tx, const struct request *request,
                              const struct uuid *webhook_id, const struct uuid *organisation_id)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(tx_query_one(tx, &sql_webhook_get, PARAMS(p_uuid(webhook_id)), &rows));
    return journal_record(tx, JOURNAL_AUTHOR(request),
                          &(struct journal_entry){
                              .action = "replay",
                              .kind = ENTITY_WEBHOOK,
                              .entity_id = *webhook_id,
                              .organisation_id = *organisation_id,
                              .before = row_text(rows, 0, 0).ptr,
                              .after = row_text(rows, 0, 0).ptr,
                          },
                          1);
}

static enum err replay_webhook_delivery(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *locked = NULL;
    AUTO(rows_free) struct rows *after = NULL;
    struct uuid id;
    struct uuid webhook_id;
    struct uuid organisation_id;

    TRY(request_uuid(request, "id", &id));
    TRY(write_begin(request, reply, &tx));
    TRY(tx_query(tx, &sql_delivery_lock, PARAMS(p_uuid(&id)), &locked));
    if (rows_count(locked) == 0)
        return fail(ERR_NOT_FOUND, "not_found", "There is no delivery with this id.");
    if (!row_bool(locked, 0, 1))
        return fail(ERR_CONFLICT, "webhook_off",
                    "Its webhook is switched off: switch it on first.");
    if (row_bool(locked, 0, 2))
        return fail(ERR_CONFLICT, "delivery_waiting", "It is still waiting to be sent.");
    TRY(tx_execute(tx, &sql_delivery_repeat, PARAMS(p_uuid(&id)), NULL));
    webhook_id = row_uuid(locked, 0, 0);
    organisation_id = row_uuid(locked, 0, 3);
    TRY(record_replay(tx, request, &webhook_id, &organisation_id));
    TRY(tx_query_one(tx, &sql_delivery_get, PARAMS(p_uuid(&id)), &after));
    TRY(reply_json_text(reply, row_text(after, 0, 0)));
    TRY(write_commit(request, reply, TAKE(tx)));
    if (!write_is_dry_run(request))
        notify_wake(request->context);
    return OK;
}

/* clang-format off */
const struct route delivery_routes[] = {
    LIST  (      "/api/v1/webhook-deliveries",             deliveries,              "list_webhook_deliveries", WEBHOOK_READ, webhook_delivery_page, "List what was sent to webhooks"),
    READ  (      "/api/v1/webhook-deliveries/{id}",        sql_delivery_get,        "get_webhook_delivery",    WEBHOOK_READ,  BROWSE, none, 200, webhook_delivery, "Get a delivery with each attempt"),
    WRITE (POST, "/api/v1/webhook-deliveries/{id}/replay", replay_webhook_delivery, "replay_webhook_delivery", WEBHOOK_WRITE, CHANGE, none, 202, webhook_delivery, "Send a delivery again"),
    { 0 },
};
/* clang-format on */
