/*
 * From the results of a report to the states of checks. Each (prober, boot) has one contiguous
 * sequence: what was stored already is skipped, a gap is refused once, and accepted when the prober
 * insists, because then it has lost what was in the gap.
 */
#include <string.h>

#include "shared/clock.h"
#include "shared/frame.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"

#include "control/health/engine_private.h"
#include "control/health/reasons.h"
#include "control/health/samples.h"

#define HOUR_MS      3600000
#define AT_MS_MIN    1000000000000 /* 2001: a clock that was never set */
#define AHEAD_MS_MAX 86400000

#define POSITIONS_MAX 4096

static struct metric accepted = METRIC_COUNTER("em_results_accepted_total", "Results stored");
static struct metric repeated =
    METRIC_COUNTER("em_results_repeated_total", "Results that had been stored before");
static struct metric late =
    METRIC_COUNTER("em_results_late_total", "Results older than the newest of their check");
static struct metric orphaned =
    METRIC_COUNTER("em_results_orphaned_total", "Results of checks that are gone");
static struct metric misdated =
    METRIC_COUNTER("em_results_misdated_total", "Results with a time that cannot be");
static struct metric lost =
    METRIC_COUNTER("em_results_lost_total", "Results that a prober had to give up");

static void register_metrics(void)
{
    metric_register(&accepted);
    metric_register(&repeated);
    metric_register(&late);
    metric_register(&orphaned);
    metric_register(&misdated);
    metric_register(&lost);
}

void engine_touch(struct engine *engine, struct check *check)
{
    if (check->touched)
        return;
    check->touched = true;
    vec_push(&engine->touched, check);
}

void engine_show_check(struct engine *engine, struct check *check, int64_t at_ms,
                       const char *reason)
{
    enum state state = check->enabled ? check->state.hard : STATE_UNKNOWN;
    enum state contributed = state == STATE_DOWN && check->degraded_only ? STATE_DEGRADED : state;

    if (!check->enabled)
        reason = REASON_PAUSED;
    else if (strcmp(reason, REASON_PAUSED) == 0) /* it was, until now */
        reason = reason_for_nothing_yet(ENTITY_CHECK);
    tree_set_check(&engine->tree, check->node, state, contributed, check->enabled, at_ms, reason);
}

void engine_apply_judgement(struct engine *engine, struct check *check,
                            const struct judgement *judgement, int64_t now_ms, const char *reason)
{
    for (int i = 0; i < judgement->message_count; i++)
        batch_add_announcement(engine->batch, ++engine->announcement_seq, now_ms, &check->node->id,
                               judgement->messages[i], check->state.hard);
    if (judgement->hard_changed)
        engine_show_check(engine, check, check->state.hard_since_ms, reason);
}

/* Results of the check that the ring still takes before the next chunk of samples has to be
 * written. */
static int64_t room_of(const struct check *check)
{
    int64_t stored = check->results - check->unstored;
    int64_t to_chunk = SAMPLES_PER_CHUNK - stored % SAMPLES_PER_CHUNK;

    return to_chunk + (RESULT_RING_SLOTS - SAMPLES_PER_CHUNK) - check->unstored;
}

static bool is_kept(struct check *check, const struct result *result)
{
    int64_t hour = result->at_ms / HOUR_MS;
    bool kept = check->last_outcome != (int)result->outcome || hour != check->kept_hour;

    check->last_outcome = (int)result->outcome;
    if (kept)
        check->kept_hour = hour;
    return kept;
}

static void note_retry(struct health_report *report, const struct check *check,
                       const struct result *result, const struct judgement *judgement)
{
    if (judgement->next_in_ms >= check->params.interval_ms)
        return;
    report->retries =
        xrealloc(report->retries, (report->retry_count + 1) * sizeof *report->retries);
    report->retries[report->retry_count++] =
        (struct health_retry){result->check_id, result->at_ms + judgement->next_in_ms};
}

/* The silence before a result may have been too long, and nobody there to notice: then the check was
 * unknown meanwhile. */
static void let_time_pass(struct engine *engine, struct check *check, int64_t at_ms, int64_t now_ms)
{
    struct judgement judgement = judge_tick(&check->params, &check->state, at_ms);

    engine_apply_judgement(engine, check, &judgement, now_ms, REASON_STALE);
}

/* A result of a clock that runs ahead counts as of now. */
static void judge(struct engine *engine, struct health_report *report, struct check *check,
                  const struct result *result, int64_t now_ms)
{
    int64_t at_ms = MIN(result->at_ms, now_ms);
    bool was_flapping = check->state.flapping;
    struct judgement judgement;
    char reason[REASON_BYTES];

    let_time_pass(engine, check, at_ms, now_ms);
    judgement = judge_result(&check->params, &check->state, at_ms, result->verdict);
    if (check->soft != judgement.soft || was_flapping != check->state.flapping)
        tree_touch(&engine->tree, check->node);
    check->soft = judgement.soft;
    engine->due_ms = MIN(engine->due_ms, judge_stale_at_ms(&check->params, &check->state));
    reason_for_result(result, reason);
    engine_apply_judgement(engine, check, &judgement, now_ms, reason);
    note_retry(report, check, result, &judgement);
}

