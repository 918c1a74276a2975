/*
 * Buckets that several processes share. A process has a lease of each that its callers use: tokens
 * that the true bucket has given away already, so that nobody waits for them. When half of a lease
 * is used, the next is asked for; what lies unused for long goes back.
 *
 * Who comes while there is none is let through on debt, up to one lease, and the debt is told with
 * the next question; who comes after that waits for the answer. Sign-in and small quotas know no
 * debt, so they are exact, and wait each time.
 *
 * The bucket of this process is moved to where the true one is with each answer, and takes part in
 * all that happens. So it tells when it is of no use to ask, and what is left when the holder
 * cannot be asked; and when it can be again, the first question tells of what happened without it.
 */
#include <assert.h>

#include "shared/attrs.h"

#include "control/api/rates_private.h"

#define LEASES_OF_A_QUOTA  50
#define LEASE_TOKENS_MAX   256
#define WANTED_MAX         1024
#define LEASES_OF_A_WINDOW 10
#define LEASE_NS_MIN       INT64_C(1000000000)
#define LEASE_NS_MAX       INT64_C(10000000000)
#define SLICES             8 /* of the tables: each place is looked at once a second */

static_assert(RATE_SETS % SLICES == 0, "no set is left out");

/* Asking -------------------------------------------------------------------------------------- */

/* How many tokens a lease has; 0: each request asks. */
static uint32_t lease_tokens(const struct rate_place *place)
{
    if (place->rate == RATE_SIGN_IN)
        return 0;
    return (uint32_t)MIN(place->policy.quota / LEASES_OF_A_QUOTA, LEASE_TOKENS_MAX);
}

static bool has_debt_left(const struct rate_place *place)
{
    return place->lease->debt + place->lease->charged < lease_tokens(place);
}

/* Whether there is a token of a lease, and the bucket has room for it: it has less when the quota
 * has become a smaller one. Half a price is more than what rounding takes. */
static bool has_lease(const struct rate_place *place)
{
    return place->lease->unspent > 0 && place->room_ns >= place->price_ns / 2;
}

enum rate_verdict lease_judge(struct rates *rates, const struct rate_place *place)
{
    struct lease *lease = place->lease;
    bool is_strict = place->rate == RATE_SIGN_IN;

    if (lease->term != rates->term)
        *lease = (struct lease){.term = rates->term};
    if (rates->sharing == RATES_CUT_OFF && is_strict)
        return RATE_UNCOUNTED;
    if (rates->sharing == RATES_SHARED && has_lease(place))
        return RATE_TAKEN;
    if (place->remaining == 0)
        return RATE_EMPTY;
    if (rates->sharing == RATES_SHARED)
        return has_debt_left(place) ? RATE_TAKEN : RATE_UNDECIDED;
    return rates->sharing == RATES_JOINING && is_strict ? RATE_UNDECIDED : RATE_TAKEN;
}

static bool ask(struct rates *rates, const struct rate_place *place, int64_t now_ns, int64_t wanted,
                uint32_t back)
{
    struct lease *lease = place->lease;
    int64_t full_in_ns = place->bucket->full_at_ns - now_ns - lease->debt * place->price_ns;
    const struct rate_ask ask = {
        .rate = place->rate,
        .subject = place->subject,
        .id = place->bucket->id,
        .policy = place->policy,
        .used = lease->debt,
        .back = back,
        .wanted = MIN(wanted, WANTED_MAX),
        .full_in_ns = lease->is_known ? 0 : MAX(full_in_ns, 0),
    };

    if (!rates->holder.ask(rates->holder.context, &ask))
        return false;
    lease->is_asking = true;
    lease->charged = lease->debt;
    lease->debt = 0;
    lease->waiting = 0;
    lease->unspent -= back;
    return true;
}

enum rate_verdict lease_ask(struct rates *rates, const struct rate_place *place, int64_t now_ns)
{
    struct lease *lease = place->lease;
    enum rate_verdict verdict = lease_judge(rates, place);

