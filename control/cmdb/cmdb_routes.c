/* The routes of the inventory: the same for each kind, whose row of item_types.c comes as the
 * request's context. */
#include <assert.h>

#include "shared/mem.h"
#include "shared/vec.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/route.h"
#include "control/api/router.h"
#include "control/api/write.h"
#include "control/cmdb/cmdb.h"
#include "control/cmdb/cmdb.sql.h"
#include "control/cmdb/item.h"
#include "control/cmdb/item_bulk.h"
#include "control/cmdb/item_journal.h"
#include "control/cmdb/item_listings.h"
#include "control/journal/journal.h"
#include "control/journal/journal.sql.h"
#include "control/store/tx.h"

/* For who may write the item: with its secrets. */
static enum err reply_item(struct reply *reply, const struct item *item)
{
    json_t *object;

    reply_etag(reply, item->version);
    if (!item->heartbeat_path)
        return reply_json_text(reply, str_of(item->object));
    TRY(item_object(item, &object));
    return reply_json_take(reply, object);
}

/* A writer who lost the race gets the object as it is now, as the problem's `current`. */
static enum err match_version(const struct request *request, struct reply *reply,
                              const struct item *item)
{
    enum err err = request_match_version(request, item->version);

    if (err != OK)
        TRY(reply_json_text(reply, str_of(item->object)));
    return err;
}

typedef VEC(char *) text_list;

static void text_list_clear(text_list *texts)
{
    for (size_t i = 0; i < texts->len; i++)
        free(texts->items[i]);
    vec_clear(texts);
}

/* The item's text for the journal, which the list owns; NULL for an item that is not there. */
static enum err add_text(struct tx *tx, const struct item *item, text_list *texts,
                         const char **ret_text)
{
    char *text = NULL;

    if (item->object)
        TRY(item_journal_text(tx, item, &text));
    vec_push(texts, text);
    *ret_text = text;
    return OK;
}

/* Notes what was written in the journal, in one statement; and for the engine. */
static enum err record(struct tx *tx, const struct request *request, struct reply *reply,
                       const struct item_write *writes, size_t count)
{
    AUTO(xfree) struct journal_entry *entries = xcalloc(count + 1, sizeof *entries);
    CLEANUP(text_list_clear) text_list texts = {0};

    for (size_t i = 0; i < count; i++) {
        const struct item_write *write = &writes[i];
        const struct item *item = write->after.type ? &write->after : &write->before;
        enum change_word word = !write->before.type  ? CHANGE_CREATED
                                : !write->after.type ? CHANGE_DELETED
                                                     : CHANGE_UPDATED;

        assert(item->type);
        entries[i] = (struct journal_entry){
            .id = reply_changed(reply, word, item->type->kind, &item->id),
            .action = write->action,
            .kind = item->type->kind,
            .entity_id = item->id,
            .organisation_id = item->organisation_id,
        };
        TRY(add_text(tx, &write->before, &texts, &entries[i].before));
        TRY(add_text(tx, &write->after, &texts, &entries[i].after));
    }
    return count > 0 ? journal_record(tx, JOURNAL_AUTHOR(request), entries, count) : OK;
}

static enum err record_one(struct tx *tx, const struct request *request, struct reply *reply,
                           const char *action, const struct item *before, const struct item *after)
{
    struct item_write write = {.action = action, .after = *after};

    if (before)
        write.before = *before;
    return record(tx, request, reply, &write, 1);
}

/* Notes all that went or came back. */
static enum err record_all(struct tx *tx, const struct request *request, struct reply *reply,
                           const char *action, const item_list *items, bool is_gone)
{
    AUTO(xfree) struct item_write *writes = xcalloc(items->len, sizeof *writes);

    for (size_t i = 0; i < items->len; i++) {
        writes[i].action = action;
        *(is_gone ? &writes[i].before : &writes[i].after) = items->items[i];
    }
    return record(tx, request, reply, writes, items->len);
}

