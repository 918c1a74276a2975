/*
 * How late probes start: counts per range of microseconds, 16 ranges for each power of two, so that
 * percentiles are true to 6 %. Written by one thread, read by any.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define LAG_STEPS  16 /* ranges per power of two */
#define LAG_RANGES (36 * LAG_STEPS)

struct lag {
    _Atomic uint64_t counts[LAG_RANGES];
    _Atomic uint64_t max_us;
};

void lag_add(struct lag *lag, uint64_t us);

/* Adds the counts of `other`. */
void lag_merge(struct lag *lag, struct lag *other);

/* The upper end of the range that holds the given share (0..1), at most the largest seen; 0 without
 * any. */
uint64_t lag_percentile(struct lag *lag, double share);
