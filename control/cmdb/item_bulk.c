/* Every row has a savepoint: what it began is undone when it fails, and the next one goes on. */
#include "control/cmdb/item_bulk.h"

#include <stdio.h>

#include "shared/json.h"
#include "shared/mem.h"

#include "control/api/problem.h"
#include "control/api/request.h"
#include "control/store/tx.h"

struct bulk {
    struct tx *tx;
    const struct request *request;
    const struct item_type *type;
    bool is_atomic;
    json_t *results;
    json_t *errors; /* of all rows, when it is atomic */
    size_t succeeded;
    size_t failed;
    item_write_list writes;
};

/* One row, and what is known of it. */
struct bulk_row {
    const char *action;
    size_t index;
    const json_t *body;
};

typedef enum err (*bulk_row_fn)(struct bulk *bulk, const struct bulk_row *row, json_t *result);

static void bulk_clear(struct bulk *bulk)
{
    json_decref(bulk->results);
    json_decref(bulk->errors);
    item_write_list_clear(&bulk->writes);
}

void item_write_list_clear(item_write_list *writes)
{
    for (size_t i = 0; i < writes->len; i++) {
        item_clear(&writes->items[i].before);
        item_clear(&writes->items[i].after);
    }
    vec_clear(writes);
}

enum err item_object(const struct item *item, json_t **ret_object)
{
    TRY(json_parse(str_of(item->object), ret_object));
    if (item->heartbeat_path)
        json_object_set_new(*ret_object, "heartbeat_path", json_string(item->heartbeat_path));
    return OK;
}

/* ---- one row ---- */

/* Takes `write`. */
static void note(struct bulk *bulk, struct item_write write)
{
    vec_push(&bulk->writes, write);
}

static enum err show(json_t *result, int status, const struct item *item)
{
    json_t *object;

    TRY(item_object(item, &object));
    json_object_set_new(result, "status", json_integer(status));
    json_object_set_new(result, "object", object);
    return OK;
}

/* Checks a row by the schema of a request for it alone, and by the rules of its kind. */
static enum err check_row(const struct bulk *bulk, const json_t *fields, bool is_new)
{
    JSON_AUTO json_t *errors = NULL;
    char schema[64];

    snprintf(schema, sizeof schema, "%s_%s", bulk->type->word, is_new ? "new" : "patch");
    if (request_check(bulk->request, schema, fields, &errors) != OK)
        failure_clear();
    if (is_new)
        item_check(bulk->type, fields, &errors);
    if (!errors)
        return OK;
    return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", TAKE(errors));
}

static enum err create_row(struct bulk *bulk, const struct bulk_row *row, json_t *result)
{
    struct item_write write = {.action = "create"};

    TRY(check_row(bulk, row->body, true));
    TRY(item_create(bulk->tx, bulk->type, row->body, &write.after));
    note(bulk, write);
    return show(result, 201, &write.after);
}

/* Locks the item that a row means; with a version, it must be that. */
static enum err lock_row(const struct bulk *bulk, const json_t *body, struct item *ret_item)
{
    const json_t *version = json_object_get(body, "version");
    const char *text = json_is_string(body) ? json_string_value(body) : json_text(body, "id", "");
    struct uuid id;

    if (!uuid_parse(str_of(text), &id))
        return fail(ERR_BUG, "row_unchecked", "The schema lets odd ids through.");
    TRY(item_lock(bulk->tx, bulk->type, &id, ret_item));
    if (!version || json_integer_value(version) == ret_item->version)
        return OK;
    return fail(ERR_CONFLICT, "precondition_failed", "It has changed: its version is %lld now.",
                (long long)ret_item->version);
}

static enum err update_row(struct bulk *bulk, const struct bulk_row *row, json_t *result)
{
    CLEANUP(item_clear_p) struct item before = {0};
    CLEANUP(item_clear_p) struct item after = {0};
    JSON_AUTO json_t *patch = json_copy((json_t *)row->body);

    json_object_del(patch, "id");
    json_object_del(patch, "version");
    TRY(check_row(bulk, patch, false));
    TRY(lock_row(bulk, row->body, &before));
    TRY(item_update(bulk->tx, &before, patch, &after));
    TRY(show(result, 200, &after));
    if (after.version == before.version)
        return OK;
    note(bulk, (struct item_write){.action = "update", .before = before, .after = after});
    before = after = (struct item){0};
    return OK;
}

