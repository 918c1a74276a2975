/*
 * From rows to the tree: all of them at the start, some of them after a change. Definitions first, then what was
 * remembered, then links, then the checks' states: the tree propagates only when it is whole.
 */
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

#include "control/api/server.h"
#include "control/health/check_codec.h"
#include "control/health/engine.sql.h"
#include "control/health/engine_private.h"
#include "control/store/db.h"
#include "control/store/query.h"

#define POLL_OVERLAP_MS 5000 /* a transaction may commit that much after its time */
#define MILLIONTHS      1000000

/* Reading rows ---------------------------------------------------------------------------------- */

static enum entity_kind kind_of(struct str word)
{
    for (int kind = 1; kind < ENTITY_COUNT; kind++) {
        if (str_equal(word, str_of(entity_words[kind])))
            return (enum entity_kind)kind;
    }
    return ENTITY_NONE;
}

static enum state state_of_word(struct str word)
{
    for (int state = 0; state < STATE_COUNT; state++) {
        if (str_equal(word, str_of(state_word((enum state)state))))
            return (enum state)state;
    }
    return STATE_UNKNOWN;
}

static struct node_definition read_definition(const struct rows *rows, int row)
{
    struct node_definition definition = {
        .kind = kind_of(row_text(rows, row, 1)),
        .id = row_uuid(rows, row, 2),
        .key = row_text(rows, row, 3),
        .name = row_text(rows, row, 4),
        .version = row_int(rows, row, 5),
        .created_at_ms = row_ms(rows, row, 6),
        .parent_id = row_uuid(rows, row, 7),
        .group_id = row_uuid(rows, row, 8),
        .weight = row_int(rows, row, 10),
        .facts = row_text(rows, row, 16),
    };

    criticality_from_word(row_text(rows, row, 9), &definition.criticality);
    policy_from_word(row_text(rows, row, 11), &definition.policy.policy);
    definition.policy.min_up = (uint32_t)row_int(rows, row, 12);
    definition.policy.operational_at = (struct fraction){row_int(rows, row, 13), MILLIONTHS};
    definition.policy.down_below = (struct fraction){row_int(rows, row, 14), MILLIONTHS};
    definition.policy.unknown_share = (struct fraction){row_int(rows, row, 15), MILLIONTHS};
    return definition;
}

static struct check *check_of(struct node *node)
{
    struct check *check = node->check;

    if (!check) {
        check = NEW(struct check);
        check->node = node;
        check->last_outcome = -1;
        node->check = check;
    }
    return check;
}

static struct check *find_check(struct engine *engine, const struct uuid *id)
{
    struct node *node = tree_find(&engine->tree, id);

    return node && node->kind == ENTITY_CHECK ? check_of(node) : NULL;
}

static void read_check(struct engine *engine, const struct rows *rows, int row)
{
    struct uuid id = row_uuid(rows, row, 0);
    struct check *check = find_check(engine, &id);
    bool was_enabled = check && check->enabled;

    if (!check)
        return;
    check->params = (struct judge_params){
        .interval_ms = row_int(rows, row, 3) * 1000,
        .retry_interval_ms = row_int(rows, row, 4) * 1000,
        .fall = (uint8_t)row_int(rows, row, 6),
        .rise = (uint8_t)row_int(rows, row, 7),
        .unknown_after = (uint8_t)row_int(rows, row, 8),
        .stale_after_ms = row_int(rows, row, 9) * 1000,
        .flap = row_bool(rows, row, 10),
        .flap_high_pct = JUDGE_FLAP_HIGH_PCT,
        .flap_low_pct = JUDGE_FLAP_LOW_PCT,
    };
    check->degraded_only = row_bool(rows, row, 11);
    check->enabled = row_bool(rows, row, 12);
    engine->plan_revision = MAX(engine->plan_revision, row_int(rows, row, 13));

    /* A check that was paused begins anew; what people were told stays. */
    if (was_enabled && !check->enabled) {
        check->state = (struct check_state){.told = check->state.told,
                                            .hard_since_ms = check->state.hard_since_ms,
                                            .in_maintenance = check->state.in_maintenance};
        check->soft = false;
        engine_touch(engine, check);
    }
    news_add_plan(engine->news, &(struct health_plan_entry){
                                    .check_id = id,
                                    .probed = check->enabled,
                                    .at_once = !check->state.has_result,
                                    .interval_ms = (uint32_t)check->params.interval_ms,
                                    .timeout_ms = (uint32_t)row_int(rows, row, 5),
                                    .kind = row_text(rows, row, 1),
                                    .spec = row_text(rows, row, 2),
                                });
}

