/*
 * Some of it again, after people changed it: what is gone leaves the tree, what is there is put and
 * linked anew. Notices of changes may get lost, so the journal is followed by its positions, each
 * second, for those that nobody told of.
 */
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"

#include "control/api/reply.h"
#include "control/health/engine.sql.h"
#include "control/health/engine_private.h"
#include "control/store/query.h"

#define FOLLOW_MOST 5000  /* rows of health_changed_after */
#define TOLD_MS     60000 /* until what was told of is sealed, at the latest */

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

/* Reading ------------------------------------------------------------------------------------- */

/* What is read again: the ids that were asked for, and the rows of those that are there. */
struct reload {
    uuid_vec ids[ENTITY_COUNT];
    struct rows *rows[ENTITY_COUNT];
};

static void forget_rows(struct reload *reload)
{
    for (int kind = 0; kind < ENTITY_COUNT; kind++) {
        rows_free(reload->rows[kind]);
        reload->rows[kind] = NULL;
    }
}

static void reload_clear(struct reload *reload)
{
    forget_rows(reload);
    for (int kind = 0; kind < ENTITY_COUNT; kind++)
        vec_clear(&reload->ids[kind]);
}

/* Puts what the rows say into the tree; what is new there may have been restored. */
static void put_nodes(struct engine *engine, const struct rows *rows)
{
    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = engine_read_definition(rows, row);
        bool is_new;
        struct node *node = tree_put(&engine->tree, &definition, &is_new);

        node->seen = engine->reloads;
        if (is_new)
            vec_push(&engine->created, definition.id);
    }
}

static enum err read_nodes(struct engine *engine, struct reload *reload)
{
    forget_rows(reload);
    for (int kind = 0; kind < (int)ARRAY_LEN(nodes_of); kind++) {
        const uuid_vec *ids = &reload->ids[kind];

        if (!nodes_of[kind].text || ids->len == 0)
            continue;
        metric_add(&read_again, (int64_t)ids->len);
        TRY(db_query(engine->db, &nodes_of[kind], PARAMS(p_uuids(ids->items, ids->len)),
                     &reload->rows[kind]));
        put_nodes(engine, reload->rows[kind]);
    }
    return OK;
}

/* Asks for a parent that nobody told of; false when it is there, or was asked for. */
static bool ask_for(struct engine *engine, const struct uuid *id, uuid_vec *ids)
{
    if (uuid_is_nil(id) || tree_find(&engine->tree, id))
        return false;
    for (size_t i = 0; i < ids->len; i++) {
        if (uuid_equal(&ids->items[i], id))
            return false;
    }
    vec_push(ids, *id);
    return true;
}

static bool ask_for_parents(struct engine *engine, struct reload *reload, enum entity_kind kind)
{
    static const enum entity_kind parents[ENTITY_COUNT][2] = {
        [ENTITY_BUSINESS_UNIT] = {ENTITY_ORGANISATION, ENTITY_BUSINESS_UNIT},
        [ENTITY_SYSTEM] = {ENTITY_BUSINESS_UNIT},
        [ENTITY_ENVIRONMENT_GROUP] = {ENTITY_BUSINESS_UNIT},
        [ENTITY_INSTANCE] = {ENTITY_SYSTEM},
        [ENTITY_COMPONENT] = {ENTITY_INSTANCE},
        [ENTITY_CHECK] = {ENTITY_COMPONENT},
    };
    const struct rows *rows = reload->rows[kind];
    bool asked = false;

    for (int row = 0; rows && row < rows_count(rows); row++) {
        struct node_definition definition = engine_read_definition(rows, row);

        for (int i = 0; i < 2 && parents[kind][i] != ENTITY_NONE; i++)
            asked |= ask_for(engine, &definition.parent_id, &reload->ids[parents[kind][i]]);
        asked |= ask_for(engine, &definition.group_id, &reload->ids[ENTITY_ENVIRONMENT_GROUP]);
    }
    return asked;
}

/* Reads what is asked for and, where the notice of a parent got lost, the parent too. */
static enum err read_with_parents(struct engine *engine, struct reload *reload)
{
    bool asked = true;

    engine->reloads++;
    while (asked) {
        TRY(read_nodes(engine, reload));
        asked = false;
        for (int kind = 0; kind < ENTITY_COUNT; kind++)
            asked |= ask_for_parents(engine, reload, (enum entity_kind)kind);
    }
    if (engine->created.len > 0)
        TRY(engine_read_all(engine, &sql_health_statuses_of,
                            PARAMS(p_uuids(engine->created.items, engine->created.len)),
                            engine_read_status));
    engine->created.len = 0;
    return OK;
}

/* Taking over --------------------------------------------------------------------------------- */

/* How many of the rows cannot be linked: their parents are not there, or lie below them as yet. */
static size_t link_nodes(struct engine *engine, const struct rows *rows, int64_t now_ms)
{
    size_t failed = 0;

    for (int row = 0; rows && row < rows_count(rows); row++) {
        struct node_definition definition = engine_read_definition(rows, row);
        struct node *node = tree_find(&engine->tree, &definition.id);

        failed += node && !tree_link(&engine->tree, node, &definition, now_ms);
    }
    return failed;
}

/* What has no parent is being deleted; what is in the tree already stays where it is until then. */
static void drop_unlinked(struct engine *engine, const struct rows *rows, int64_t now_ms)
{
    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid id = row_uuid(rows, row, 2);
        struct node *node = tree_find(&engine->tree, &id);

        if (!node || node->parent || node->kind == ENTITY_ORGANISATION)
            continue;
        log_warning("engine.node_without_parent", "kind=%s key=%s", entity_words[node->kind],
                    node->key);
        tree_remove(&engine->tree, node, now_ms);
    }
}

