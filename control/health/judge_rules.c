/*
 * One step is: has it gone stale, then what does the entry change, then what must be told. Telling
 * is always "the difference between the hard state and what was last told", so maintenance and
 * flapping only have to hold it back.
 */
#include "control/health/judge_rules.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "shared/attrs.h"

#define MESSAGE_WORD(name, word)      [MESSAGE_##name] = (word),
#define STATE_WORD(value, name, word) [STATE_##name] = (word),

const char *message_word(enum message message)
{
    static const char *const words[] = {MESSAGE_TABLE(MESSAGE_WORD)};

    return words[message];
}

const char *state_word(enum state state)
{
    static const char *const words[] = {STATE_TABLE(STATE_WORD)};

    return words[state];
}

/* Severity of a verdict is the order of the enum, and so is that of the states it stands for. */
static enum state state_of(enum verdict verdict)
{
    static const enum state states[] = {
        [VERDICT_OK] = STATE_OPERATIONAL,
        [VERDICT_WARN] = STATE_DEGRADED,
        [VERDICT_FAIL] = STATE_DOWN,
    };

    assert(verdict != VERDICT_ERROR);
    return states[verdict];
}

static void send(struct judgement *judgement, enum message message)
{
    assert(judgement->message_count < JUDGEMENT_MESSAGES_MAX);
    judgement->messages[judgement->message_count++] = message;
}

/* Sends the one message that takes the receivers from what they were told to `hard`, if one is
 * needed. */
static void tell_difference(struct judge_told *told, enum state hard, struct judgement *judgement)
{
    if (hard == told->state)
        return;
    told->state = hard;

    if (hard == STATE_UNKNOWN) {
        told->unknown_sent = true;
        send(judgement, MESSAGE_UNKNOWN);
        return;
    }

    if (hard == STATE_OPERATIONAL) {
        if (told->problem != STATE_UNKNOWN)
            send(judgement, MESSAGE_RECOVERY);
        else if (told->unknown_sent)
            send(judgement, MESSAGE_KNOWN);
        told->problem = STATE_UNKNOWN;
    } else {
        if (told->problem == STATE_UNKNOWN)
            send(judgement, MESSAGE_PROBLEM);
        else if (told->problem != hard)
            send(judgement, MESSAGE_CHANGE);
        told->problem = hard;
    }
    told->unknown_sent = false;
}

/* Brings the receivers up to date, unless maintenance or flapping holds it back. */
static void tell(struct check_state *state, struct judgement *judgement)
{
    if (state->in_maintenance)
        return;

    if (state->flapping) {
        if (!state->told.flapping)
            send(judgement, MESSAGE_FLAP_START);
        state->told.flapping = true;
        return;
    }

    if (state->told.flapping)
        send(judgement, MESSAGE_FLAP_END);
    state->told.flapping = false;
    tell_difference(&state->told, state->hard, judgement);
}

static void set_hard(struct check_state *state, enum state hard, int64_t since_ms,
                     struct judgement *judgement)
{
    if (state->hard == hard)
        return;
    state->hard = hard;
    state->hard_since_ms = MAX(state->hard_since_ms, since_ms);
    judgement->hard_changed = true;
}

int64_t judge_stale_at_ms(const struct judge_params *params, const struct check_state *state)
{
    return state->has_result ? state->last_result_at_ms + params->stale_after_ms : INT64_MAX;
}

static void go_stale_when_due(const struct judge_params *params, struct check_state *state,
                              int64_t now_ms, struct judgement *judgement)
{
    int64_t stale_at_ms = judge_stale_at_ms(params, state);

    if (now_ms < stale_at_ms)
        return;
    state->window_len = 0;
    state->error_count = 0;
    if (state->hard == STATE_UNKNOWN)
        return;

    judgement->went_stale = true;
    judgement->stale_at_ms = stale_at_ms;
    set_hard(state, STATE_UNKNOWN, stale_at_ms, judgement);
    tell(state, judgement);
}

static void window_push(const struct judge_params *params, struct check_state *state, int64_t at_ms,
                        enum verdict verdict)
{
    size_t keep = MAX(params->fall, params->rise);

    assert(keep > 0 && keep <= CHECK_RUN_MAX);
    if (state->window_len >= keep) {
        size_t drop = state->window_len - keep + 1;

        state->window_len = (uint8_t)(keep - 1);
        memmove(state->window, state->window + drop, state->window_len * sizeof state->window[0]);
        memmove(state->window_at_ms, state->window_at_ms + drop,
                state->window_len * sizeof state->window_at_ms[0]);
    }
    state->window[state->window_len] = (uint8_t)verdict;
    state->window_at_ms[state->window_len] = at_ms;
    state->window_len++;
}