static void read_check_state(struct engine *engine, const struct rows *rows, int row)
{
    struct uuid id = row_uuid(rows, row, 0);
    struct check *check = find_check(engine, &id);
    struct uuid prober_id = row_uuid(rows, row, 3);
    struct str record = row_bytes(rows, row, 4);

    if (!check)
        return;
    check->results = row_int(rows, row, 1);
    if (!check_state_read(row_bytes(rows, row, 2), &check->state))
        log_warning("engine.state_unreadable", "check_results=%lld", (long long)check->results);
    if (record.ptr)
        news_add_result(engine->news, &id, &prober_id, record, true);
}

static void read_status(struct engine *engine, const struct rows *rows, int row)
{
    struct uuid id = row_uuid(rows, row, 0);
    struct node *node = tree_find(&engine->tree, &id);
    struct str reason = row_text(rows, row, 5);
    struct status status = {
        .state = state_of_word(row_text(rows, row, 1)),
        .measured = state_of_word(row_text(rows, row, 2)),
        .since_ms = row_ms(rows, row, 3),
        .version = row_int(rows, row, 4),
        .partial_maintenance = row_bool(rows, row, 6),
        .under_maintenance = row_bool(rows, row, 7),
    };

    if (!node)
        return;
    status.reason = (char *)reason.ptr; /* row texts are C strings; copied by the tree */
    tree_restore(node, &status);
}

static void read_window(struct engine *engine, const struct rows *rows, int row)
{
    vec_push(&engine->windows, (struct window){
                                   .id = row_uuid(rows, row, 0),
                                   .scope_id = row_uuid(rows, row, 1),
                                   .starts_ms = row_ms(rows, row, 2),
                                   .ends_ms = row_ms(rows, row, 3),
                               });
}

static void read_position(struct engine *engine, const struct rows *rows, int row)
{
    struct position *position = NEW(struct position);

    position->key.prober_id = row_uuid(rows, row, 0);
    position->key.boot_id = (uint64_t)row_int(rows, row, 1);
    position->acked_seq = (uint64_t)row_int(rows, row, 2);
    position->lost = (uint64_t)row_int(rows, row, 3);
    HASH_ADD(hh, engine->positions, key, sizeof position->key, position);
}

static enum err read_all(struct engine *engine, const struct statement *statement,
                         struct params params,
                         void (*read)(struct engine *engine, const struct rows *rows, int row))
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(engine->db, statement, params, &rows));
    for (int row = 0; row < rows_count(rows); row++)
        read(engine, rows, row);
    return OK;
}

/* Windows --------------------------------------------------------------------------------------- */

static enum err load_windows(struct engine *engine)
{
    engine->windows.len = 0;
    engine->due_ms = 0;
    return read_all(engine, &sql_health_windows, NO_PARAMS, read_window);
}

/* Checks hear of maintenance of anything above them. */
static void enter_maintenance(void *context, struct node *node)
{
    struct engine *engine = context;
    struct check *check = node->check;
    struct judgement judgement;

    if (!check || check->state.in_maintenance == node->status.under_maintenance)
        return;
    judgement = judge_maintenance(&check->params, &check->state, clock_wall_ms(),
                                  node->status.under_maintenance);
    engine_touch(engine, check);
    engine_apply_judgement(engine, check, &judgement, clock_wall_ms(), "no result for too long");
}