static enum err create_item(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(item_clear_p) struct item item = {0};
    const struct item_type *type = request->context;
    char id[UUID_TEXT_BYTES];

    TRY(write_begin(request, reply, &tx));
    TRY(item_create(tx, type, request->body, &item));
    TRY(record_one(tx, request, reply, "create", NULL, &item));
    reply_header(reply, "Location", "/api/v1/%s/%s", type->collection, uuid_format(&item.id, id));
    TRY(reply_item(reply, &item));
    return write_commit(request, reply, TAKE(tx));
}

static enum err update_item(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(item_clear_p) struct item before = {0};
    CLEANUP(item_clear_p) struct item after = {0};
    struct uuid id;

    TRY(request_uuid(request, "id", &id));
    TRY(write_begin(request, reply, &tx));
    TRY(item_lock(tx, request->context, &id, &before));
    TRY(match_version(request, reply, &before));
    TRY(item_update(tx, &before, request->body, &after));
    if (after.version != before.version)
        TRY(record_one(tx, request, reply, "update", &before, &after));
    TRY(reply_item(reply, &after));
    return write_commit(request, reply, TAKE(tx));
}

static enum err delete_item(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(item_clear_p) struct item item = {0};
    CLEANUP(item_list_clear_p) item_list items = {0};
    struct uuid id;

    TRY(request_uuid(request, "id", &id));
    TRY(write_begin(request, reply, &tx));
    TRY(item_lock(tx, request->context, &id, &item));
    TRY(match_version(request, reply, &item));
    TRY(item_delete(tx, &item, request_flag(request, "cascade"), &items));
    TRY(record_all(tx, request, reply, "delete", &items, true));
    return write_commit(request, reply, TAKE(tx));
}

static enum err restore_item(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(item_clear_p) struct item item = {0};
    CLEANUP(item_list_clear_p) item_list items = {0};
    struct uuid id;

    TRY(request_uuid(request, "id", &id));
    TRY(write_begin(request, reply, &tx));
    TRY(item_restore(tx, request->context, &id, request_flag(request, "cascade"), &items));
    TRY(record_all(tx, request, reply, "restore", &items, false));
    TRY(item_lock(tx, request->context, &id, &item));
    TRY(reply_item(reply, &item));
    return write_commit(request, reply, TAKE(tx));
}

static enum err bulk_items(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(item_write_list_clear_p) item_write_list writes = {0};
    json_t *answer;

    TRY(write_begin(request, reply, &tx));
    TRY(item_bulk(tx, request, &writes, &answer));
    TRY(reply_json_take(reply, answer));
    TRY(record(tx, request, reply, writes.items, writes.len));
    return write_commit(request, reply, TAKE(tx));
}

/* Gives a heartbeat another path, because the old one has become known or is known to too many. */
static enum err rotate_heartbeat(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    CLEANUP(item_clear_p) struct item before = {0};
    CLEANUP(item_clear_p) struct item after = {0};
    struct uuid id;

    TRY(request_uuid(request, "id", &id));
    TRY(write_begin(request, reply, &tx));
    TRY(item_lock(tx, request->context, &id, &before));
    TRY(match_version(request, reply, &before));
    if (!before.heartbeat_path)
        return fail(ERR_CONFLICT, "not_a_heartbeat",
                    "The check is not a heartbeat: nobody calls it.");
    TRY(tx_execute(tx, &sql_heartbeat_rotate, PARAMS(p_uuid(&id)), NULL));
    TRY(item_lock(tx, request->context, &id, &after));
    TRY(record_one(tx, request, reply, "rotate", &before, &after));
    TRY(reply_item(reply, &after));
    return write_commit(request, reply, TAKE(tx));
}

/* clang-format off */
static const struct route heartbeat_routes[] = {
    WRITE  (POST, "/api/v1/checks/{id}/heartbeat/rotate", rotate_heartbeat, "rotate_heartbeat", CHECK_WRITE, CHANGE, none, 200, check, "Give a heartbeat another path"),
    { 0 },
};

#define ROUTE_EXTRAS "include", "as_of"

