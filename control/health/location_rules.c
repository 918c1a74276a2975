/* Votes are counted, then decided in the order of the rule's text. */
#include "control/health/location_rules.h"

#include <assert.h>

void location_vote(struct location_votes *votes, enum verdict verdict, int64_t age_ms,
                   int64_t stale_after_ms)
{
    if (age_ms > stale_after_ms)
        return;
    switch (verdict) {
    case VERDICT_OK:
        votes->ok++;
        break;
    case VERDICT_WARN:
        votes->warn++;
        break;
    case VERDICT_FAIL:
        votes->fail++;
        break;
    case VERDICT_ERROR:
        break;
    case VERDICT_COUNT:
        assert(0);
    }
}

enum state location_state(const struct location_votes *votes, uint32_t min_fail)
{
    uint32_t fresh = votes->ok + votes->warn + votes->fail;

    if (fresh == 0)
        return STATE_UNKNOWN;
    if (min_fail == 0)
        min_fail = fresh / 2 + 1;
    if (votes->fail >= min_fail)
        return STATE_DOWN;
    if (votes->fail > 0 || votes->warn > 0)
        return STATE_DEGRADED;
    return STATE_OPERATIONAL;
}
