/* The schedule of retries, and how long a receiver is left alone. */
#include "control/notify/notify_rules.h"

#include "shared/attrs.h"

#define DAY_S 86400

/* Before each step but the first. */
static const int64_t delays_s[DELIVERY_STEPS] = {0,     5,     300,   1800,  7200,
                                                 18000, 36000, 50400, 72000, 86400};

struct delivery_decision delivery_decide(const struct delivery_attempt *attempt)
{
    int64_t delay_ms;

    if (attempt->status >= 200 && attempt->status <= 299)
        return (struct delivery_decision){.next = DELIVERY_DONE};
    if (attempt->status == 410)
        return (struct delivery_decision){.next = DELIVERY_GONE};
    if (!attempt->is_due)
        return (struct delivery_decision){
            .next = DELIVERY_RETRY, .step = attempt->step, .keeps_time = true};
    if (attempt->step + 1 >= DELIVERY_STEPS)
        return (struct delivery_decision){.next = DELIVERY_GIVE_UP};

    delay_ms = delays_s[attempt->step + 1] * 1000;
    delay_ms += delay_ms / 5 * (attempt->random % 1000) / 1000;
    return (struct delivery_decision){
        .next = DELIVERY_RETRY,
        .step = attempt->step + 1,
        .delay_ms = MAX(delay_ms, MIN(attempt->retry_after_s, (int64_t)DAY_S) * 1000),
    };
}

int64_t receiver_pause_ms(int64_t pause_ms, int64_t retry_after_s)
{
    int64_t next_ms = pause_ms ? MIN(pause_ms * 2, (int64_t)RECEIVER_PAUSE_MOST_MS)
                               : (int64_t)RECEIVER_PAUSE_FIRST_MS;

    return MAX(next_ms, MIN(retry_after_s, (int64_t)DAY_S) * 1000);
}
