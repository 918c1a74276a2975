/*
 * The buckets lie in a table of fixed size, found by hash: two callers of the same place share a
 * bucket, which is unlikely and harmless, and nobody can make the table grow. A bucket holds time:
 * when it would be full again.
 */
#include "control/api/rates.h"

#include "shared/mem.h"

#define PLACES 16384 /* a power of two */

static const struct {
    int64_t per_second; /* 0: no limit */
    int64_t burst;
} classes[RATE_COUNT] = {
    [RATE_BROWSE] = {0, 0}, /* answered from memory or by the bounded reads */
    [RATE_CHANGE] = {0, 0}, /* bounded by the workers' queue */
    [RATE_EXPENSIVE] = {20, 100},
    [RATE_SIGN_IN] = {1, 30},
};

struct rates {
    int64_t full_at_us[RATE_COUNT][PLACES];
};

struct rates *rates_new(void)
{
    return NEW(struct rates);
}

void rates_free(struct rates *rates)
{
    free(rates);
}

bool rates_take(struct rates *rates, enum rate rate, uint64_t caller, int64_t now_us,
                int64_t *ret_retry_s)
{
    int64_t *full_at_us = &rates->full_at_us[rate][caller & (PLACES - 1)];
    int64_t price_us;
    int64_t room_us;

    if (classes[rate].per_second == 0)
        return true;
    price_us = 1000000 / classes[rate].per_second;
    room_us = price_us * classes[rate].burst;
    if (*full_at_us < now_us)
        *full_at_us = now_us;
    if (*full_at_us + price_us > now_us + room_us) {
        *ret_retry_s = (*full_at_us + price_us - now_us - room_us) / 1000000 + 1;
        return false;
    }
    *full_at_us += price_us;
    return true;
}
