/* The schedule of retries. The first steps are short, because a change has to be known within a
 * minute. */
#include "control/notify/notify_rules.h"

#include "shared/attrs.h"

static const int64_t delays_s[] = {2, 6, 14, 30, 60, 120, 300, 900, 1800, 3600};

enum delivery_next delivery_decide(const struct delivery_attempt *attempt, int64_t *ret_delay_ms)
{
    int64_t longest_s = delays_s[ARRAY_LEN(delays_s) - 1];
    size_t step = MIN((size_t)(attempt->attempts - 1), ARRAY_LEN(delays_s) - 1);

    if (attempt->status >= 200 && attempt->status <= 299)
        return DELIVERY_DONE;
    if (attempt->status == 410 || attempt->now_ms - attempt->created_at_ms >= NOTIFY_GIVE_UP_MS)
        return DELIVERY_GIVE_UP;

    *ret_delay_ms = MAX(delays_s[step], MIN(attempt->retry_after_s, longest_s)) * 1000;
    return DELIVERY_RETRY;
}