/* Units may change places with each other, so those that could not be linked are tried again for as
 * long as that helps. */
static void link_kind(struct engine *engine, const struct rows *rows, int64_t now_ms)
{
    size_t failed = link_nodes(engine, rows, now_ms);
    size_t before = failed + 1;

    while (failed > 0 && failed < before) {
        before = failed;
        failed = link_nodes(engine, rows, now_ms);
    }
    if (failed > 0)
        drop_unlinked(engine, rows, now_ms);
}

/* What was asked for and is in no row has been deleted. */
static void remove_gone(struct engine *engine, const uuid_vec *ids, int64_t now_ms)
{
    for (size_t i = 0; i < ids->len; i++) {
        struct node *node = tree_find(&engine->tree, &ids->items[i]);
        size_t first = engine->tree.removed.len;

        if (!node || node->seen == engine->reloads)
            continue;
        tree_remove(&engine->tree, node, now_ms);
        announce_removed_checks(engine, first);
    }
}

/* Checks that came back with a cascade bring their memory along. */
static enum err load_checks(struct engine *engine, const uuid_vec *ids)
{
    uuid_vec created = {0};
    enum err err = OK;

    if (ids->len == 0)
        return OK;
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

static void show(struct engine *engine, const uuid_vec *ids, int64_t now_ms)
{
    for (size_t i = 0; i < ids->len; i++) {
        struct node *node = tree_find(&engine->tree, &ids->items[i]);

        if (!node)
            continue;
        if (node->check)
            engine_show_check(engine, node->check, now_ms, node->status.reason);
        tree_each(node, engine_enter_maintenance, engine);
    }
    engine->due_ms = 0;
}

/* What is there is linked before what is gone leaves: it may have been moved out of that. */
static enum err reload_nodes(struct engine *engine, struct reload *reload, int64_t now_ms)
{
    metric_register(&read_again);
    TRY(add_components(engine, &reload->ids[ENTITY_COMPONENT_DEFINITION],
                       &reload->ids[ENTITY_COMPONENT]));
    TRY(read_with_parents(engine, reload));
    for (int kind = 0; kind < ENTITY_COUNT; kind++)
        link_kind(engine, reload->rows[kind], now_ms);
    for (int kind = 0; kind < (int)ARRAY_LEN(nodes_of); kind++)
        remove_gone(engine, &reload->ids[kind], now_ms);
    TRY(load_checks(engine, &reload->ids[ENTITY_CHECK]));
    for (int kind = 0; kind < (int)ARRAY_LEN(nodes_of); kind++)
        show(engine, &reload->ids[kind], now_ms);
    return reload->ids[ENTITY_MAINTENANCE_WINDOW].len > 0 ? engine_load_windows(engine) : OK;
}

enum err engine_reload(struct engine *engine, const struct change *changes, size_t count,
                       int64_t now_ms)
{
    CLEANUP(reload_clear) struct reload reload = {0};

    if (count == 0)
        return OK;
    for (size_t i = 0; i < count; i++)
        vec_push(&reload.ids[changes[i].kind], changes[i].id);
    return reload_nodes(engine, &reload, now_ms);
}

/* Polling ------------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

/* When a version 7 id was made. */
static int64_t time_of_id(const struct uuid *id)
{
    int64_t at_ms = 0;

    for (int i = 0; i < 6; i++)
        at_ms = at_ms << 8 | id->bytes[i];
    return at_ms;
}

/* Forgets what was found, and what should have been long ago: read once more it does no harm. */
static void forget_told(struct engine *engine, const bool *found, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < engine->told.len; i++) {
        if (!found[i] && now_ms - time_of_id(&engine->told.items[i]) < TOLD_MS)
            engine->told.items[kept++] = engine->told.items[i];
    }
    engine->told.len = kept;
}

/* Reads again what the rows name and nobody told of. */
static enum err follow_rows(struct engine *engine, const struct rows *rows, int64_t now_ms)
{
    AUTO(xfree) bool *found = xcalloc(engine->told.len + 1, sizeof *found);
    VEC(struct change) changes = {0};
    enum err err;

    if (engine->told.len > 0)
        qsort(engine->told.items, engine->told.len, sizeof(struct uuid), compare_ids);
    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid entry_id = row_uuid(rows, row, 1);
        const struct uuid *told = NULL;

        if (engine->told.len > 0)
            told = bsearch(&entry_id, engine->told.items, engine->told.len, sizeof entry_id,
                           compare_ids);
        if (told)
            found[told - engine->told.items] = true;
        else
            vec_push(&changes, (struct change){.word = CHANGE_UPDATED,
                                               .kind = engine_kind_of(row_text(rows, row, 2)),
                                               .id = row_uuid(rows, row, 3)});
    }
    err = engine_reload(engine, changes.items, changes.len, now_ms);
    vec_clear(&changes);
    if (err == OK)
        forget_told(engine, found, now_ms);
    return err;
}

enum err engine_poll(struct engine *engine, int64_t now_ms)
{
    bool has_more = true;

    while (has_more) {
        AUTO(rows_free) struct rows *rows = NULL;
        int count;

        TRY(db_query(engine->db, &sql_health_changed_after, PARAMS(p_int(engine->followed)),
                     &rows));
        count = rows_count(rows);
        TRY(follow_rows(engine, rows, now_ms));
        if (count > 0)
            engine->followed = row_int(rows, count - 1, 0);
        has_more = count >= FOLLOW_MOST;
    }
    engine->polled_at_ms = now_ms;
    return OK;
}
