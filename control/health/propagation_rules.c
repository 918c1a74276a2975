/* Each policy is one function over the tally, its lines in the order of the rule's text. */
#include "control/health/propagation_rules.h"

#include <assert.h>
#include <stddef.h>

#include "shared/attrs.h"

const struct propagation_policy propagation_policy_default = {
    .policy = POLICY_WORST,
    .operational_at = {1, 1},
    .down_below = {1, 2},
    .unknown_share = {1, 2},
};

#define CRITICALITY_WORD(name, word) [CRITICALITY_##name] = (word),
#define POLICY_WORD(name, word)      [POLICY_##name] = (word),

static const char *const criticality_words[] = {CRITICALITY_TABLE(CRITICALITY_WORD)};
static const char *const policy_words[] = {POLICY_TABLE(POLICY_WORD)};

const char *criticality_word(enum criticality criticality)
{
    return criticality_words[criticality];
}

const char *policy_word(enum policy policy)
{
    return policy_words[policy];
}

bool criticality_from_word(struct str word, enum criticality *ret_criticality)
{
    for (int i = 0; i < CRITICALITY_COUNT; i++) {
        if (str_equal(word, str_of(criticality_words[i]))) {
            *ret_criticality = (enum criticality)i;
            return true;
        }
    }
    return false;
}

bool policy_from_word(struct str word, enum policy *ret_policy)
{
    for (int i = 0; i < POLICY_COUNT; i++) {
        if (str_equal(word, str_of(policy_words[i]))) {
            *ret_policy = (enum policy)i;
            return true;
        }
    }
    return false;
}

void tally_add(struct tally *tally, enum state effective, enum criticality criticality,
               int64_t weight)
{
    tally->count[effective][criticality]++;
    if (criticality != CRITICALITY_INFORMATIONAL)
        tally->weight[effective] += weight;
}

void tally_remove(struct tally *tally, enum state effective, enum criticality criticality,
                  int64_t weight)
{
    assert(tally->count[effective][criticality] > 0);
    tally->count[effective][criticality]--;
    if (criticality != CRITICALITY_INFORMATIONAL)
        tally->weight[effective] -= weight;
}

/* Children in that state that are not informational. */
static uint32_t counted(const struct tally *tally, enum state state)
{
    return tally->count[state][CRITICALITY_CRITICAL] +
           tally->count[state][CRITICALITY_NON_CRITICAL];
}

static uint32_t counted_all(const struct tally *tally)
{
    uint32_t all = 0;

    for (int state = 0; state < STATE_COUNT; state++)
        all += counted(tally, (enum state)state);
    return all;
}

static enum state propagate_worst(const struct tally *tally)
{
    const uint32_t(*count)[CRITICALITY_COUNT] = tally->count;
    const int critical = CRITICALITY_CRITICAL;
    const int softened = CRITICALITY_NON_CRITICAL;

    if (count[STATE_DOWN][critical])
        return STATE_DOWN;
    if (count[STATE_MAINTENANCE][critical])
        return STATE_MAINTENANCE;
    if (count[STATE_DEGRADED][critical] || count[STATE_DOWN][softened])
        return STATE_DEGRADED;
    if (count[STATE_UNKNOWN][critical])
        return STATE_UNKNOWN;
    if (count[STATE_OPERATIONAL][critical] || count[STATE_OPERATIONAL][softened] ||
        count[STATE_DEGRADED][softened])
        return STATE_OPERATIONAL;

    /* Only non-critical children in Maintenance or Unknown are left, and those are ignored. */
    return count[STATE_UNKNOWN][softened] ? STATE_UNKNOWN : STATE_MAINTENANCE;
}

static enum state propagate_quorum(const struct tally *tally, uint32_t min_up)
{
    uint32_t degraded = counted(tally, STATE_DEGRADED);
    uint32_t up = counted(tally, STATE_OPERATIONAL) + degraded;
    uint32_t maintenance = counted(tally, STATE_MAINTENANCE);
    uint32_t unknown = counted(tally, STATE_UNKNOWN);
    uint32_t down = counted(tally, STATE_DOWN);