    if (verdict != RATE_UNDECIDED || rates->sharing != RATES_SHARED)
        return verdict;
    lease->waiting++;
    if (lease->is_asking ||
        ask(rates, place, now_ns, (int64_t)lease_tokens(place) + lease->waiting, 0))
        return RATE_UNDECIDED;
    return place->rate == RATE_SIGN_IN ? RATE_UNCOUNTED : RATE_TAKEN;
}

/* Whether the true bucket has more than what is unspent here, as far as is known. */
static bool has_more(const struct rate_place *place, int64_t now_ns)
{
    int64_t window_ns = place->policy.window_s * SECOND_NS;

    return now_ns + window_ns - place->bucket->full_at_ns >
           (place->lease->unspent + 1) * place->price_ns;
}

void lease_use(struct rates *rates, const struct rate_place *place, uint32_t cost, int64_t now_ns)
{
    struct lease *lease = place->lease;
    uint32_t tokens = lease_tokens(place);
    uint32_t spent = MIN(lease->unspent, cost);

    lease->unspent -= spent;
    lease->debt += cost - spent;
    if (lease->is_asking || lease->unspent > tokens / 2)
        return;
    if (lease->debt > 0 || (tokens > 0 && has_more(place, now_ns)))
        (void)ask(rates, place, now_ns, (int64_t)tokens + lease->waiting, 0);
}

/* Waiting ------------------------------------------------------------------------------------- */

static struct list *waiters_of(struct rates *rates, uint64_t id)
{
    return &rates->waiters[rates_set_of(id) & (RATE_WAITER_LISTS - 1)];
}

void rates_wait(struct rates *rates, const struct rate_caller *caller,
                const struct rate_answer *answer, struct rate_waiter *waiter)
{
    waiter->id = caller->ids[answer->subject];
    list_append(waiters_of(rates, waiter->id), &waiter->link);
}

/* Lets those of a list try again who wait for this id; 0: all. They may come to wait again. */
static void wake(struct list *waiters, uint64_t id)
{
    struct list woken;
    struct list *link;

    list_init(&woken);
    LIST_FOREACH_SAFE (waiting, waiters) {
        if (id != 0 && container_of(waiting, struct rate_waiter, link)->id != id)
            continue;
        list_remove(waiting);
        list_append(&woken, waiting);
    }
    while ((link = list_first(&woken)) != NULL) {
        struct rate_waiter *waiter = container_of(link, struct rate_waiter, link);

        list_remove(link);
        waiter->again(waiter);
    }
}

static void wake_all(struct rates *rates)
{
    for (size_t i = 0; i < RATE_WAITER_LISTS; i++)
        wake(&rates->waiters[i], 0);
}

/* Answers ------------------------------------------------------------------------------------- */

/* How long an unused lease is held back from other processes. */
static int64_t lease_ns(struct rate_policy policy)
{
    return MAX(MIN(policy.window_s * SECOND_NS / LEASES_OF_A_WINDOW, LEASE_NS_MAX), LEASE_NS_MIN);
}

static void take_in(struct rates *rates, const struct rate_place *place, struct rate_grant grant,
                    int64_t now_ns)
{
    struct lease *lease = place->lease;
    uint32_t tokens = (uint32_t)grant.tokens;
    uint32_t paid;

    if (lease->term != rates->term)
        *lease = (struct lease){.term = rates->term};
    paid = MIN(lease->debt, tokens);
    lease->is_known = true;
    lease->charged = 0;
    lease->debt -= paid;
    lease->unspent += tokens - paid;
    if (tokens > 0)
        lease->until_ns = now_ns + lease_ns(place->policy);
    place->bucket->full_at_ns = now_ns + grant.full_in_ns +
                                ((int64_t)lease->debt - (int64_t)lease->unspent) * place->price_ns;
}

/* The place of who asked, unless another has taken it. */
static bool find_place(struct rates *rates, const struct rate_ask *ask,
                       struct rate_place *ret_place)
{
    size_t set = rates_set_of(ask->id);

