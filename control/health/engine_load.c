/*
 * Everything from the database, at the start: definitions first, then what was remembered, then
 * links, then the checks' states, because the tree propagates only when it is whole. And
 * maintenance windows, which are always read together.
 */
#include "shared/clock.h"
#include "shared/mem.h"

#include "control/health/engine.sql.h"
#include "control/health/engine_private.h"
#include "control/health/reasons.h"
#include "control/store/db.h"
#include "control/store/query.h"

/* Windows ------------------------------------------------------------------------------------- */

enum err engine_load_windows(struct engine *engine)
{
    engine->windows.len = 0;
    engine->due_ms = 0;
    return engine_read_all(engine, &sql_health_windows, NO_PARAMS, engine_read_window);
}

/* Checks hear of maintenance of anything above them. */
void engine_enter_maintenance(void *context, struct node *node)
{
    struct engine *engine = context;
    struct check *check = node->check;
    struct judgement judgement;

    if (!check || check->state.in_maintenance == node->status.under_maintenance)
        return;
    judgement = judge_maintenance(&check->params, &check->state, clock_wall_ms(),
                                  node->status.under_maintenance);
    engine_touch(engine, check);
    engine_apply_judgement(engine, check, &judgement, clock_wall_ms(), REASON_STALE);
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
            tree_each(node, engine_enter_maintenance, engine);
    }
}

/* Everything ---------------------------------------------------------------------------------- */

static void load_sequences(struct engine *engine, const struct rows *rows, int row)
{
    engine->event_seq = row_int(rows, row, 0);
    engine->announcement_seq = row_int(rows, row, 1);
    engine->plan_revision = row_int(rows, row, 2);
    engine->followed = row_int(rows, row, 3);
}

static enum err load_nodes(struct engine *engine, int64_t now_ms)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(engine->db, &sql_health_nodes, NO_PARAMS, &rows));
    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = engine_read_definition(rows, row);

        tree_put(&engine->tree, &definition, NULL);
    }
    TRY(engine_read_all(engine, &sql_health_statuses, NO_PARAMS, engine_read_status));
    for (int row = 0; row < rows_count(rows); row++) {
        struct node_definition definition = engine_read_definition(rows, row);
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

    TRY(engine_take_lead(engine));
    TRY(engine_read_all(engine, &sql_health_sequences, NO_PARAMS, load_sequences));
    TRY(engine_read_all(engine, &sql_health_positions, NO_PARAMS, engine_read_position));
    tree_load_begin(&engine->tree);
    TRY(load_nodes(engine, now_ms));
    TRY(engine_read_all(engine, &sql_health_check_states, NO_PARAMS, engine_read_check_state));
    TRY(engine_read_all(engine, &sql_health_checks, NO_PARAMS, engine_read_check));
    TRY(engine_load_windows(engine));
    engine_apply_windows(engine, now_ms);
    show_all_checks(engine, now_ms);
    tree_load_end(&engine->tree, now_ms);
    HASH_ITER (hh, engine->tree.nodes, node, next) {
        engine_enter_maintenance(engine, node);
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
