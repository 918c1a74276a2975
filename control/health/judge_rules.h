/*
 * From the verdicts of one check to its state over time: soft and hard, staleness, flapping, and
 * which message is due. The text of the rules is RULES.md, section 1; this is its only
 * implementation, used by the engine and by POST /health/preview/transitions alike. Pure: time
 * comes in as a parameter, nothing is allocated.
 *
 * Thread: any; a state belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/check.h"
#include "contract/verdict.h"

#define JUDGE_FLAP_HIGH_PCT 30
#define JUDGE_FLAP_LOW_PCT  25
#define JUDGE_FLAP_BITS     20

/* The settings of a check that decide its state. `fall`, `rise` and `unknown_after` are
 * 1..CHECK_RUN_MAX. */
struct judge_params {
    uint8_t fall;
    uint8_t rise;
    uint8_t unknown_after;
    bool flap;
    uint8_t flap_high_pct;
    uint8_t flap_low_pct;
    int64_t interval_ms;
    int64_t retry_interval_ms;
    int64_t stale_after_ms;
};

/* What the receivers of messages believe. */
struct judge_told {
    enum state state;   /* the hard state they know; UNKNOWN at first, without a message */
    enum state problem; /* level of the open problem, DEGRADED or DOWN; UNKNOWN: none is open */
    bool unknown_sent;  /* `unknown` is the last word they have */
    bool flapping;      /* `flap_start` was sent and not ended */
};

/* Everything remembered of a check between two results. Zeroed: nothing is known yet. */
struct check_state {
    enum state hard; /* never MAINTENANCE */
    bool in_maintenance;
    bool flapping;
    bool has_result;
    bool has_verdict;          /* there was a verdict other than error */
    enum verdict last_verdict; /* of those, the newest */
    uint8_t error_count;       /* consecutive errors, at most CHECK_RUN_MAX */
    uint8_t window_len;
    uint32_t flap_bits;        /* bit i is place i of the ring: 19 the newest */
    int64_t hard_since_ms;     /* dated: to the first verdict of the run that became hard */
    int64_t last_result_at_ms; /* any verdict, an error too */
    struct judge_told told;
    /* verdicts other than error, oldest first; as many as fall and rise look at */
    uint8_t window[CHECK_RUN_MAX];
    int64_t window_at_ms[CHECK_RUN_MAX];
};

/*      name        word */
#define MESSAGE_TABLE(ROW)                                                                         \
    ROW(PROBLEM, "problem")                                                                        \
    ROW(CHANGE, "change")                                                                          \
    ROW(RECOVERY, "recovery")                                                                      \
    ROW(UNKNOWN, "unknown")                                                                        \
    ROW(KNOWN, "known")                                                                            \
    ROW(FLAP_START, "flap_start")                                                                  \
    ROW(FLAP_END, "flap_end")

#define MESSAGE_ENUM(name, word) MESSAGE_##name,

enum message { MESSAGE_TABLE(MESSAGE_ENUM) MESSAGE_COUNT };

#define JUDGEMENT_MESSAGES_MAX 4

/* What one step did. */
struct judgement {
    bool went_stale; /* it became Unknown for want of results, from a known state */
    int64_t stale_at_ms;
    bool hard_changed; /* in this step, by staleness or by the entry */
    bool soft;
    int64_t next_in_ms; /* when to probe next, from the result's time on */
    uint8_t message_count;
    enum message messages[JUDGEMENT_MESSAGES_MAX]; /* in the order of sending */
};

/* "problem", "change" …; constant. */
const char *message_word(enum message message);

/* "unknown", "operational" …; constant. */
const char *state_word(enum state state);

/* Applies the result of a probe made at `at_ms`, which is not before the last one. */
struct judgement judge_result(const struct judge_params *params, struct check_state *state,
                              int64_t at_ms, enum verdict verdict);

/* Lets time pass until `now_ms`: does nothing unless the check has become stale by then. */
struct judgement judge_tick(const struct judge_params *params, struct check_state *state,
                            int64_t now_ms);

/* Enters or leaves maintenance; harmless when it already is so. */
struct judgement judge_maintenance(const struct judge_params *params, struct check_state *state,
                                   int64_t now_ms, bool in_maintenance);

/* When the check becomes stale without further results; INT64_MAX while there was none. */
int64_t judge_stale_at_ms(const struct judge_params *params, const struct check_state *state);

/* What the world sees: MAINTENANCE while in maintenance, else the hard state. */
enum state judge_published(const struct check_state *state);

/* The flap value in tenths of a percent: 0 to 990. */
unsigned judge_flap_permille(const struct check_state *state);