#define ITEM_ROUTES(kind, path, one, many, resource, a_thing, things)                                                     \
    (const struct route[]) {                                                                                              \
        LIST   (        path,                item_listings[ENTITY_##kind], "list_" #many,   resource##_READ,                            one##_page,  "List " things, ROUTE_EXTRAS),                    \
        OBJECT (        path "/{id}",        item_listings[ENTITY_##kind], "get_" #one,  resource##_READ,                            one,         "Get " a_thing, ROUTE_EXTRAS),      \
        READ   (        path "/{id}/history", sql_change_page,  "get_" #one "_history",  JOURNAL_READ,     BROWSE, none,        200, change_page, "What happened to " a_thing),       \
        WRITE  (POST,   path,                create_item,       "create_" #one,          resource##_WRITE, CHANGE, one##_new,   201, one,         "Create " a_thing),                 \
        WRITE  (PATCH,  path "/{id}",        update_item,       "update_" #one,          resource##_WRITE, CHANGE, one##_patch, 200, one,         "Change " a_thing),                 \
        WRITE  (DELETE, path "/{id}",        delete_item,       "delete_" #one,          resource##_WRITE, CHANGE, none,        204, none,        "Delete " a_thing, "cascade"),      \
        WRITE  (POST,   path "/{id}/restore", restore_item,     "restore_" #one,         resource##_WRITE, CHANGE, none,        200, one,         "Take back that " a_thing " was deleted", "cascade"), \
        WRITE  (POST,   path "/bulk",        bulk_items,        "bulk_" #many,           resource##_WRITE, CHANGE, bulk,        200, bulk_answer, "Create, change and delete " things),               \
        { 0 },                                                                                                            \
    }

static const struct {
    enum entity_kind kind;
    const struct route *routes;
} tables[] = {
    { ENTITY_ORGANISATION,         ITEM_ROUTES(ORGANISATION, "/api/v1/organisations",         organisation,         organisations,         INVENTORY, "an organisation",        "organisations") },
    { ENTITY_BUSINESS_UNIT,        ITEM_ROUTES(BUSINESS_UNIT, "/api/v1/business-units",        business_unit,        business_units,        INVENTORY, "a business unit",        "business units") },
    { ENTITY_SYSTEM,               ITEM_ROUTES(SYSTEM, "/api/v1/systems",               system,               systems,               INVENTORY, "a system",               "systems") },
    { ENTITY_ENVIRONMENT_GROUP,    ITEM_ROUTES(ENVIRONMENT_GROUP, "/api/v1/environment-groups",    environment_group,    environment_groups,    INVENTORY, "an environment group",   "environment groups") },
    { ENTITY_INSTANCE,             ITEM_ROUTES(INSTANCE, "/api/v1/instances",             instance,             instances,             INVENTORY, "an instance",            "instances") },
    { ENTITY_COMPONENT_DEFINITION, ITEM_ROUTES(COMPONENT_DEFINITION, "/api/v1/component-definitions", component_definition, component_definitions, INVENTORY, "a component definition", "component definitions") },
    { ENTITY_COMPONENT,            ITEM_ROUTES(COMPONENT, "/api/v1/components",            component,            components,            INVENTORY, "a component",            "components") },
    { ENTITY_CHECK,                ITEM_ROUTES(CHECK, "/api/v1/checks",                check,                checks,                CHECK,     "a check",                "checks") },
};

/* clang-format on */

static void check_item(void *context, const json_t *body, json_t **errors)
{
    item_check(context, body, errors);
}

static enum err look_up_item(void *context, struct db *db, const json_t *body, json_t **errors)
{
    return item_look_up(db, context, body, errors);
}

/* The body of a new item is checked by the rules of its kind together with its schema. Those of a
 * change wait for the whole state. */
static const struct body_rules new_item = {.check = check_item, .look_up = look_up_item};
static const struct body_rules changed_item = {.look_up = look_up_item};

void cmdb_add_routes(struct router *router)
{
    router_add_schemas(router, cmdb_schemas);
    router_add_schemas(router, check_kind_schemas);
    router_add_schemas(router, check_part_schemas);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        router_add(router, tables[i].routes, (void *)item_type_of(tables[i].kind));
        for (const struct route *route = tables[i].routes; route->path; route++) {
            if (route->handler == create_item)
                router_add_rules(router, route->body, &new_item);
            else if (route->method == METHOD_PATCH)
                router_add_rules(router, route->body, &changed_item);
        }
    }
    router_add(router, heartbeat_routes, (void *)item_type_of(ENTITY_CHECK));
}
