/*
 * From children to a parent: the text is RULES.md, section 3, the same rule at every
 * level. A parent keeps a tally of its children's effective states, so that a changed child costs
 * the same with two siblings and with ten thousand. Pure; used by the engine and by POST
 * /health/preview/propagation alike.
 *
 * Thread: any; a tally belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/verdict.h"

#include "shared/str.h"

/*      name           word */
#define CRITICALITY_TABLE(ROW)                                                                     \
    ROW(CRITICAL, "critical")                                                                      \
    ROW(NON_CRITICAL, "non_critical")                                                              \
    ROW(INFORMATIONAL, "informational")

#define CRITICALITY_ENUM(name, word) CRITICALITY_##name,

enum criticality { CRITICALITY_TABLE(CRITICALITY_ENUM) CRITICALITY_COUNT };

/*      name      word */
#define POLICY_TABLE(ROW)                                                                          \
    ROW(WORST, "worst")                                                                            \
    ROW(QUORUM, "quorum")                                                                          \
    ROW(WEIGHTED, "weighted")

#define POLICY_ENUM(name, word) POLICY_##name,

enum policy { POLICY_TABLE(POLICY_ENUM) POLICY_COUNT };

/* An exact share: 0 ≤ numerator, 0 < denominator, both at most 10⁹. */
struct fraction {
    int64_t numerator;
    int64_t denominator;
};

struct propagation_policy {
    enum policy policy;
    uint32_t min_up;                /* quorum */
    struct fraction operational_at; /* weighted */
    struct fraction down_below;
    struct fraction unknown_share;
};

/* Worst, and the thresholds 1, 1/2 and 1/2. */
extern const struct propagation_policy propagation_policy_default;

/* The enabled children of a parent, counted by effective state. Zeroed: none. Weights are in any
 * unit, the same for all, and sum up to less than 2⁶². */
struct tally {
    uint32_t count[STATE_COUNT][CRITICALITY_COUNT];
    int64_t weight[STATE_COUNT]; /* of those that are not informational */
};

struct propagated {
    enum state state;
    bool partial_maintenance;
    bool scored;           /* weighted, and the thresholds decided */
    struct fraction score; /* in lowest terms, when scored */
};

/* Words of the tables; constant. False when the word is not in the table. */
const char *criticality_word(enum criticality criticality);
bool criticality_from_word(struct str word, enum criticality *ret_criticality);
const char *policy_word(enum policy policy);
bool policy_from_word(struct str word, enum policy *ret_policy);

/* One more child, or one less: remove with what was added. */
void tally_add(struct tally *tally, enum state effective, enum criticality criticality,
               int64_t weight);
void tally_remove(struct tally *tally, enum state effective, enum criticality criticality,
                  int64_t weight);

/* What the children make of the parent; `in_maintenance` is the parent's own. */
struct propagated propagate(const struct propagation_policy *policy, const struct tally *tally,
                            bool in_maintenance);

/* Whether a child in that effective state is one of those that made the parent's state what it is.
 * Nothing explains OPERATIONAL. */
bool propagation_decides(enum policy policy, enum state parent, enum state effective,
                         enum criticality criticality);
