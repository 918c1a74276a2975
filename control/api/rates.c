/*
 * The buckets lie in a table of fixed size, so that nobody can make it grow: a caller's hash gives
 * a set of places, and one of them is his. When all of a set are taken, who is nearest to a full
 * bucket loses his place, and so gets a full one. A bucket holds time: when it would be full again
 * (the generic cell rate algorithm, ITU-T I.371).
 */
#include "control/api/rates.h"

#include <assert.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/mem.h"

#include "control/api/rates_private.h"

static_assert(RATE_WINDOW_S_MAX < 1 << RATE_WINDOW_BITS, "a window fits beside its quota");

const char *const rate_words[RATE_COUNT] = {
    [RATE_FREE] = "free",           [RATE_BROWSE] = "browse",   [RATE_CHANGE] = "change",
    [RATE_EXPENSIVE] = "expensive", [RATE_SIGN_IN] = "sign_in",
};

const char *const rate_subject_words[RATE_SUBJECT_COUNT] = {
    [RATE_BY_KEY] = "key",
    [RATE_BY_USER] = "user",
    [RATE_BY_ADDRESS] = "address",
};

static bool find_word(const char *const words[], int count, struct str word, int *ret_index)
{
    for (int i = 0; i < count; i++) {
        if (str_equal(str_of(words[i]), word)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

bool rate_find(struct str word, enum rate *ret_rate)
{
    int index;

    if (!find_word(rate_words, RATE_COUNT, word, &index))
        return false;
    *ret_rate = (enum rate)index;
    return true;
}

bool rate_subject_find(struct str word, enum rate_subject *ret_subject)
{
    int index;

    if (!find_word(rate_subject_words, RATE_SUBJECT_COUNT, word, &index))
        return false;
    *ret_subject = (enum rate_subject)index;
    return true;
}

struct rates *rates_new(void)
{
    struct rates *rates = NEW(struct rates);

    pthread_mutex_init(&rates->mutex, NULL);
    for (size_t i = 0; i < RATE_WAITER_LISTS; i++)
        list_init(&rates->waiters[i]);
    return rates;
}

void rates_free(struct rates *rates)
{
    if (!rates)
        return;
    pthread_mutex_destroy(&rates->mutex);
    free(rates);
}

void rates_configure(struct rates *rates, enum rate rate, enum rate_subject subject,
                     struct rate_policy policy)
{
    assert(policy.quota >= 0 && policy.quota <= RATE_QUOTA_MAX && policy.window_s >= 1 &&
           policy.window_s <= RATE_WINDOW_S_MAX);
    pthread_mutex_lock(&rates->mutex);
    if (policy.version >= rates->versions[rate][subject]) {
        rates->versions[rate][subject] = policy.version;
        atomic_store_explicit(&rates->policies[rate][subject],
                              (uint64_t)policy.quota << RATE_WINDOW_BITS |
                                  (uint64_t)policy.window_s,
                              memory_order_relaxed);
    }
    pthread_mutex_unlock(&rates->mutex);
}

/* Fills the caller's bucket up to now. No bucket is emptier than one that is used twice: longer
 * nobody waits for one whose window was a longer one once. */
static void fill_up(struct bucket *bucket, struct rate_policy policy, int64_t now_ns)
{
    int64_t emptiest_ns = now_ns + 2 * policy.window_s * SECOND_NS;

    bucket->full_at_ns = MAX(MIN(bucket->full_at_ns, emptiest_ns), now_ns);
}

/* Finds the caller's bucket, or gives him one. */
static void find_bucket(struct rates *rates, struct rate_place *place, uint64_t id, int64_t now_ns)
{
    struct bucket *set = rates->buckets[place->rate][place->subject][rates_set_of(id)];
    struct lease *leases = rates->leases[place->rate][place->subject][rates_set_of(id)];
    size_t fullest = 0;

    for (size_t i = 0; i < RATE_PLACES; i++) {
        if (set[i].id == id) {
            fill_up(&set[i], place->policy, now_ns);
            place->bucket = &set[i];
            place->lease = &leases[i];
            return;
        }
        if (set[i].full_at_ns < set[fullest].full_at_ns)
            fullest = i;
    }
    set[fullest] = (struct bucket){.id = id, .full_at_ns = now_ns};
    if (rates->sharing != RATES_ALONE)
        leases[fullest] = (struct lease){0};
    place->bucket = &set[fullest];
    place->lease = &leases[fullest];
}

static int64_t up_to_seconds(int64_t ns)
{
    return (ns + SECOND_NS - 1) / SECOND_NS;
}

/* What the place's bucket has at this moment; its time is moved up to now. */
static void look_at(struct rates *rates, struct rate_place *place, int64_t now_ns)
{
    place->room_ns = now_ns + place->policy.window_s * SECOND_NS - place->bucket->full_at_ns;
    place->remaining = place->room_ns < 0 ? 0 : place->room_ns / place->price_ns;
    if (rates->sharing == RATES_ALONE)
        place->verdict = place->remaining > 0 ? RATE_TAKEN : RATE_EMPTY;
    else
        place->verdict = lease_judge(rates, place);
}

static bool is_worse(const struct rate_place *place, const struct rate_place *than)
{
    if (place->verdict != than->verdict)
        return place->verdict > than->verdict;
    if (place->remaining != than->remaining)
        return place->remaining < than->remaining;
    return place->remaining == 0 &&
           place->price_ns - place->room_ns > than->price_ns - than->room_ns;
}

/* Finds the caller's buckets. @return the worst of them; NULL: no limit holds. */
static const struct rate_place *look_at_all(struct rates *rates, enum rate rate,
                                            const struct rate_caller *caller, int64_t now_ns,
                                            struct rate_place places[RATE_SUBJECT_COUNT])
{
    const struct rate_place *worst = NULL;

    for (int subject = 0; subject < RATE_SUBJECT_COUNT; subject++) {
        struct rate_place *place = &places[subject];

        place->bucket = NULL;
        place->policy = rates_policy(rates, rate, (enum rate_subject)subject);
        if (place->policy.quota == 0 || caller->ids[subject] == 0)
            continue;
        place->rate = rate;
        place->subject = (enum rate_subject)subject;
        place->price_ns = place->policy.window_s * SECOND_NS / place->policy.quota;
        find_bucket(rates, place, caller->ids[subject], now_ns);
        look_at(rates, place, now_ns);
        if (!worst || is_worse(place, worst))
            worst = place;
    }
    return worst;
}

/* Asks for all that is undecided at once. @return what becomes of the request. */
static enum rate_verdict
ask_for_all(struct rates *rates, const struct rate_place places[RATE_SUBJECT_COUNT], int64_t now_ns)
{
    enum rate_verdict worst = RATE_TAKEN;

    for (int subject = 0; subject < RATE_SUBJECT_COUNT; subject++) {
        if (places[subject].bucket)
            worst = MAX(worst, lease_ask(rates, &places[subject], now_ns));
    }
    return worst;
}

static void take(struct rates *rates, struct rate_place places[RATE_SUBJECT_COUNT], uint32_t cost,
                 int64_t now_ns)
{
    for (int subject = 0; subject < RATE_SUBJECT_COUNT; subject++) {
        struct rate_place *place = &places[subject];

        if (!place->bucket)
            continue;
        place->bucket->full_at_ns += cost * place->price_ns;
        place->room_ns -= cost * place->price_ns;
        place->remaining = MAX(place->remaining - cost, INT64_C(0));
        if (rates->sharing == RATES_SHARED)
            lease_use(rates, place, cost, now_ns);
    }
}

bool rates_take(struct rates *rates, enum rate rate, const struct rate_caller *caller,
                int64_t now_us, struct rate_answer *ret_answer)
{
    struct rate_place places[RATE_SUBJECT_COUNT];
    int64_t now_ns = now_us * 1000;
    const struct rate_place *worst = look_at_all(rates, rate, caller, now_ns, places);
    enum rate_verdict verdict;

    if (!worst) {
        *ret_answer = (struct rate_answer){.verdict = RATE_TAKEN};
        return true;
    }
    verdict = worst->verdict;
    if (verdict == RATE_UNDECIDED)
        verdict = ask_for_all(rates, places, now_ns);
    if (verdict == RATE_TAKEN)
        take(rates, places, MAX(caller->cost, 1u), now_ns);
    *ret_answer = (struct rate_answer){
        .verdict = verdict,
        .is_limited = true,
        .subject = worst->subject,
        .remaining = worst->remaining,
        .reset_s = up_to_seconds(worst->bucket->full_at_ns - now_ns),
        .retry_s = worst->remaining > 0 ? 0 : up_to_seconds(worst->price_ns - worst->room_ns),
    };
    return verdict == RATE_TAKEN;
}

struct rate_numbers {
    const char *first_name;
    int64_t first;
    const char *second_name;
    int64_t second;
};

/* "read-key";q=600;w=60 */
static void append_parameters(struct buf *out, const char *before, enum rate rate, int subject,
                              struct rate_numbers numbers)
{
    buf_append_text(out, before);
    buf_append_char(out, '"');
    buf_append_text(out, rate_words[rate]);
    buf_append_char(out, '-');
    buf_append_text(out, rate_subject_words[subject]);
    buf_append_char(out, '"');
    buf_append_text(out, numbers.first_name);
    buf_append_integer(out, numbers.first);
    buf_append_text(out, numbers.second_name);
    buf_append_integer(out, numbers.second);
}

void rates_describe(const struct rates *rates, enum rate rate, const struct rate_answer *answer,
                    struct buf *out)
{
    const char *separator = "RateLimit-Policy: ";

    if (!answer->is_limited)
        return;
    for (int subject = 0; subject < RATE_SUBJECT_COUNT; subject++) {
        struct rate_policy policy = rates_policy(rates, rate, (enum rate_subject)subject);

        if (policy.quota == 0)
            continue;
        append_parameters(out, separator, rate, subject,
                          (struct rate_numbers){";q=", policy.quota, ";w=", policy.window_s});
        separator = ", ";
    }
    append_parameters(out, *separator == ',' ? "\r\nRateLimit: " : "RateLimit: ", rate,
                      answer->subject,
                      (struct rate_numbers){";r=", answer->remaining, ";t=", answer->reset_s});
    buf_append_text(out, "\r\n");
}
