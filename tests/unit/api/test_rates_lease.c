/* Processes that share buckets by a holder of the test's own, over a clock of the test's own. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "shared/mem.h"

#include "control/api/rates.h"

#define SECOND_US INT64_C(1000000)
#define START_US  (1000 * SECOND_US)
#define ASKS_MAX  64

static const struct rate_caller somebody = {.ids = {0, 0, 33}};

/* The true bucket of `somebody`; one process' questions wait until the test has them answered. */
struct holder {
    int64_t *full_at_us;
    struct rate_ask asks[ASKS_MAX];
    size_t count;
    size_t total; /* ever asked */
    bool refuses;
};

static bool ask(void *context, const struct rate_ask *ask)
{
    struct holder *holder = context;

    if (holder->refuses)
        return false;
    assert_true(holder->count < ASKS_MAX);
    holder->asks[holder->count++] = *ask;
    holder->total++;
    return true;
}

/* As the script in Redis does it. */
static struct rate_grant grant(struct holder *holder, const struct rate_ask *ask, int64_t now_us)
{
    double window_us = (double)ask->policy.window_s * 1e6;
    double price_us = window_us / (double)ask->policy.quota;
    double full_at_us = (double)MAX(*holder->full_at_us, now_us + ask->full_in_ns / 1000);
    double room;
    int64_t tokens;

    full_at_us = MAX(full_at_us + (double)(ask->used - ask->back) * price_us, (double)now_us);
    room = ((double)now_us + window_us - full_at_us) / price_us + 0.001;
    tokens = MAX(MIN((int64_t)room, ask->wanted), INT64_C(0));
    if (room < 0)
        tokens = 0;
    full_at_us += (double)tokens * price_us;
    *holder->full_at_us = (int64_t)(full_at_us + 0.999);
    return (struct rate_grant){tokens, (*holder->full_at_us - now_us) * 1000};
}

/* Answers what was asked up to now. */
static void answer(struct holder *holder, struct rates *rates, int64_t now_us)
{
    struct rate_ask asks[ASKS_MAX];
    size_t count = holder->count;

    memcpy(asks, holder->asks, sizeof asks);
    holder->count = 0;
    for (size_t i = 0; i < count; i++)
        rates_granted(rates, &asks[i], grant(holder, &asks[i], now_us), now_us);
}

static struct rates *shared(struct holder *holder, enum rate rate, int64_t quota, int64_t window_s)
{
    struct rates *rates = rates_new();

    rates_configure(rates, rate, RATE_BY_ADDRESS, (struct rate_policy){quota, window_s, 0});
    rates_share(rates, &(struct rates_holder){holder, ask});
    return rates;
}

static enum rate_verdict take(struct rates *rates, enum rate rate, int64_t now_us)
{
    struct rate_answer answer;

    rates_take(rates, rate, &somebody, now_us, &answer);
    return answer.verdict;
}

/* How many of `count` requests at one moment get through before the first that does not. */
static int run(struct rates *rates, enum rate rate, int64_t now_us, int count)
{
    int through = 0;

    while (through < count && take(rates, rate, now_us) == RATE_TAKEN)
        through++;
    return through;
}

/* One process and one bucket --------------------------------------------------------------------
 */

static void test_the_first_go_through_on_debt(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 1000, 100);

    (void)state;
    rates_joined(rates, START_US);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 100), 20);
    assert_int_equal(take(rates, RATE_BROWSE, START_US), RATE_UNDECIDED);
    assert_int_equal(holder.total, 1);
    assert_int_equal(holder.asks[0].used, 1);
    assert_int_equal(holder.asks[0].wanted, 20);
    /* The debt that has grown meanwhile is paid out of the grant. */
    answer(&holder, rates, START_US);
    assert_int_equal(full_at_us, START_US + 21 * SECOND_US / 10);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 1), 1);
    rates_free(rates);
}

static void test_what_costs_more_is_told_in_full(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 100, 10);
    struct rate_caller costly = somebody;
    struct rate_answer told;

    (void)state;
    costly.cost = 10;
    rates_joined(rates, START_US);
    assert_true(rates_take(rates, RATE_BROWSE, &costly, START_US, &told));
    assert_int_equal(holder.asks[0].used, 10);
    answer(&holder, rates, START_US);
    /* Two of the lease, eight on debt. */
    assert_true(rates_take(rates, RATE_BROWSE, &costly, START_US, &told));
    assert_int_equal(holder.asks[0].used, 8);
    answer(&holder, rates, START_US);
    assert_int_equal(full_at_us, START_US + 22 * SECOND_US / 10);
    rates_free(rates);
}

