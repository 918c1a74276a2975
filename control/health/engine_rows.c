/* Rows of the database as the engine's structs. Texts of rows are copied by whoever keeps them. */
#include "shared/log.h"
#include "shared/mem.h"

#include "control/health/check_codec.h"
#include "control/health/engine_private.h"
#include "control/store/query.h"

#define MILLIONTHS     1000000
#define NEVER_STALE_MS (INT64_MAX / 4) /* far off, and nothing overflows that it is added to */

enum entity_kind engine_kind_of(struct str word)
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

struct node_definition engine_read_definition(const struct rows *rows, int row)
{
    struct node_definition definition = {
        .kind = engine_kind_of(row_text(rows, row, 1)),
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

void engine_read_check(struct engine *engine, const struct rows *rows, int row)
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
    /* Who has not called is down, not unknown: control itself makes that result. */
    if (str_equal(row_text(rows, row, 1), STR(CHECK_HEARTBEAT)))
        check->params.stale_after_ms = NEVER_STALE_MS;
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
                                    .ever = check->results > 0,
                                    .interval_ms = (uint32_t)check->params.interval_ms,
                                    .timeout_ms = (uint32_t)row_int(rows, row, 5),
                                    .last_at_ms = check->state.last_result_at_ms,
                                    .kind = row_text(rows, row, 1),
                                    .spec = row_text(rows, row, 2),
                                    .token = row_text(rows, row, 14),
                                });
}

void engine_read_check_state(struct engine *engine, const struct rows *rows, int row)
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

void engine_read_status(struct engine *engine, const struct rows *rows, int row)
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

void engine_read_window(struct engine *engine, const struct rows *rows, int row)
{
    vec_push(&engine->windows, (struct window){
                                   .id = row_uuid(rows, row, 0),
                                   .scope_id = row_uuid(rows, row, 1),
                                   .starts_ms = row_ms(rows, row, 2),
                                   .ends_ms = row_ms(rows, row, 3),
                               });
}

void engine_read_position(struct engine *engine, const struct rows *rows, int row)
{
    struct position *position = NEW(struct position);

    position->key.prober_id = row_uuid(rows, row, 0);
    position->key.boot_id = (uint64_t)row_int(rows, row, 1);
    position->acked_seq = (uint64_t)row_int(rows, row, 2);
    position->lost = (uint64_t)row_int(rows, row, 3);
    HASH_ADD(hh, engine->positions, key, sizeof position->key, position);
}

enum err engine_read_all(struct engine *engine, const struct statement *statement,
                         struct params params,
                         void (*read)(struct engine *engine, const struct rows *rows, int row))
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(engine->db, statement, params, &rows));
    for (int row = 0; row < rows_count(rows); row++)
        read(engine, rows, row);
    return OK;
}
