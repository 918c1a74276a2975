/* Declaring, ending and taking away maintenance windows. The engine hears of each through the
 * reply's changes. */
#include "control/health/maintenance_routes.h"

#include <stdio.h>

#include "shared/clock.h"
#include "shared/json.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/write.h"
#include "control/health/health.sql.h"
#include "control/journal/journal.h"
#include "control/journal/journal.sql.h"
#include "control/store/tx.h"

/* The one member of `scope`; false when it is none that the schema lets through. */
static bool read_scope(const json_t *body, const char **ret_kind, struct uuid *ret_id)
{
    json_t *scope = json_object_get(body, "scope");
    void *member = json_object_iter(scope);
    const char *text = json_string_value(json_object_iter_value(member));

    *ret_kind = json_object_iter_key(member);
    return json_object_size(scope) == 1 && text && uuid_parse(str_of(text), ret_id);
}

static bool read_times(const json_t *body, int64_t *ret_starts_ms, int64_t *ret_ends_ms)
{
    return timestamp_parse(str_of(json_loose_text(body, "starts_at", "")), ret_starts_ms) &&
           timestamp_parse(str_of(json_loose_text(body, "ends_at", "")), ret_ends_ms);
}

static void check_times(void *context, const json_t *body, json_t **errors)
{
    int64_t starts_ms;
    int64_t ends_ms;

    (void)context;
    if (read_times(body, &starts_ms, &ends_ms) && ends_ms <= starts_ms)
        json_add_error(errors, "/ends_at", "not_after_start", "must be after starts_at");
}

static void add_scope_error(const char *kind, json_t **errors)
{
    char pointer[64];

    snprintf(pointer, sizeof pointer, "/scope/%s", kind);
    json_add_error(errors, pointer, "not_found", "there is no such %s", kind);
}

static enum err look_up_scope(void *context, struct db *db, const json_t *body, json_t **errors)
{
    AUTO(rows_free) struct rows *found = NULL;
    const char *kind;
    struct uuid id;

    (void)context;
    if (!read_scope(body, &kind, &id))
        return OK;
    TRY(db_query(db, &sql_maintenance_scope_find, PARAMS(p_uuid(&id), p_text(kind)), &found));
    if (rows_count(found) == 0)
        add_scope_error(kind, errors);
    return OK;
}

const struct body_rules maintenance_window_rules = {.check = check_times, .look_up = look_up_scope};

/* Notes the window in the journal and for the engine, and gives it as the reply. */
static enum err record(struct tx *tx, struct request *request, struct reply *reply,
                       enum change_word word, const char *action, const struct uuid *id,
                       const struct uuid *organisation_id, const char *before)
{
    AUTO(rows_free) struct rows *rows = NULL;
    const char *after = NULL;

    if (word != CHANGE_DELETED) {
        TRY(tx_query_one(tx, &sql_maintenance_window_get, PARAMS(p_uuid(id), p_null()), &rows));
        after = row_text(rows, 0, 0).ptr;
        reply_etag(reply, row_int(rows, 0, 1));
        TRY(reply_json_text(reply, str_of(after)));
    }
    return journal_record(tx, JOURNAL_AUTHOR(request),
                          &(struct journal_entry){
                              .id = reply_changed(reply, word, ENTITY_MAINTENANCE_WINDOW, id),
                              .action = action,
                              .kind = ENTITY_MAINTENANCE_WINDOW,
                              .entity_id = *id,
                              .organisation_id = *organisation_id,
                              .before = before,
                              .after = after,
                          },
                          1);
}

static enum err create_maintenance_window(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *found = NULL;
    JSON_AUTO json_t *errors = NULL;
    char text[UUID_TEXT_BYTES];
    struct uuid id = uuid_new();
    struct uuid organisation_id;
    struct uuid scope_id;
    const char *kind;
    int64_t starts_ms;
    int64_t ends_ms;

    if (!read_scope(request->body, &kind, &scope_id) ||
        !read_times(request->body, &starts_ms, &ends_ms))
        return fail(ERR_BUG, "window_unchecked", "The schema lets odd windows through.");
    TRY(write_begin(request, reply, &tx));
    TRY(tx_query(tx, &sql_maintenance_scope_find, PARAMS(p_uuid(&scope_id), p_text(kind)), &found));
    organisation_id = rows_count(found) ? row_uuid(found, 0, 0) : (struct uuid){0};
    if (rows_count(found) == 0 || !guard_shows(&request->principal, &organisation_id)) {
        add_scope_error(kind, &errors);
        return fail_fields(ERR_INVALID, "body_invalid", "The scope does not exist.", TAKE(errors));
    }
    TRY(tx_execute(tx, &sql_maintenance_window_insert,
                   PARAMS(p_uuid(&id), p_uuid(&organisation_id), p_text(kind), p_uuid(&scope_id),
                          p_ms(starts_ms), p_ms(ends_ms),
                          p_text(json_text(request->body, "reason", NULL))),
                   NULL));
    TRY(record(tx, request, reply, CHANGE_CREATED, "create", &id, &organisation_id, NULL));
    reply_header(reply, "Location", "/api/v1/maintenance-windows/%s", uuid_format(&id, text));
    return write_commit(request, reply, TAKE(tx));
}