static void test_a_lease_is_used_without_asking(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 1000, 100);

    (void)state;
    rates_joined(rates, START_US);
    assert_int_equal(take(rates, RATE_BROWSE, START_US), RATE_TAKEN);
    answer(&holder, rates, START_US);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 9), 9);
    assert_int_equal(holder.total, 1);
    /* Half of it is gone: the next is asked for, once, while the rest is used. */
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 11), 11);
    assert_int_equal(holder.total, 2);
    assert_int_equal(holder.asks[0].used, 0);
    answer(&holder, rates, START_US);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 9), 9);
    assert_int_equal(holder.total, 2);
    rates_free(rates);
}

static void test_who_is_told_that_none_is_left_does_not_ask(void **state)
{
    int64_t full_at_us = START_US + 100 * SECOND_US; /* others have used it up */
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 1000, 100);
    struct rate_answer told;

    (void)state;
    rates_joined(rates, START_US);
    assert_int_equal(take(rates, RATE_BROWSE, START_US), RATE_TAKEN);
    answer(&holder, rates, START_US);
    assert_false(rates_take(rates, RATE_BROWSE, &somebody, START_US, &told));
    assert_int_equal(told.verdict, RATE_EMPTY);
    assert_int_equal(told.remaining, 0);
    assert_int_equal(told.retry_s, 1);
    assert_int_equal(told.reset_s, 101);
    for (int i = 0; i < 100; i++)
        assert_int_equal(take(rates, RATE_BROWSE, START_US + i * SECOND_US / 1000), RATE_EMPTY);
    assert_int_equal(holder.total, 1);
    /* The debt has to be waited for, too. */
    assert_int_equal(take(rates, RATE_BROWSE, START_US + 2 * SECOND_US / 10 + 1000), RATE_TAKEN);
    assert_int_equal(holder.total, 2);
    rates_free(rates);
}

static void test_what_is_not_used_goes_back(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 1000, 50);
    int64_t now_us = START_US;

    (void)state;
    rates_joined(rates, START_US);
    assert_int_equal(take(rates, RATE_BROWSE, now_us), RATE_TAKEN);
    answer(&holder, rates, now_us);
    assert_int_equal(full_at_us, START_US + 21 * SECOND_US / 20);
    for (; now_us < START_US + 4900000; now_us += 125000)
        rates_tick(rates, now_us);
    assert_int_equal(holder.total, 1);
    for (; now_us < START_US + 6100000; now_us += 125000)
        rates_tick(rates, now_us);
    assert_int_equal(holder.total, 2);
    assert_int_equal(holder.asks[0].back, 20);
    assert_int_equal(holder.asks[0].wanted, 0);
    full_at_us = now_us + 20 * SECOND_US / 20;
    answer(&holder, rates, now_us);
    assert_int_equal(full_at_us, now_us);
    /* It is given once. */
    for (int i = 0; i < 100; i++)
        rates_tick(rates, now_us += 125000);
    assert_int_equal(holder.total, 2);
    rates_free(rates);
}

/* A lease of the larger quota is none of the smaller one. */
static void test_a_smaller_quota_holds_also_for_who_has_a_lease(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 100000, 60);

    (void)state;
    rates_joined(rates, START_US);
    assert_int_equal(take(rates, RATE_BROWSE, START_US), RATE_TAKEN);
    answer(&holder, rates, START_US);
    rates_configure(rates, RATE_BROWSE, RATE_BY_ADDRESS, (struct rate_policy){10, 60, 0});
    for (int i = 0; i < 300; i++) {
        take(rates, RATE_BROWSE, START_US);
        answer(&holder, rates, START_US);
    }
    assert_int_equal(take(rates, RATE_BROWSE, START_US), RATE_EMPTY);
    assert_in_range(run(rates, RATE_BROWSE, START_US + 30 * SECOND_US, 300), 4, 5);
    rates_free(rates);
}

static void test_debt_that_nobody_asks_for_is_told_by_the_tick(void **state)
{
    int64_t full_at_us = START_US + 99 * SECOND_US; /* 10 tokens are left */
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 1000, 100);

    (void)state;
    rates_joined(rates, START_US);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 20), 20);
    answer(&holder, rates, START_US); /* 1 as debt, 9 granted: 10 more are owed */
    assert_int_equal(full_at_us, START_US + 100 * SECOND_US);
    for (int i = 0; i < 8; i++)
        rates_tick(rates, START_US);
    assert_int_equal(holder.count, 1);
    assert_int_equal(holder.asks[0].used, 10);
    assert_int_equal(holder.asks[0].wanted, 0);
    rates_free(rates);
}