static enum err take_result(struct engine *engine, struct health_report *report,
                            const struct result *result, struct str record, int64_t now_ms)
{
    struct node *node = tree_find(&engine->tree, &result->check_id);
    struct check *check = node ? node->check : NULL;
    bool newest;

    if (!check) {
        metric_add(&orphaned, 1);
        return OK;
    }
    if (result->at_ms < AT_MS_MIN || result->at_ms > now_ms + AHEAD_MS_MAX) {
        metric_add(&misdated, 1);
        return OK;
    }
    if (room_of(check) == 0)
        TRY(engine_commit(engine));

    newest =
        !check->state.has_result || MIN(result->at_ms, now_ms) >= check->state.last_result_at_ms;
    engine_touch(engine, check);
    batch_add_result(engine->batch, result, check->results, &report->header.prober_id, record,
                     is_kept(check, result));
    check->results++;
    check->unstored++;
    metric_add(&accepted, 1);
    if (!newest)
        metric_add(&late, 1);
    else if (check->enabled)
        judge(engine, report, check, result, now_ms);
    news_add_result(engine->news, &result->check_id, &report->header.prober_id, record, newest);
    return OK;
}

/* Each start of a prober has one; those that were silent for longest stand first, and are forgotten
 * when there are too many. */
static struct position *position_of(struct engine *engine, const struct frame_report *header)
{
    struct position_key key = {header->prober_id, header->boot_id};
    struct position *position;

    HASH_FIND(hh, engine->positions, &key, sizeof key, position);
    if (position) {
        HASH_DEL(engine->positions, position);
    } else {
        position = NEW(struct position);
        position->key = key;
    }
    HASH_ADD(hh, engine->positions, key, sizeof position->key, position);
    if (HASH_COUNT(engine->positions) > POSITIONS_MAX) {
        struct position *silent = engine->positions;

        HASH_DEL(engine->positions, silent);
        free(silent);
    }
    return position;
}

/* Whether the report may be taken; a gap is, when the prober says the same again. */
static bool is_in_order(struct position *position, const struct frame_report *header)
{
    uint64_t expected = position->acked_seq + 1;

    if (header->first_seq <= expected) {
        position->gap_at = 0;
        return true;
    }
    if (position->gap_at != header->first_seq) {
        position->gap_at = header->first_seq;
        return false;
    }
    log_warning("ingest.gap", "lost=%llu", (unsigned long long)(header->first_seq - expected));
    metric_add(&lost, (int64_t)(header->first_seq - expected));
    position->lost += header->first_seq - expected;
    position->acked_seq = header->first_seq - 1;
    position->gap_at = 0;
    return true;
}

enum err engine_ingest(struct engine *engine, struct health_report *report, int64_t now_ms)
{
    const struct frame_report *header = &report->header;
    struct position *position = position_of(engine, header);
    struct frame_cursor cursor = report->cursor;

    register_metrics();
    if (!is_in_order(position, header)) {
        report->rewind = true;
        report->acked_seq = position->acked_seq;
        return OK;
    }

    for (unsigned i = 0; i < header->count; i++) {
        struct result result;
        struct str record;

        frame_next_result(&cursor, &result, &record);
        if (header->first_seq + i <= position->acked_seq) {
            metric_add(&repeated, 1);
            continue;
        }
        TRY(take_result(engine, report, &result, record, now_ms));
        position->acked_seq = header->first_seq + i;
        batch_add_position(engine->batch, &header->prober_id, header->boot_id, position->acked_seq,
                           position->lost);
    }
    report->acked_seq = position->acked_seq;
    return OK;
}

/* Time passing -------------------------------------------------------------------------------- */

void engine_tick(struct engine *engine, int64_t now_ms)
{
    int64_t due_ms = windows_next_ms(&engine->windows, now_ms);
    struct node *node;
    struct node *next;

    if (now_ms < engine->due_ms)
        return;
    HASH_ITER (hh, engine->tree.nodes, node, next) {
        struct check *check = node->check;
        struct judgement judgement;
        int64_t stale_ms;

        if (!check || !check->enabled || check->state.hard == STATE_UNKNOWN)
            continue;
        stale_ms = MAX(judge_stale_at_ms(&check->params, &check->state), engine->stale_not_before);
        if (now_ms < stale_ms) {
            due_ms = MIN(due_ms, stale_ms);
            continue;
        }
        judgement = judge_tick(&check->params, &check->state, now_ms);
        check->soft = false;
        engine_touch(engine, check);
        engine_apply_judgement(engine, check, &judgement, now_ms, REASON_STALE);
    }
    engine->due_ms = due_ms;
}