/* The last verdicts of a run: the least or the most severe of them, and since when. */
struct extreme {
    bool is_known; /* there are as many */
    enum state state;
    int64_t since_ms;
};

static struct extreme window_extreme(const struct check_state *state, size_t run, bool most)
{
    size_t first = state->window_len - run;
    uint8_t extreme;

    if (state->window_len < run)
        return (struct extreme){0};
    extreme = state->window[first];
    for (size_t i = first; i < state->window_len; i++)
        extreme = most ? MAX(extreme, state->window[i]) : MIN(extreme, state->window[i]);
    return (struct extreme){
        .is_known = true, .state = state_of(extreme), .since_ms = state->window_at_ms[first]};
}

/* Moves the hard state as the window says. */
static void harden(const struct judge_params *params, struct check_state *state,
                   struct judgement *judgement)
{
    enum verdict newest = state->window[state->window_len - 1];
    struct extreme least = window_extreme(state, params->fall, false);
    struct extreme most = window_extreme(state, params->rise, true);

    if (state->hard == STATE_UNKNOWN) {
        if (newest == VERDICT_OK)
            set_hard(state, STATE_OPERATIONAL, state->window_at_ms[state->window_len - 1],
                     judgement);
        else if (least.is_known)
            set_hard(state, least.state, least.since_ms, judgement);
        return;
    }

    if (least.is_known && least.state > state->hard)
        set_hard(state, least.state, least.since_ms, judgement);
    else if (most.is_known && most.state < state->hard)
        set_hard(state, most.state, most.since_ms, judgement);
}

unsigned judge_flap_permille(const struct check_state *state)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < JUDGE_FLAP_BITS; i++) {
        if (state->flap_bits >> i & 1)
            sum += 80 + 2 * i;
    }
    return sum / 2; /* Σ/20 is in percent, and every term is even */
}

static void flap_push(const struct judge_params *params, struct check_state *state,
                      enum verdict verdict)
{
    bool differs = state->has_verdict && state->last_verdict != verdict;
    unsigned permille;

    state->flap_bits = state->flap_bits >> 1 | (uint32_t)differs << (JUDGE_FLAP_BITS - 1);
    state->has_verdict = true;
    state->last_verdict = verdict;

    permille = judge_flap_permille(state);
    if (!params->flap || permille <= params->flap_low_pct * 10u)
        state->flapping = false;
    else if (permille > params->flap_high_pct * 10u)
        state->flapping = true;
}

static void apply_verdict(const struct judge_params *params, struct check_state *state,
                          int64_t at_ms, enum verdict verdict, struct judgement *judgement)
{
    enum state before = state->hard;

    state->error_count = 0;
    window_push(params, state, at_ms, verdict);
    flap_push(params, state, verdict);
    harden(params, state, judgement);
    judgement->soft =
        state->hard != STATE_UNKNOWN && state->hard == before && state->hard != state_of(verdict);
}

static void apply_error(const struct judge_params *params, struct check_state *state, int64_t at_ms,
                        struct judgement *judgement)
{
    if (state->error_count < CHECK_RUN_MAX)
        state->error_count++;
    if (state->error_count < params->unknown_after)
        return;
    state->window_len = 0;
    set_hard(state, STATE_UNKNOWN, at_ms, judgement);
}

struct judgement judge_result(const struct judge_params *params, struct check_state *state,
                              int64_t at_ms, enum verdict verdict)
{
    struct judgement judgement = {0};
    bool soon;

    go_stale_when_due(params, state, at_ms, &judgement);
    state->has_result = true;
    state->last_result_at_ms = at_ms;

    if (verdict == VERDICT_ERROR)
        apply_error(params, state, at_ms, &judgement);
    else
        apply_verdict(params, state, at_ms, verdict, &judgement);
    tell(state, &judgement);

    soon = judgement.soft || verdict == VERDICT_ERROR || state->hard == STATE_UNKNOWN;
    judgement.next_in_ms = soon ? params->retry_interval_ms : params->interval_ms;
    return judgement;
}

struct judgement judge_tick(const struct judge_params *params, struct check_state *state,
                            int64_t now_ms)
{
    struct judgement judgement = {0};

    go_stale_when_due(params, state, now_ms, &judgement);
    return judgement;
}

struct judgement judge_maintenance(const struct judge_params *params, struct check_state *state,
                                   int64_t now_ms, bool in_maintenance)
{
    struct judgement judgement = {0};

    go_stale_when_due(params, state, now_ms, &judgement);
    state->in_maintenance = in_maintenance;
    tell(state, &judgement);
    return judgement;
}

enum state judge_published(const struct check_state *state)
{
    return state->in_maintenance ? STATE_MAINTENANCE : state->hard;
}