static bool can_have_window(enum entity_kind kind)
{
    return kind == ENTITY_SYSTEM || kind == ENTITY_ENVIRONMENT_GROUP || kind == ENTITY_INSTANCE ||
           kind == ENTITY_COMPONENT;
}

void engine_apply_windows(struct engine *engine, int64_t now_ms)
{
    struct node *node;
    struct node *next;

    if (now_ms < engine->due_ms)
        return;
    HASH_ITER (hh, engine->tree.nodes, node, next) {
        bool open =
            can_have_window(node->kind) && windows_are_open(&engine->windows, &node->id, now_ms);

        if (open == node->in_maintenance)
            continue;
        tree_set_maintenance(&engine->tree, node, open, now_ms);
        if (!engine->tree.quiet)
            tree_each(node, enter_maintenance, engine);
    }
}

/* Everything ------------------------------------------------------------------------------------ */

static void load_sequences(struct engine *engine, const struct rows *rows, int row)
{
    engine->event_seq = row_int(rows, row, 0);
    engine->announcement_seq = row_int(rows, row, 1);
    engine->plan_revision = row_int(rows, row, 2);
}

static enum err load_nodes(struct engine *engine, int64_t now_ms)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(engine->db, &sql_health_nodes, NO_PARAMS, &rows));
    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = read_definition(rows, row);

        tree_put(&engine->tree, &definition, NULL);
    }
    TRY(read_all(engine, &sql_health_statuses, NO_PARAMS, read_status));
    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = read_definition(rows, row);
        struct node *node = tree_find(&engine->tree, &definition.id);

        if (node && !tree_link(&engine->tree, node, &definition, now_ms))
            tree_remove(&engine->tree, node, now_ms);
    }
    return OK;
}

static void show_all_checks(struct engine *engine, int64_t now_ms)
{
    struct node *node;
    struct node *next;

    HASH_ITER (hh, engine->tree.nodes, node, next) {
        if (node->check)
            engine_show_check(engine, node->check, now_ms, node->status.reason);
    }
}

enum err engine_load(struct engine *engine, int64_t now_ms)
{
    struct node *node;
    struct node *next;

    TRY(db_connect(engine->db));
    TRY(read_all(engine, &sql_health_sequences, NO_PARAMS, load_sequences));
    TRY(read_all(engine, &sql_health_positions, NO_PARAMS, read_position));
    tree_load_begin(&engine->tree);
    TRY(load_nodes(engine, now_ms));
    TRY(read_all(engine, &sql_health_check_states, NO_PARAMS, read_check_state));
    TRY(read_all(engine, &sql_health_checks, NO_PARAMS, read_check));
    TRY(load_windows(engine));
    engine_apply_windows(engine, now_ms);
    show_all_checks(engine, now_ms);
    tree_load_end(&engine->tree, now_ms);
    HASH_ITER (hh, engine->tree.nodes, node, next) {
        enter_maintenance(engine, node);
    }
    engine->polled_at_ms = now_ms;
    return OK;
}

void engine_unload(struct engine *engine)
{
    struct position *position;
    struct position *next_position;
    struct node *node;
    struct node *next_node;

    HASH_ITER (hh, engine->tree.nodes, node, next_node) {
        free(node->check);
    }
    for (size_t i = 0; i < engine->tree.removed.len; i++)
        free(engine->tree.removed.items[i]->check);
    tree_clear(&engine->tree);
    HASH_ITER (hh, engine->positions, position, next_position) {
        HASH_DEL(engine->positions, position);
        free(position);
    }
    engine->touched.len = 0;
    batch_clear(engine->batch);
    news_free(engine->news);
    engine->news = news_new();
}

/* Some of it ------------------------------------------------------------------------------------ */

typedef VEC(struct uuid) uuid_vec;

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

/* Puts what the rows say into the tree; what is new, or was restored, gets its last known status back. */
static enum err put_nodes(struct engine *engine, const struct rows *rows)
{
    uuid_vec created = {0};
    enum err err = OK;

    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = read_definition(rows, row);
        bool is_new;

