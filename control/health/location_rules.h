/*
 * From what several locations say to the state of one check: RULES.md, section 2.
 * Pure.
 *
 * Thread: any.
 */
#pragma once

#include <stdint.h>

#include "contract/verdict.h"

/* The fresh verdicts that vote, by kind; a location's error does not. Zeroed: nobody votes. */
struct location_votes {
    uint32_t ok;
    uint32_t warn;
    uint32_t fail;
};

/* Counts a location's newest verdict, unless it is an error or older than `stale_after_ms`. */
void location_vote(struct location_votes *votes, enum verdict verdict, int64_t age_ms,
                   int64_t stale_after_ms);

/* What the votes make of the check. `min_fail` 0 takes the majority of those who vote. */
enum state location_state(const struct location_votes *votes, uint32_t min_fail);
