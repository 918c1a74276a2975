/* What rates.c (buckets, requests) and rates_lease.c (sharing them with other processes) share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "control/api/rates.h"

#define SECOND_NS INT64_C(1000000000)

#define RATE_SETS         4096 /* a power of two */
#define RATE_PLACES       4    /* of a set */
#define RATE_WAITER_LISTS 256  /* a power of two */
#define RATE_WINDOW_BITS  20   /* of the word that a policy is */

struct bucket {
    uint64_t id; /* 0: nobody's */
    int64_t full_at_ns;
};

/* What a process has of a shared bucket, beside the bucket of the same place: that one is the true
 * one as far as it is known here, with what is unspent in it. */
struct lease {
    int64_t until_ns; /* then what is unspent goes back */
    uint32_t unspent;
    uint32_t debt;    /* used without a lease, and not told yet */
    uint32_t charged; /* used without a lease, and told with the ask that is under way */
    uint32_t waiting; /* requests that came to wait since the last ask */
    uint32_t term;    /* of rates.term; of another one, all of this is nothing */
    bool is_asking;
    bool is_known; /* the holder has answered in this term */
};

enum rates_sharing { RATES_ALONE, RATES_JOINING, RATES_SHARED, RATES_CUT_OFF };

struct rates {
    /* Quota and window of each policy in one word, so that both change at once. */
    _Atomic uint64_t policies[RATE_COUNT][RATE_SUBJECT_COUNT];
    pthread_mutex_t mutex; /* guards versions, and writing policies */
    int64_t versions[RATE_COUNT][RATE_SUBJECT_COUNT];

    enum rates_sharing sharing;
    uint32_t term; /* how often they have been joined */
    struct rates_holder holder;
    unsigned slice;                         /* of the tables, which the next tick looks through */
    struct list waiters[RATE_WAITER_LISTS]; /* by rate_waiter.id */

    struct bucket buckets[RATE_COUNT][RATE_SUBJECT_COUNT][RATE_SETS][RATE_PLACES];
    struct lease leases[RATE_COUNT][RATE_SUBJECT_COUNT][RATE_SETS][RATE_PLACES]; /* when sharing */
};

/* One bucket of a request. */
struct rate_place {
    enum rate rate;
    enum rate_subject subject;
    struct rate_policy policy;
    int64_t price_ns;
    struct bucket *bucket; /* NULL: there is no limit */
    struct lease *lease;
    int64_t room_ns;   /* what the bucket has, as time */
    int64_t remaining; /* and as tokens */
    enum rate_verdict verdict;
};

static inline struct rate_policy rates_policy(const struct rates *rates, enum rate rate,
                                              enum rate_subject subject)
{
    uint64_t word = atomic_load_explicit(&rates->policies[rate][subject], memory_order_relaxed);

    return (struct rate_policy){.quota = (int64_t)(word >> RATE_WINDOW_BITS),
                                .window_s = (int64_t)(word & ((1 << RATE_WINDOW_BITS) - 1))};
}

/* The set in which a caller's place is. */
static inline size_t rates_set_of(uint64_t id)
{
    return (id ^ id >> 32) >> 1 & (RATE_SETS - 1); /* the lowest bit is set in all */
}

/* What becomes of a request by what the bucket has left, as far as is known here. Not for
 * RATES_ALONE. */
enum rate_verdict lease_judge(struct rates *rates, const struct rate_place *place);

/* Asks for a place that is undecided. @return RATE_UNDECIDED when the answer is under way, else
 * what becomes of the request without it. */
enum rate_verdict lease_ask(struct rates *rates, const struct rate_place *place, int64_t now_ns);

/* So many tokens are used; the bucket knows it already. */
void lease_use(struct rates *rates, const struct rate_place *place, uint32_t cost, int64_t now_ns);