/* Strict ones ----------------------------------------------------------------------------------- */

struct visitor {
    struct rate_waiter waiter;
    struct rates *rates;
    enum rate rate;
    int64_t now_us;
    enum rate_verdict verdict;
};

static void visit(struct rate_waiter *waiter)
{
    struct visitor *visitor = container_of(waiter, struct visitor, waiter);
    struct rate_answer told;

    rates_take(visitor->rates, visitor->rate, &somebody, visitor->now_us, &told);
    visitor->verdict = told.verdict;
    if (told.verdict == RATE_UNDECIDED)
        rates_wait(visitor->rates, &somebody, &told, waiter);
}

static struct visitor visitor_at(struct rates *rates, enum rate rate, int64_t now_us)
{
    return (struct visitor){
        .waiter = {.again = visit}, .rates = rates, .rate = rate, .now_us = now_us};
}

static void test_sign_in_waits_for_its_token(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_SIGN_IN, 3, 30);
    struct visitor visitors[5];
    struct rate_answer told;

    (void)state;
    rates_joined(rates, START_US);
    for (size_t i = 0; i < ARRAY_LEN(visitors); i++) {
        visitors[i] = visitor_at(rates, RATE_SIGN_IN, START_US);
        visit(&visitors[i].waiter);
        assert_int_equal(visitors[i].verdict, RATE_UNDECIDED);
    }
    assert_int_equal(holder.total, 1); /* for the first; the others ask together */
    answer(&holder, rates, START_US);
    assert_int_equal(holder.total, 2);
    assert_int_equal(holder.asks[0].wanted, 4);
    answer(&holder, rates, START_US);
    for (size_t i = 0; i < ARRAY_LEN(visitors); i++)
        assert_int_equal(visitors[i].verdict, i < 3 ? RATE_TAKEN : RATE_EMPTY);
    assert_int_equal(full_at_us, START_US + 30 * SECOND_US);
    rates_take(rates, RATE_SIGN_IN, &somebody, START_US, &told);
    assert_int_equal(told.retry_s, 10);
    assert_int_equal(holder.total, 2);
    rates_free(rates);
}

static void test_small_quotas_are_exact(void **state)
{
    int64_t full_at_us = START_US + 60 * SECOND_US - 1; /* used up elsewhere */
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 49, 60);
    struct visitor visitor = visitor_at(rates, RATE_BROWSE, START_US);

    (void)state;
    rates_joined(rates, START_US);
    visit(&visitor.waiter);
    assert_int_equal(visitor.verdict, RATE_UNDECIDED);
    answer(&holder, rates, START_US);
    assert_int_equal(visitor.verdict, RATE_EMPTY);
    assert_int_equal(full_at_us, START_US + 60 * SECOND_US - 1);
    rates_free(rates);
}

static void test_who_gives_up_waiting_is_forgotten(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_SIGN_IN, 3, 30);
    struct visitor visitor = visitor_at(rates, RATE_SIGN_IN, START_US);

    (void)state;
    rates_joined(rates, START_US);
    visit(&visitor.waiter);
    list_remove(&visitor.waiter.link);
    answer(&holder, rates, START_US);
    assert_int_equal(visitor.verdict, RATE_UNDECIDED);
    /* Its token serves the next. */
    assert_int_equal(take(rates, RATE_SIGN_IN, START_US), RATE_TAKEN);
    assert_int_equal(holder.total, 1);
    rates_free(rates);
}

/* Without the holder ---------------------------------------------------------------------------- */

static void test_until_joined_sign_in_waits_and_the_rest_is_counted_here(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_SIGN_IN, 3, 30);
    struct visitor visitor = visitor_at(rates, RATE_SIGN_IN, START_US);

    (void)state;
    rates_configure(rates, RATE_BROWSE, RATE_BY_ADDRESS, (struct rate_policy){100, 100, 0});
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 200), 100);
    visit(&visitor.waiter);
    assert_int_equal(visitor.verdict, RATE_UNDECIDED);
    assert_int_equal(holder.total, 0);
    rates_joined(rates, START_US);
    assert_int_equal(holder.count, 2);
    assert_int_equal(holder.asks[0].rate, RATE_BROWSE); /* what was counted meanwhile */
    assert_int_equal(holder.asks[0].full_in_ns, INT64_C(100000000000));
    holder.asks[0] = holder.asks[--holder.count];
    answer(&holder, rates, START_US);
    assert_int_equal(visitor.verdict, RATE_TAKEN);
    rates_free(rates);
}