/* Locks the window and gives its organisation and its object as it is now. */
static enum err lock_window(struct tx *tx, const struct request *request, struct uuid *ret_id,
                            struct rows **ret_locked, struct rows **ret_object)
{
    struct uuid organisation_id;

    TRY(request_uuid(request, "id", ret_id));
    TRY(tx_query(tx, &sql_maintenance_window_lock, PARAMS(p_uuid(ret_id)), ret_locked));
    if (rows_count(*ret_locked) == 0)
        return fail(ERR_NOT_FOUND, "not_found", "There is no maintenance window with this id.");
    organisation_id = row_uuid(*ret_locked, 0, 0);
    if (!guard_shows(&request->principal, &organisation_id))
        return fail(ERR_NOT_FOUND, "not_found", "There is no maintenance window with this id.");
    TRY(tx_query_one(tx, &sql_maintenance_window_get, PARAMS(p_uuid(ret_id), p_null()),
                     ret_object));
    return request_match_version(request, row_int(*ret_object, 0, 1));
}

static enum err end_maintenance_window(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *locked = NULL;
    AUTO(rows_free) struct rows *before = NULL;
    struct uuid id;
    struct uuid organisation_id;
    int64_t now_ms = clock_wall_ms();

    TRY(write_begin(request, reply, &tx));
    TRY(lock_window(tx, request, &id, &locked, &before));
    if (row_ms(locked, 0, 1) <= now_ms || !row_is_null(locked, 0, 2))
        return fail(ERR_CONFLICT, "window_over", "The maintenance window has ended already.");
    organisation_id = row_uuid(locked, 0, 0);
    TRY(tx_execute(tx, &sql_maintenance_window_end, PARAMS(p_uuid(&id), p_ms(now_ms)), NULL));
    TRY(record(tx, request, reply, CHANGE_UPDATED, "end", &id, &organisation_id,
               row_text(before, 0, 0).ptr));
    return write_commit(request, reply, TAKE(tx));
}

static enum err delete_maintenance_window(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *locked = NULL;
    AUTO(rows_free) struct rows *before = NULL;
    struct uuid id;
    struct uuid organisation_id;

    TRY(write_begin(request, reply, &tx));
    TRY(lock_window(tx, request, &id, &locked, &before));
    organisation_id = row_uuid(locked, 0, 0);
    TRY(tx_execute(tx, &sql_maintenance_window_delete, PARAMS(p_uuid(&id)), NULL));
    TRY(record(tx, request, reply, CHANGE_DELETED, "delete", &id, &organisation_id,
               row_text(before, 0, 0).ptr));
    return write_commit(request, reply, TAKE(tx));
}

/* clang-format off */
const struct route maintenance_routes[] = {
    /*      method   path                                    runs                          operationId                  permission         rate    body                    status reply                    summary */
    READ   (         "/api/v1/maintenance-windows",          sql_maintenance_windows_page, "list_maintenance_windows",  HEALTH_READ,       BROWSE, none,                   200,   maintenance_window_page, "List maintenance windows"),
    READ   (         "/api/v1/maintenance-windows/{id}",     sql_maintenance_window_get,   "get_maintenance_window",    HEALTH_READ,       BROWSE, none,                   200,   maintenance_window,      "Get a maintenance window"),
    WRITE  (POST,    "/api/v1/maintenance-windows",          create_maintenance_window,    "create_maintenance_window", MAINTENANCE_WRITE, CHANGE, maintenance_window_new, 201,   maintenance_window,      "Declare a maintenance window"),
    WRITE  (POST,    "/api/v1/maintenance-windows/{id}/end", end_maintenance_window,       "end_maintenance_window",    MAINTENANCE_WRITE, CHANGE, none,                   200,   maintenance_window,      "End a maintenance window early"),
    WRITE  (DELETE,  "/api/v1/maintenance-windows/{id}",     delete_maintenance_window,    "delete_maintenance_window", MAINTENANCE_WRITE, CHANGE, none,                   204,   none,                    "Take a maintenance window away"),
    READ   (         "/api/v1/maintenance-windows/{id}/history", sql_change_page,          "get_maintenance_window_history", JOURNAL_READ,   BROWSE, none,                   200,   change_page,             "What happened to a maintenance window"),
    { 0 },
};
/* clang-format on */