static enum err delete_row(struct bulk *bulk, const struct bulk_row *row, json_t *result)
{
    CLEANUP(item_clear_p) struct item item = {0};
    item_list items = {0};

    TRY(lock_row(bulk, row->body, &item));
    TRY(item_delete(bulk->tx, &item, json_boolean_or(row->body, "cascade", false), &items));
    for (size_t i = 0; i < items.len; i++)
        note(bulk, (struct item_write){.action = "delete", .before = items.items[i]});
    vec_clear(&items);
    json_object_set_new(result, "status", json_integer(204));
    return OK;
}

/* ---- all rows ---- */

/* Adds a row's failure to those of the request, with pointers from the request's root. */
static void add_errors(struct bulk *bulk, const struct bulk_row *row, const struct failure *failure)
{
    size_t i;
    const json_t *error;
    char base[32];

    snprintf(base, sizeof base, "/%s/%zu", row->action, row->index);
    if (json_array_size(failure->errors) == 0)
        json_add_error(&bulk->errors, base, failure->code, "%s", failure->detail);
    json_array_foreach(failure->errors, i, error)
    {
        AUTO(xfree) char *pointer = xasprintf("%s%s", base, json_text(error, "pointer", ""));

        json_add_error(&bulk->errors, pointer, json_text(error, "code", ""), "%s",
                       json_text(error, "detail", ""));
    }
}

static void add_problem(json_t *result, enum err err, const struct failure *failure)
{
    json_t *problem = json_pack("{s:s, s:s}", "code", failure->code, "detail", failure->detail);

    if (failure->errors)
        json_object_set(problem, "errors", failure->errors);
    json_object_set_new(result, "status", json_integer(problem_status(err, failure->code)));
    json_object_set_new(result, "problem", problem);
}

/* Whether the row is at fault, not the service: then the next one may do better. */
static bool is_of_row(enum err err)
{
    return err == ERR_INVALID || err == ERR_NOT_FOUND || err == ERR_CONFLICT || err == ERR_DENIED;
}

static void forget_writes(struct bulk *bulk, size_t from)
{
    while (bulk->writes.len > from) {
        struct item_write *write = &bulk->writes.items[--bulk->writes.len];

        item_clear(&write->before);
        item_clear(&write->after);
    }
}

static enum err run_row(struct bulk *bulk, const struct bulk_row *row, bulk_row_fn run)
{
    json_t *result =
        json_pack("{s:s, s:I}", "action", row->action, "index", (json_int_t)row->index);
    size_t writes = bulk->writes.len;
    enum err err;

    json_array_append_new(bulk->results, result);
    TRY(tx_save(bulk->tx));
    err = run(bulk, row, result);
    if (err == OK) {
        bulk->succeeded++;
        return tx_keep(bulk->tx);
    }
    if (!is_of_row(err))
        return err;
    bulk->failed++;
    if (bulk->is_atomic)
        add_errors(bulk, row, failure_last());
    else
        add_problem(result, err, failure_last());
    failure_clear();
    forget_writes(bulk, writes);
    return tx_undo(bulk->tx);
}

static enum err run_list(struct bulk *bulk, const char *action, bulk_row_fn run)
{
    const json_t *rows = json_object_get(bulk->request->body, action);
    struct bulk_row row = {.action = action};

    json_array_foreach((json_t *)rows, row.index, row.body) TRY(run_row(bulk, &row, run));
    return OK;
}

enum err item_bulk(struct tx *tx, const struct request *request, item_write_list *ret_writes,
                   json_t **ret_answer)
{
    CLEANUP(bulk_clear)
    struct bulk bulk = {
        .tx = tx,
        .request = request,
        .type = request->context,
        .is_atomic = json_boolean_or(request->body, "atomic", false),
        .results = json_array(),
    };

    TRY(run_list(&bulk, "delete", delete_row));
    TRY(run_list(&bulk, "update", update_row));
    TRY(run_list(&bulk, "create", create_row));
    if (bulk.errors)
        return fail_fields(ERR_INVALID, "bulk_failed",
                           "Some rows are not right, so nothing was changed.", TAKE(bulk.errors));
    *ret_answer = json_pack("{s:I, s:I, s:O}", "succeeded", (json_int_t)bulk.succeeded, "failed",
                            (json_int_t)bulk.failed, "results", bulk.results);
    *ret_writes = bulk.writes;
    bulk.writes = (item_write_list){0};
    return OK;
}
