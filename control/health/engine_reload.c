/*
 * Some of it again, after people changed it: what is gone leaves the tree, what is there is put and
 * linked anew. Notices of changes may get lost, so the journal is looked through each second for
 * those that nobody told of.
 */
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"

#include "control/api/reply.h"
#include "control/health/engine.sql.h"
#include "control/health/engine_private.h"
#include "control/store/query.h"

#define POLL_OVERLAP_MS 5000 /* a transaction may commit that much after its time */

/* Rows of health_node of one kind: as the kind is in the text, the others are not even planned. */
#define NODES_OF(kind)                                                                             \
    {                                                                                              \
        .name = "health_nodes_of_" kind, .parameter_count = 1,                                     \
        .text = "SELECT rank, kind, id, key, name, version, created_at, parent_id, group_id,"      \
                " criticality, weight, policy, min_up, operational_at, down_below, unknown_share," \
                " facts FROM health_node WHERE kind = '" kind "' AND id = ANY ($1::uuid[])"        \
                " ORDER BY id"                                                                     \
    }

typedef VEC(struct uuid) uuid_vec;

/* In this order a parent is read before its children. */
static const struct statement nodes_of[] = {
    [ENTITY_ORGANISATION] = NODES_OF("organisation"),
    [ENTITY_BUSINESS_UNIT] = NODES_OF("business_unit"),
    [ENTITY_SYSTEM] = NODES_OF("system"),
    [ENTITY_ENVIRONMENT_GROUP] = NODES_OF("environment_group"),
    [ENTITY_INSTANCE] = NODES_OF("instance"),
    [ENTITY_COMPONENT] = NODES_OF("component"),
    [ENTITY_CHECK] = NODES_OF("check"),
};

static struct metric read_again = METRIC_COUNTER(
    "em_engine_entities_read_total", "Entities read from the database after somebody changed them");

/* Components show what they are made from, so they change with their definition. */
static enum err add_components(struct engine *engine, const uuid_vec *definitions, uuid_vec *ids)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (definitions->len == 0)
        return OK;
    TRY(db_query(engine->db, &sql_health_components_of_definitions,
                 PARAMS(p_uuids(definitions->items, definitions->len)), &rows));
    for (int row = 0; row < rows_count(rows); row++)
        vec_push(ids, row_uuid(rows, row, 0));
    return OK;
}

static void announce_removed_checks(struct engine *engine, size_t first)
{
    for (size_t i = first; i < engine->tree.removed.len; i++) {
        const struct node *node = engine->tree.removed.items[i];

        if (node->kind == ENTITY_CHECK)
            news_add_plan(engine->news,
                          &(struct health_plan_entry){.check_id = node->id, .probed = false});
    }
}

/* What was asked for and is in no row has been deleted. */
static void remove_gone(struct engine *engine, const uuid_vec *ids, const struct rows *rows,
                        int64_t now_ms)
{
    engine->reloads++;
    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid id = row_uuid(rows, row, 2);
        struct node *node = tree_find(&engine->tree, &id);

        if (node)
            node->seen = engine->reloads;
    }
    for (size_t i = 0; i < ids->len; i++) {
        struct node *node = tree_find(&engine->tree, &ids->items[i]);
        size_t first = engine->tree.removed.len;

        if (!node || node->seen == engine->reloads)
            continue;
        tree_remove(&engine->tree, node, now_ms);
        announce_removed_checks(engine, first);
    }
}

/* Puts what the rows say into the tree; what is new to it and not to the
 * database was restored, and gets its last known status back. */
static enum err put_nodes(struct engine *engine, const struct rows *rows)
{
    uuid_vec restored = {0};
    enum err err = OK;

    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = engine_read_definition(rows, row);
        bool is_new;

        tree_put(&engine->tree, &definition, &is_new);
        if (is_new && definition.version > 1)
            vec_push(&restored, definition.id);
    }
    if (restored.len > 0)
        err = engine_read_all(engine, &sql_health_statuses_of,
                              PARAMS(p_uuids(restored.items, restored.len)), engine_read_status);
    vec_clear(&restored);
    return err;
}

/* What has no parent yet will come again with it. */
static void link_nodes(struct engine *engine, const struct rows *rows, int64_t now_ms)
{
    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = engine_read_definition(rows, row);
        struct node *node = tree_find(&engine->tree, &definition.id);

        if (!node || tree_link(&engine->tree, node, &definition, now_ms))
            continue;
        log_warning("engine.node_without_parent", "kind=%s key=%s", entity_words[node->kind],
                    node->key);
        tree_remove(&engine->tree, node, now_ms);
    }
}

/* Checks that came back with a cascade bring their memory along. */
static enum err load_checks(struct engine *engine, const uuid_vec *ids)
{
    uuid_vec created = {0};
    enum err err = OK;

