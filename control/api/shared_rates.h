/*
 * Holds the true buckets of rates.h in Redis, for all processes of an installation. A bucket is a
 * key, em:rate:<installation>:<class>:<subject>:<hash of the caller>, with the time at which it is
 * full; one script changes it, by the clock of Redis, and it is gone when the bucket is full.
 *
 * As long as Redis does not answer, the rates are cut off (rates.h), and joined again by
 * themselves.
 *
 * Thread: the loop's.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/uuid.h"

struct loop;
struct rates;
struct shared_rates;

/* Questions to Redis under way at a time; more are not asked. */
#define SHARED_RATES_ASKS_MAX 4096

/* How long a hanging Redis is waited for, and how long at the start for its first answer. */
#define SHARED_RATES_PATIENCE_S 1.0
#define SHARED_RATES_JOIN_S     2.0

struct shared_rates_options {
    struct loop *loop;
    struct rates *rates;
    const char *redis_url;
    struct uuid installation; /* what keeps others on the same Redis apart */
};

/* Connects in the background. @return ERR_INVALID "redis_url" */
MUST_USE enum err shared_rates_new(const struct shared_rates_options *options,
                                   struct shared_rates **ret_shared);

/* The rates are cut off. */
void shared_rates_free(struct shared_rates *shared);

DEFINE_AUTO(struct shared_rates *, shared_rates_free);