static void test_cut_off_sign_in_is_refused_and_the_rest_is_counted_here(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_SIGN_IN, 3, 30);
    struct visitor visitor = visitor_at(rates, RATE_SIGN_IN, START_US);

    (void)state;
    rates_configure(rates, RATE_BROWSE, RATE_BY_ADDRESS, (struct rate_policy){1000, 100, 0});
    rates_joined(rates, START_US);
    visit(&visitor.waiter);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 10), 10);
    rates_cut_off(rates);
    assert_int_equal(visitor.verdict, RATE_UNCOUNTED);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 2000), 990);
    assert_int_equal(take(rates, RATE_BROWSE, START_US), RATE_EMPTY);
    assert_int_equal(run(rates, RATE_BROWSE, START_US + SECOND_US, 2000), 10);
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(rates, RATE_SIGN_IN, START_US + 100 * SECOND_US), RATE_UNCOUNTED);
    /* An answer that comes after all is of no account. */
    answer(&holder, rates, START_US + SECOND_US);
    assert_int_equal(run(rates, RATE_BROWSE, START_US + SECOND_US, 1), 0);
    rates_free(rates);
}

/* Neither a holder that has forgotten everything nor a new connection fills a bucket. */
static void test_what_happened_without_the_holder_is_told(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 1000, 100);

    (void)state;
    rates_joined(rates, START_US);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 10), 10);
    answer(&holder, rates, START_US);
    rates_cut_off(rates);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 890), 890);
    holder.count = 0;
    full_at_us = 0;
    rates_joined(rates, START_US);
    assert_int_equal(holder.count, 1);
    assert_int_equal(holder.asks[0].full_in_ns, INT64_C(90000000000));
    assert_int_equal(holder.asks[0].used, 0);
    assert_int_equal(holder.asks[0].wanted, 0);
    answer(&holder, rates, START_US);
    assert_int_equal(full_at_us, START_US + 90 * SECOND_US);
    for (int i = 0; i < 20; i++) {
        run(rates, RATE_BROWSE, START_US, 100);
        answer(&holder, rates, START_US);
    }
    assert_int_equal(full_at_us, START_US + 100 * SECOND_US);
    rates_free(rates);
}

static void test_a_holder_without_room_is_done_without(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us, .refuses = true};
    struct rates *rates = shared(&holder, RATE_SIGN_IN, 3, 30);

    (void)state;
    rates_configure(rates, RATE_BROWSE, RATE_BY_ADDRESS, (struct rate_policy){100, 100, 0});
    rates_joined(rates, START_US);
    assert_int_equal(take(rates, RATE_SIGN_IN, START_US), RATE_UNCOUNTED);
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 200), 100);
    /* All of it is owed. */
    holder.refuses = false;
    assert_int_equal(take(rates, RATE_BROWSE, START_US + SECOND_US), RATE_UNDECIDED);
    assert_int_equal(holder.asks[0].used, 100);
    rates_free(rates);
}

/* What the holder has no room for at first is told later. */
static void test_what_could_not_be_told_is_told_later(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us, .refuses = true};
    struct rates *rates = shared(&holder, RATE_BROWSE, 1000, 100);

    (void)state;
    assert_int_equal(run(rates, RATE_BROWSE, START_US, 500), 500);
    rates_joined(rates, START_US);
    for (int i = 0; i < 8; i++)
        rates_tick(rates, START_US);
    holder.refuses = false;
    for (int i = 0; i < 16; i++)
        rates_tick(rates, START_US + 10 * SECOND_US);
    assert_int_equal(holder.total, 1);
    assert_int_equal(holder.asks[0].full_in_ns, INT64_C(40000000000));
    rates_free(rates);
}