    for (size_t i = 0; i < ids->len; i++) {
        struct node *node = tree_find(&engine->tree, &ids->items[i]);

        if (node && !node->check)
            vec_push(&created, node->id);
    }
    if (created.len > 0)
        err = engine_read_all(engine, &sql_health_check_states_of,
                              PARAMS(p_uuids(created.items, created.len)), engine_read_check_state);
    vec_clear(&created);
    TRY(err);
    return engine_read_all(engine, &sql_health_checks_of, PARAMS(p_uuids(ids->items, ids->len)),
                           engine_read_check);
}

static enum err reload_kind(struct engine *engine, enum entity_kind kind, const uuid_vec *ids,
                            int64_t now_ms)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (ids->len == 0)
        return OK;
    metric_add(&read_again, (int64_t)ids->len);
    TRY(db_query(engine->db, &nodes_of[kind], PARAMS(p_uuids(ids->items, ids->len)), &rows));
    remove_gone(engine, ids, rows, now_ms);
    TRY(put_nodes(engine, rows));
    link_nodes(engine, rows, now_ms);
    if (kind == ENTITY_CHECK)
        TRY(load_checks(engine, ids));
    for (size_t i = 0; i < ids->len; i++) {
        struct node *node = tree_find(&engine->tree, &ids->items[i]);

        if (!node)
            continue;
        if (node->check)
            engine_show_check(engine, node->check, now_ms, node->status.reason);
        tree_each(node, engine_enter_maintenance, engine);
    }
    engine->due_ms = 0;
    return OK;
}

static enum err reload_ids(struct engine *engine, uuid_vec ids[], int64_t now_ms)
{
    metric_register(&read_again);
    TRY(add_components(engine, &ids[ENTITY_COMPONENT_DEFINITION], &ids[ENTITY_COMPONENT]));
    for (int kind = 0; kind < (int)ARRAY_LEN(nodes_of); kind++) {
        if (nodes_of[kind].text)
            TRY(reload_kind(engine, (enum entity_kind)kind, &ids[kind], now_ms));
    }
    return ids[ENTITY_MAINTENANCE_WINDOW].len > 0 ? engine_load_windows(engine) : OK;
}

enum err engine_reload(struct engine *engine, const struct change *changes, size_t count,
                       int64_t now_ms)
{
    uuid_vec ids[ENTITY_COUNT] = {0};
    enum err err;

    for (size_t i = 0; i < count; i++)
        vec_push(&ids[changes[i].kind], changes[i].id);
    err = reload_ids(engine, ids, now_ms);
    for (int kind = 0; kind < ENTITY_COUNT; kind++)
        vec_clear(&ids[kind]);
    return err;
}

/* Polling ------------------------------------------------------------------------------------- */

/* The smallest version 7 id of a moment. */
static struct uuid first_id_of(int64_t at_ms)
{
    struct uuid id = {0};

    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)((uint64_t)at_ms >> (40 - 8 * i));
    return id;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

static bool contains(const struct uuid *sorted, size_t count, const struct uuid *id)
{
    return count > 0 && bsearch(id, sorted, count, sizeof *id, compare_ids);
}

/* What the engine was told of is committed, so the poll finds all of it and it need not be kept. */
static enum err follow_journal(struct engine *engine, const struct rows *rows, int64_t now_ms)
{
    VEC(struct change) changes = {0};
    enum err err = OK;

    if (engine->told.len > 0)
        qsort(engine->told.items, engine->told.len, sizeof(struct uuid), compare_ids);
    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid id = row_uuid(rows, row, 0);
        struct change change = {
            .word = CHANGE_UPDATED,
            .kind = engine_kind_of(row_text(rows, row, 1)),
            .id = row_uuid(rows, row, 2),
        };

        if (!contains(engine->polled.items, engine->polled.len, &id) &&
            !contains(engine->told.items, engine->told.len, &id))
            vec_push(&changes, change);
    }
    if (changes.len > 0)
        err = engine_reload(engine, changes.items, changes.len, now_ms);
    vec_clear(&changes);
    if (err != OK)
        return err;

    engine->told.len = 0;
    engine->polled.len = 0;
    for (int row = 0; row < rows_count(rows); row++)
        vec_push(&engine->polled, row_uuid(rows, row, 0));
    return OK;
}

enum err engine_poll(struct engine *engine, int64_t now_ms)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid first = first_id_of(engine->polled_at_ms - POLL_OVERLAP_MS);

    TRY(db_query(engine->db, &sql_health_changed_since, PARAMS(p_uuid(&first)), &rows));
    TRY(follow_journal(engine, rows, now_ms));
    engine->polled_at_ms = now_ms;
    return OK;
}
