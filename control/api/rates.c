/*
 * The buckets lie in a table of fixed size, so that nobody can make it grow: a caller's hash gives
 * a set of places, and one of them is his. When all of a set are taken, who is nearest to a full
 * bucket loses his place, and so gets a full one. A bucket holds time: when it would be full again
 * (the generic cell rate algorithm, ITU-T I.371).
 */
#include "control/api/rates.h"

#include <assert.h>
#include <stdatomic.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/mem.h"

#define SETS        4096 /* a power of two */
#define PLACES      4    /* of a set */
#define WINDOW_BITS 20

static_assert(RATE_WINDOW_S_MAX < 1 << WINDOW_BITS, "a window fits beside its quota");

const char *const rate_words[RATE_COUNT] = {
    [RATE_FREE] = "free",           [RATE_BROWSE] = "browse",   [RATE_CHANGE] = "change",
    [RATE_EXPENSIVE] = "expensive", [RATE_SIGN_IN] = "sign_in",
};

const char *const rate_subject_words[RATE_SUBJECT_COUNT] = {
    [RATE_BY_KEY] = "key",
    [RATE_BY_USER] = "user",
    [RATE_BY_ADDRESS] = "address",
};

struct bucket {
    uint64_t id; /* 0: nobody's */
    int64_t full_at_ns;
};

struct rates {
    /* Quota and window of each policy in one word, so that both change at once. */
    _Atomic uint64_t policies[RATE_COUNT][RATE_SUBJECT_COUNT];
    struct bucket buckets[RATE_COUNT][RATE_SUBJECT_COUNT][SETS][PLACES];
};

struct rates *rates_new(void)
{
    return NEW(struct rates);
}

void rates_free(struct rates *rates)
{
    free(rates);
}

void rates_configure(struct rates *rates, enum rate rate, enum rate_subject subject,
                     struct rate_policy policy)
{
    assert(policy.quota >= 0 && policy.quota <= RATE_QUOTA_MAX && policy.window_s >= 1 &&
           policy.window_s <= RATE_WINDOW_S_MAX);
    atomic_store_explicit(&rates->policies[rate][subject],
                          (uint64_t)policy.quota << WINDOW_BITS | (uint64_t)policy.window_s,
                          memory_order_relaxed);
}

static struct rate_policy policy_of(const struct rates *rates, enum rate rate, int subject)
{
    uint64_t word = atomic_load_explicit(&rates->policies[rate][subject], memory_order_relaxed);

    return (struct rate_policy){.quota = (int64_t)(word >> WINDOW_BITS),
                                .window_s = (int64_t)(word & ((1 << WINDOW_BITS) - 1))};
}

/* The caller's bucket, filled up to now. */
static struct bucket *bucket_of(struct bucket sets[SETS][PLACES], uint64_t id, int64_t now_ns)
{
    struct bucket *set = sets[(id ^ id >> 32) >> 1 & (SETS - 1)]; /* the lowest bit is set in all */
    struct bucket *fullest = set;

    for (int place = 0; place < PLACES; place++) {
        if (set[place].id == id) {
            set[place].full_at_ns = MAX(set[place].full_at_ns, now_ns);
            return &set[place];
        }
        if (set[place].full_at_ns < fullest->full_at_ns)
            fullest = &set[place];
    }
    *fullest = (struct bucket){.id = id, .full_at_ns = now_ns};
    return fullest;
}

static int64_t up_to_seconds(int64_t ns)
{
    return (ns + 999999999) / 1000000000;
}

/* What a bucket has at this moment; `full_at_ns` is its time, moved up to now. */
static struct rate_answer look_at(struct rate_policy policy, int64_t now_ns, int64_t full_at_ns)
{
    int64_t window_ns = policy.window_s * 1000000000;
    int64_t price_ns = window_ns / policy.quota;
    int64_t room_ns = now_ns + window_ns - full_at_ns;

    return (struct rate_answer){
        .is_limited = true,
        .remaining = room_ns < 0 ? 0 : room_ns / price_ns,
        .reset_s = up_to_seconds(full_at_ns - now_ns),
        .retry_s = room_ns >= price_ns ? 0 : up_to_seconds(price_ns - room_ns),
    };
}

bool rates_take(struct rates *rates, enum rate rate, const struct rate_caller *caller,
                int64_t now_us, struct rate_answer *ret_answer)
{
    struct bucket *buckets[RATE_SUBJECT_COUNT] = {0};
    int64_t prices_ns[RATE_SUBJECT_COUNT];
    struct rate_answer least = {0};
    int64_t now_ns = now_us * 1000;

    for (int subject = 0; subject < RATE_SUBJECT_COUNT; subject++) {
        struct rate_policy policy = policy_of(rates, rate, subject);
        struct rate_answer answer;
        struct bucket *bucket;

        if (policy.quota == 0 || caller->ids[subject] == 0)
            continue;
        bucket = bucket_of(rates->buckets[rate][subject], caller->ids[subject], now_ns);
        answer = look_at(policy, now_ns, bucket->full_at_ns);
        answer.subject = (enum rate_subject)subject;
        if (!least.is_limited || answer.remaining < least.remaining ||
            answer.retry_s > least.retry_s)
            least = answer;
        buckets[subject] = bucket;
        prices_ns[subject] = policy.window_s * 1000000000 / policy.quota;
    }
    *ret_answer = least;
    if (least.is_limited && least.remaining == 0)
        return false;
    for (int subject = 0; subject < RATE_SUBJECT_COUNT; subject++) {
        if (buckets[subject])
            buckets[subject]->full_at_ns += prices_ns[subject];
    }
    if (least.is_limited) {
        *ret_answer = look_at(policy_of(rates, rate, least.subject), now_ns,
                              buckets[least.subject]->full_at_ns);
        ret_answer->subject = least.subject;
    }
    return true;
}

void rates_describe(const struct rates *rates, enum rate rate, const struct rate_answer *answer,
                    struct buf *out)
{
    const char *separator = "RateLimit-Policy: ";

    if (!answer->is_limited)
        return;
    for (int subject = 0; subject < RATE_SUBJECT_COUNT; subject++) {
        struct rate_policy policy = policy_of(rates, rate, subject);

        if (policy.quota == 0)
            continue;
        buf_printf(out, "%s\"%s-%s\";q=%lld;w=%lld", separator, rate_words[rate],
                   rate_subject_words[subject], (long long)policy.quota,
                   (long long)policy.window_s);
        separator = ", ";
    }
    buf_printf(out, "%sRateLimit: \"%s-%s\";r=%lld;t=%lld\r\n", *separator == ',' ? "\r\n" : "",
               rate_words[rate], rate_subject_words[answer->subject], (long long)answer->remaining,
               (long long)answer->reset_s);
}