    for (size_t i = 0; i < RATE_PLACES; i++) {
        struct bucket *bucket = &rates->buckets[ask->rate][ask->subject][set][i];

        if (bucket->id != ask->id)
            continue;
        *ret_place = (struct rate_place){
            .rate = ask->rate,
            .subject = ask->subject,
            .policy = ask->policy,
            .price_ns = ask->policy.window_s * SECOND_NS / ask->policy.quota,
            .bucket = bucket,
            .lease = &rates->leases[ask->rate][ask->subject][set][i],
        };
        return true;
    }
    return false;
}

/* Those who waited have tried again, and some may have come to wait anew: one question for all. */
static bool ask_again(struct rates *rates, const struct rate_place *place, int64_t now_ns)
{
    struct lease *lease = place->lease;

    lease->is_asking = false;
    if (lease->waiting == 0 || rates->sharing != RATES_SHARED || lease->term != rates->term)
        return true;
    return ask(rates, place, now_ns, (int64_t)lease_tokens(place) + lease->waiting, 0);
}

void rates_granted(struct rates *rates, const struct rate_ask *ask, struct rate_grant grant,
                   int64_t now_us)
{
    struct list *waiters = waiters_of(rates, ask->id);
    struct rate_place place;

    if (rates->sharing != RATES_SHARED)
        return;
    if (find_place(rates, ask, &place)) {
        take_in(rates, &place, grant, now_us * 1000);
        place.lease->is_asking = true; /* nobody asks for one alone */
        place.lease->waiting = 0;
    }
    wake(waiters, ask->id);
    if (find_place(rates, ask, &place) && !ask_again(rates, &place, now_us * 1000))
        wake(waiters, ask->id);
}

/* Telling ------------------------------------------------------------------------------------- */

/* What is over goes back, what was used and not told yet is told, and so is what happened before
 * the holder could be asked. */
static void settle(struct rates *rates, struct rate_place *place, size_t set, int64_t now_ns)
{
    for (size_t i = 0; i < RATE_PLACES; i++) {
        struct lease *lease = &rates->leases[place->rate][place->subject][set][i];
        struct bucket *bucket = &rates->buckets[place->rate][place->subject][set][i];
        bool is_new = lease->term != rates->term;
        bool is_over = !is_new && lease->unspent > 0 && lease->until_ns <= now_ns;

        if (is_new ? bucket->full_at_ns <= now_ns
                   : lease->is_asking || (!is_over && lease->debt == 0))
            continue;
        if (is_new)
            *lease = (struct lease){.term = rates->term};
        place->bucket = bucket;
        place->lease = lease;
        if (!ask(rates, place, now_ns, 0, is_over ? lease->unspent : 0) && is_new)
            lease->term = 0; /* the next time, then */
    }
}

void rates_tick(struct rates *rates, int64_t now_us)
{
    size_t first = rates->slice * (RATE_SETS / SLICES);

    if (rates->sharing != RATES_SHARED)
        return;
    rates->slice = (rates->slice + 1) % SLICES;
    for (int pair = 0; pair < RATE_COUNT * RATE_SUBJECT_COUNT; pair++) {
        struct rate_place place = {.rate = (enum rate)(pair / RATE_SUBJECT_COUNT),
                                   .subject = (enum rate_subject)(pair % RATE_SUBJECT_COUNT)};

        place.policy = rates_policy(rates, place.rate, place.subject);
        if (place.policy.quota == 0)
            continue;
        place.price_ns = place.policy.window_s * SECOND_NS / place.policy.quota;
        for (size_t i = 0; i < RATE_SETS / SLICES; i++)
            settle(rates, &place, first + i, now_us * 1000);
    }
}

/* The holder ---------------------------------------------------------------------------------- */

void rates_share(struct rates *rates, const struct rates_holder *holder)
{
    rates->holder = *holder;
    rates->sharing = RATES_JOINING;
}

void rates_joined(struct rates *rates, int64_t now_us)
{
    rates->sharing = RATES_SHARED;
    rates->term++;
    for (int i = 0; i < SLICES; i++)
        rates_tick(rates, now_us);
    wake_all(rates);
}

void rates_cut_off(struct rates *rates)
{
    rates->sharing = RATES_CUT_OFF;
    wake_all(rates);
}