/* A bucket whose place another caller has taken gets no tokens. */
static void test_answers_for_nobody_do_nothing(void **state)
{
    int64_t full_at_us = 0;
    struct holder holder = {.full_at_us = &full_at_us};
    struct rates *rates = shared(&holder, RATE_BROWSE, 1000, 100);
    struct rate_ask asked;
    struct rate_answer told;

    (void)state;
    rates_joined(rates, START_US);
    assert_int_equal(take(rates, RATE_BROWSE, START_US), RATE_TAKEN);
    asked = holder.asks[0];
    for (uint64_t other = 1; other <= 20; other++) {
        struct rate_caller caller = {.ids = {0, 0, somebody.ids[2] + (other << 13)}};

        holder.count = 0;
        assert_true(rates_take(rates, RATE_BROWSE, &caller, START_US + 200000, &told));
    }
    holder.count = 0;
    rates_granted(rates, &asked, (struct rate_grant){20, 0}, START_US + 200000);
    assert_int_equal(take(rates, RATE_BROWSE, START_US + 200000), RATE_TAKEN);
    assert_int_equal(holder.asks[0].used, 1);
    rates_free(rates);
}

/* Two processes --------------------------------------------------------------------------------- */

static int passed_in(struct rates *rates[2], struct holder holders[2], enum rate rate,
                     int64_t span_us, int per_ms)
{
    int through = 0;

    for (int64_t now_us = START_US; now_us < START_US + span_us; now_us += 1000) {
        for (int i = 0; i < per_ms; i++)
            through += take(rates[(now_us / 1000 + i) % 2], rate, now_us) == RATE_TAKEN;
        if (now_us / 1000 % 3 == 0) /* answers take their time */
            answer(&holders[0], rates[0], now_us);
        if (now_us / 1000 % 5 == 0)
            answer(&holders[1], rates[1], now_us);
        if (now_us / 1000 % 125 == 0) {
            rates_tick(rates[0], now_us);
            rates_tick(rates[1], now_us);
        }
    }
    return through;
}

static void test_two_processes_admit_one_quota(void **state)
{
    static const struct {
        enum rate rate;
        int64_t quota;
        int64_t window_s;
        int per_ms;
    } cases[] = {
        {RATE_BROWSE, 100, 1, 2},     {RATE_BROWSE, 100, 5, 2},     {RATE_BROWSE, 1000, 10, 4},
        {RATE_BROWSE, 30000, 10, 40}, {RATE_EXPENSIVE, 100, 60, 2}, {RATE_BROWSE, 20, 10, 2},
        {RATE_SIGN_IN, 30, 30, 1},    {RATE_SIGN_IN, 1000, 10, 3},
    };

    const int64_t span_us = 20 * SECOND_US;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t full_at_us = 0;
        struct holder holders[2] = {{.full_at_us = &full_at_us}, {.full_at_us = &full_at_us}};
        struct rates *rates[2] = {
            shared(&holders[0], cases[i].rate, cases[i].quota, cases[i].window_s),
            shared(&holders[1], cases[i].rate, cases[i].quota, cases[i].window_s)};
        int64_t quota = cases[i].quota + cases[i].quota * 20 / cases[i].window_s;
        int64_t through;

        rates_joined(rates[0], START_US);
        rates_joined(rates[1], START_US);
        through = passed_in(rates, holders, cases[i].rate, span_us, cases[i].per_ms);
        printf("quota %lld in %lld s: %lld let through, %lld due, %zu asks\n",
               (long long)cases[i].quota, (long long)cases[i].window_s, (long long)through,
               (long long)quota, holders[0].total + holders[1].total);
        assert_in_range(through, quota * 95 / 100, quota * 105 / 100);
        rates_free(rates[0]);
        rates_free(rates[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_go_through_on_debt),
        cmocka_unit_test(test_what_costs_more_is_told_in_full),
        cmocka_unit_test(test_a_lease_is_used_without_asking),
        cmocka_unit_test(test_who_is_told_that_none_is_left_does_not_ask),
        cmocka_unit_test(test_what_is_not_used_goes_back),
        cmocka_unit_test(test_a_smaller_quota_holds_also_for_who_has_a_lease),
        cmocka_unit_test(test_debt_that_nobody_asks_for_is_told_by_the_tick),
        cmocka_unit_test(test_sign_in_waits_for_its_token),
        cmocka_unit_test(test_small_quotas_are_exact),
        cmocka_unit_test(test_who_gives_up_waiting_is_forgotten),
        cmocka_unit_test(test_until_joined_sign_in_waits_and_the_rest_is_counted_here),
        cmocka_unit_test(test_cut_off_sign_in_is_refused_and_the_rest_is_counted_here),
        cmocka_unit_test(test_what_happened_without_the_holder_is_told),
        cmocka_unit_test(test_a_holder_without_room_is_done_without),
        cmocka_unit_test(test_what_could_not_be_told_is_told_later),
        cmocka_unit_test(test_answers_for_nobody_do_nothing),
        cmocka_unit_test(test_two_processes_admit_one_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
