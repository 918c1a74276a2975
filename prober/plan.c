/*
 * The plan is a map from check to what was last set for it. A reset starts a new generation; when
 * the last frame of the plan has come, what is still of an older generation is dropped.
 */
#include "prober/plan.h"

#include <stdio.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/log.h"
#include "shared/map.h"

#include "prober/engine.h"

struct planned {
    struct uuid id; /* the key */
    uint64_t digest;
    unsigned generation;
    UT_hash_handle hh;
};

struct plan {
    struct engine *engine;
    plan_result_fn on_result;
    void *context;
    struct planned *checks;
    unsigned generation;
    bool resetting; /* older generations go when the plan is complete */
    uint64_t version;
};

struct plan *plan_new(struct engine *engine, plan_result_fn on_result, void *context)
{
    struct plan *plan = NEW(struct plan);

    plan->engine = engine;
    plan->on_result = on_result;
    plan->context = context;
    return plan;
}

static void forget(struct plan *plan, struct planned *planned)
{
    HASH_DEL(plan->checks, planned);
    free(planned);
}

void plan_free(struct plan *plan)
{
    struct planned *planned;
    struct planned *next;

    if (!plan)
        return;
    HASH_ITER (hh, plan->checks, planned, next)
        forget(plan, planned);
    free(plan);
}

static uint64_t digest_of(const struct frame_item *item)
{
    uint64_t digest = text_hash(item->document);

    digest = digest * 31 + text_hash(item->kind);
    digest = digest * 31 + item->interval_ms;
    return digest * 31 + item->timeout_ms;
}

/* Tells control that this prober cannot run the check, in the check's own history. */
static void report_refusal(struct plan *plan, const struct uuid *id)
{
    const struct failure *failure = failure_last();
    const json_t *first = json_array_get(failure->errors, 0);
    char message[RESULT_MESSAGE_BYTES_MAX];
    int64_t now_ms = clock_wall_ms();

    if (first)
        snprintf(message, sizeof message, "this prober cannot run the check: %s: %s",
                 json_text(first, "pointer", ""), json_text(first, "detail", ""));
    else
        snprintf(message, sizeof message, "this prober cannot run the check: %s", failure->detail);
    plan->on_result(plan->context, &(struct result){
                                       .check_id = *id,
                                       .scheduled_at_ms = now_ms,
                                       .at_ms = now_ms,
                                       .verdict = VERDICT_ERROR,
                                       .outcome = OUTCOME_PROBER_ERROR,
                                       .phase = PHASE_QUEUE,
                                       .message = str_of(message),
                                   });
    failure_clear();
}

static enum err set_in_engine(struct plan *plan, const struct frame_item *item)
{
    JSON_AUTO json_t *spec = NULL;

    TRY(json_parse(item->document, &spec));
    return engine_set_check(plan->engine, &(struct engine_check){
                                              .id = item->check_id,
                                              .kind = item->kind,
                                              .interval_ms = item->interval_ms,
                                              .timeout_ms = item->timeout_ms,
                                              .spec = spec,
                                              .at_once = item->flags & BUS_CHECK_AT_ONCE,
                                          });
}

static struct planned *find(struct plan *plan, const struct uuid *id)
{
    struct planned *planned;

    HASH_FIND(hh, plan->checks, id, sizeof *id, planned);
    return planned;
}

static void set_check(struct plan *plan, const struct frame_item *item)
{
    struct planned *planned = find(plan, &item->check_id);
    uint64_t digest = digest_of(item);

    if (planned && planned->digest == digest) {
        planned->generation = plan->generation;
        return;
    }
    if (!planned) {
        planned = NEW(struct planned);
        planned->id = item->check_id;
        HASH_ADD(hh, plan->checks, id, sizeof planned->id, planned);
    }
    planned->digest = digest;
    planned->generation = plan->generation;
    if (set_in_engine(plan, item) == OK)
        return;
    engine_drop_check(plan->engine, &item->check_id); /* not what was wanted before, either */
    report_refusal(plan, &item->check_id);
}

static void drop_check(struct plan *plan, const struct uuid *id)
{
    struct planned *planned = find(plan, id);

    if (!planned)
        return;
    forget(plan, planned);
    engine_drop_check(plan->engine, id);
}

void plan_apply(struct plan *plan, const struct frame_item *item)
{
    switch (item->type) {
    case BUS_PLAN_RESET:
        plan->generation++;
        plan->resetting = true;
        break;
    case BUS_CHECK_SET:
        set_check(plan, item);
        break;
    case BUS_CHECK_DROP:
        drop_check(plan, &item->check_id);
        break;
    case BUS_RUN_AT:
        engine_run_at(plan->engine, &item->check_id, item->delay_ms);
        break;
    case BUS_PREVIEW: /* the link's own */
        break;
    }
}

static void drop_older_generations(struct plan *plan)
{
    struct planned *planned;
    struct planned *next;

    HASH_ITER (hh, plan->checks, planned, next) {
        if (planned->generation == plan->generation)
            continue;
        engine_drop_check(plan->engine, &planned->id);
        forget(plan, planned);
    }
}

void plan_applied(struct plan *plan, uint64_t version, bool more)
{
    if (plan->resetting && !more) {
        drop_older_generations(plan);
        plan->resetting = false;
        log_info("plan.complete", "checks=%zu version=%llu", plan_checks(plan),
                 (unsigned long long)version);
    }
    plan->version = version;
}

uint64_t plan_version(const struct plan *plan)
{
    return plan->version;
}

size_t plan_checks(const struct plan *plan)
{
    return HASH_COUNT(plan->checks);
}
