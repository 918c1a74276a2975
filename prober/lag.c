/* Values below LAG_STEPS have a range each; above, a range is told by the highest bits. */
#include "prober/lag.h"

#include "shared/attrs.h"

#define STEP_BITS 4

static size_t range_of(uint64_t us)
{
    unsigned shift;
    size_t range;

    if (us < LAG_STEPS)
        return us;
    shift = 63u - (unsigned)__builtin_clzll(us) - STEP_BITS;
    range = (shift + 1) * LAG_STEPS + ((us >> shift) & (LAG_STEPS - 1));
    return MIN(range, (size_t)LAG_RANGES - 1);
}

static uint64_t range_end(size_t range)
{
    unsigned shift;

    if (range < LAG_STEPS)
        return range;
    shift = (unsigned)(range / LAG_STEPS) - 1;
    return ((uint64_t)(LAG_STEPS + range % LAG_STEPS + 1) << shift) - 1;
}

/* One writer, so load and store are enough. */
static void bump(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

void lag_add(struct lag *lag, uint64_t us)
{
    bump(&lag->counts[range_of(us)], 1);
    if (us > atomic_load_explicit(&lag->max_us, memory_order_relaxed))
        atomic_store_explicit(&lag->max_us, us, memory_order_relaxed);
}

void lag_merge(struct lag *lag, struct lag *other)
{
    for (size_t i = 0; i < LAG_RANGES; i++)
        bump(&lag->counts[i], atomic_load_explicit(&other->counts[i], memory_order_relaxed));
    lag->max_us = MAX(lag->max_us, other->max_us);
}

uint64_t lag_percentile(struct lag *lag, double share)
{
    uint64_t max_us = lag->max_us;
    uint64_t total = 0;
    uint64_t seen = 0;

    for (size_t i = 0; i < LAG_RANGES; i++)
        total += lag->counts[i];
    for (size_t i = 0; i < LAG_RANGES && total > 0; i++) {
        seen += lag->counts[i];
        if ((double)seen >= share * (double)total)
            return MIN(range_end(i), max_us);
    }
    return 0;
}