        tree_put(&engine->tree, &definition, &is_new);
        if (is_new)
            vec_push(&created, definition.id);
    }
    if (created.len > 0)
        err = read_all(engine, &sql_health_statuses_of, PARAMS(p_uuids(created.items, created.len)),
                       read_status);
    vec_clear(&created);
    return err;
}

/* What has no parent yet will come again with it. */
static void link_nodes(struct engine *engine, const struct rows *rows, int64_t now_ms)
{
    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = read_definition(rows, row);
        struct node *node = tree_find(&engine->tree, &definition.id);

        if (!node || tree_link(&engine->tree, node, &definition, now_ms))
            continue;
        log_warning("engine.node_without_parent", "kind=%s key=%s", entity_words[node->kind],
                    node->key);
        tree_remove(&engine->tree, node, now_ms);
    }
}

/* Checks that came back with a cascade bring their memory along. */
static enum err load_new_checks(struct engine *engine, const uuid_vec *ids)
{
    uuid_vec created = {0};
    enum err err = OK;

    for (size_t i = 0; i < ids->len; i++) {
        struct node *node = tree_find(&engine->tree, &ids->items[i]);

        if (node && node->kind == ENTITY_CHECK && !node->check)
            vec_push(&created, node->id);
    }
    if (created.len > 0)
        err = read_all(engine, &sql_health_check_states_of,
                       PARAMS(p_uuids(created.items, created.len)), read_check_state);
    vec_clear(&created);
    return err;
}

static enum err reload_ids(struct engine *engine, const uuid_vec *ids, int64_t now_ms)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (ids->len == 0)
        return OK;
    TRY(db_query(engine->db, &sql_health_nodes_of, PARAMS(p_uuids(ids->items, ids->len)), &rows));
    remove_gone(engine, ids, rows, now_ms);
    TRY(put_nodes(engine, rows));
    link_nodes(engine, rows, now_ms);
    TRY(load_new_checks(engine, ids));
    TRY(read_all(engine, &sql_health_checks_of, PARAMS(p_uuids(ids->items, ids->len)), read_check));
    for (size_t i = 0; i < ids->len; i++) {
        struct node *node = tree_find(&engine->tree, &ids->items[i]);

        if (!node)
            continue;
        if (node->check)
            engine_show_check(engine, node->check, now_ms, node->status.reason);
        tree_each(node, enter_maintenance, engine);
    }
    engine->due_ms = 0;
    return OK;
}

enum err engine_reload(struct engine *engine, const struct change *changes, size_t count,
                       int64_t now_ms)
{
    uuid_vec ids = {0};
    uuid_vec definitions = {0};
    bool windows = false;
    enum err err;

    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind == ENTITY_MAINTENANCE_WINDOW)
            windows = true;
        else if (changes[i].kind == ENTITY_COMPONENT_DEFINITION)
            vec_push(&definitions, changes[i].id);
        else if (changes[i].kind != ENTITY_SETTINGS)
            vec_push(&ids, changes[i].id);
    }
    err = add_components(engine, &definitions, &ids);
    if (err == OK)
        err = reload_ids(engine, &ids, now_ms);
    if (err == OK && windows)
        err = load_windows(engine);
    vec_clear(&ids);
    vec_clear(&definitions);
    return err;
}

/* Polling --------------------------------------------------------------------------------------- */

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

static enum err follow_journal(struct engine *engine, const struct rows *rows, int64_t now_ms)
{
    VEC(struct change) changes = {0};
    enum err err = OK;

    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid id = row_uuid(rows, row, 0);
        struct change change = {
            .word = CHANGE_UPDATED,
            .kind = kind_of(row_text(rows, row, 1)),
            .id = row_uuid(rows, row, 2),
        };

        if (engine->polled.len == 0 ||
            !bsearch(&id, engine->polled.items, engine->polled.len, sizeof id, compare_ids))
            vec_push(&changes, change);
    }
    if (changes.len > 0)
        err = engine_reload(engine, changes.items, changes.len, now_ms);
    vec_clear(&changes);
    if (err != OK)
        return err;

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
