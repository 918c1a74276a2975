/*
 * Token buckets per caller and rate class: what somebody may ask at once, and per second for long.
 * A caller is a credential, or an address for those without one.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/api/route.h"

struct rates;

struct rates *rates_new(void);
void rates_free(struct rates *rates);

/* Takes one request out of the caller's bucket; false when it is empty: then `ret_retry_s` says
 * when to come again. */
bool rates_take(struct rates *rates, enum rate rate, uint64_t caller, int64_t now_us,
                int64_t *ret_retry_s);