    if (up >= min_up)
        return down > 0 || degraded > 0 ? STATE_DEGRADED : STATE_OPERATIONAL;
    if (up + maintenance + unknown < min_up)
        return STATE_DOWN;
    if (down == 0 && unknown == 0)
        return STATE_MAINTENANCE;
    if (up + unknown >= min_up)
        return STATE_UNKNOWN;
    return down > 0 ? STATE_DOWN : STATE_MAINTENANCE;
}

/* a/b compared with the fraction, exactly: negative, 0 or positive. `b` is positive. */
static int compare(int64_t a, int64_t b, struct fraction fraction)
{
    __int128 left = (__int128)a * fraction.denominator;
    __int128 right = (__int128)fraction.numerator * b;

    return (left > right) - (left < right);
}

static struct fraction lowest_terms(int64_t numerator, int64_t denominator)
{
    int64_t a = numerator;
    int64_t b = denominator;

    while (b != 0) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return (struct fraction){numerator / a, denominator / a};
}

static struct propagated propagate_weighted(const struct tally *tally,
                                            const struct propagation_policy *policy)
{
    int64_t good = 2 * tally->weight[STATE_OPERATIONAL] + tally->weight[STATE_DEGRADED];
    int64_t voting = tally->weight[STATE_OPERATIONAL] + tally->weight[STATE_DEGRADED] +
                     tally->weight[STATE_DOWN];
    int64_t unknown = tally->weight[STATE_UNKNOWN];
    struct propagated out = {0};

    if (tally->count[STATE_DOWN][CRITICALITY_CRITICAL]) {
        out.state = STATE_DOWN;
    } else if (counted(tally, STATE_MAINTENANCE) == counted_all(tally)) {
        out.state = STATE_MAINTENANCE;
    } else if (voting == 0 || compare(unknown, unknown + voting, policy->unknown_share) > 0) {
        out.state = STATE_UNKNOWN;
    } else {
        out.scored = true;
        out.score = lowest_terms(good, 2 * voting);
        if (compare(good, 2 * voting, policy->operational_at) >= 0)
            out.state = STATE_OPERATIONAL;
        else if (compare(good, 2 * voting, policy->down_below) < 0)
            out.state = STATE_DOWN;
        else
            out.state = STATE_DEGRADED;
    }
    return out;
}

struct propagated propagate(const struct propagation_policy *policy, const struct tally *tally,
                            bool in_maintenance)
{
    struct propagated out = {.state = STATE_UNKNOWN};

    if (in_maintenance)
        return (struct propagated){.state = STATE_MAINTENANCE};
    if (counted_all(tally) == 0)
        return out;

    switch (policy->policy) {
    case POLICY_WORST:
        out.state = propagate_worst(tally);
        break;
    case POLICY_QUORUM:
        out.state = propagate_quorum(tally, policy->min_up);
        break;
    case POLICY_WEIGHTED:
        out = propagate_weighted(tally, policy);
        break;
    case POLICY_COUNT:
        assert(false);
    }
    out.partial_maintenance =
        out.state != STATE_MAINTENANCE && counted(tally, STATE_MAINTENANCE) > 0;
    return out;
}

bool propagation_decides(enum policy policy, enum state parent, enum state effective,
                         enum criticality criticality)
{
    if (parent == STATE_OPERATIONAL || effective == STATE_OPERATIONAL ||
        criticality == CRITICALITY_INFORMATIONAL)
        return false;
    if (policy != POLICY_WORST)
        return true;
    if (criticality == CRITICALITY_NON_CRITICAL && effective == STATE_DOWN)
        return parent == STATE_DEGRADED;
    if (criticality == CRITICALITY_NON_CRITICAL && effective == STATE_DEGRADED)
        return false;
    return effective == parent;
}
