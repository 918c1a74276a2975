/* Buckets over a clock of the test's own. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "shared/buf.h"
#include "shared/mem.h"

#include "control/api/rates.h"

#define SECOND_US INT64_C(1000000)
#define START_US  (1000 * SECOND_US)

static const struct rate_caller one = {.ids = {11, 22, 33}};
static const struct rate_caller same_person = {.ids = {12, 22, 33}};
static const struct rate_caller stranger = {.ids = {0, 0, 44}};

static struct rates *limited(enum rate_subject subject, int64_t quota, int64_t window_s)
{
    struct rates *rates = rates_new();

    rates_configure(rates, RATE_CHANGE, subject,
                    (struct rate_policy){.quota = quota, .window_s = window_s});
    return rates;
}

/* How many of `count` requests at one moment get through. */
static int let_through(struct rates *rates, const struct rate_caller *caller, int64_t now_us,
                       int count)
{
    struct rate_answer answer;
    int through = 0;

    for (int i = 0; i < count; i++)
        through += rates_take(rates, RATE_CHANGE, caller, now_us, &answer);
    return through;
}

static void test_without_a_limit_all_get_through(void **state)
{
    struct rates *rates = limited(RATE_BY_USER, 1, 1);
    struct rate_answer answer;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_true(rates_take(rates, RATE_BROWSE, &one, START_US, &answer));
        assert_false(answer.is_limited);
        assert_true(rates_take(rates, RATE_CHANGE, &stranger, START_US, &answer));
    }
    rates_configure(rates, RATE_CHANGE, RATE_BY_USER, (struct rate_policy){0, 60, 0});
    assert_int_equal(let_through(rates, &one, START_US, 100), 100);
    rates_free(rates);
}

/* However many come, none is held to what another has used; and who is held stays held among a
 * few. */
static void test_callers_never_share_a_bucket(void **state)
{
    struct rates *rates = limited(RATE_BY_KEY, 1, 3600);
    struct rate_answer answer;

    (void)state;
    for (uint64_t number = 1; number <= 100000; number++) {
        struct rate_caller caller = {.ids = {number * UINT64_C(0x9e3779b97f4a7c15) | 1}};

        assert_true(rates_take(rates, RATE_CHANGE, &caller, START_US, &answer));
    }
    rates_free(rates);

    rates = limited(RATE_BY_KEY, 1, 3600);
    assert_true(rates_take(rates, RATE_CHANGE, &one, START_US, &answer));
    for (uint64_t number = 1; number <= 1000; number++) {
        struct rate_caller caller = {.ids = {number * UINT64_C(0x9e3779b97f4a7c15) | 1}};

        assert_true(rates_take(rates, RATE_CHANGE, &caller, START_US, &answer));
        assert_false(rates_take(rates, RATE_CHANGE, &caller, START_US, &answer));
    }
    assert_false(rates_take(rates, RATE_CHANGE, &one, START_US, &answer));
    rates_free(rates);
}

/* Who has used the least gives way. */
static void test_who_is_full_gives_way(void **state)
{
    struct rates *rates = limited(RATE_BY_KEY, 100, 3600);

    (void)state;
    assert_int_equal(let_through(rates, &one, START_US, 100), 100);
    for (uint64_t number = 1; number <= 100000; number++) {
        struct rate_caller caller = {.ids = {number * UINT64_C(0x9e3779b97f4a7c15) | 1}};

        assert_int_equal(let_through(rates, &caller, START_US, 1), 1);
    }
    assert_int_equal(let_through(rates, &one, START_US, 1), 0);
    rates_free(rates);
}

static void test_the_quota_at_once_then_evenly(void **state)
{
    struct rates *rates = limited(RATE_BY_KEY, 10, 5);

    (void)state;
    assert_int_equal(let_through(rates, &one, START_US, 30), 10);
    assert_int_equal(let_through(rates, &one, START_US + SECOND_US / 2 - 1, 30), 0);
    assert_int_equal(let_through(rates, &one, START_US + SECOND_US / 2, 30), 1);
    assert_int_equal(let_through(rates, &one, START_US + 2 * SECOND_US, 30), 3);
    assert_int_equal(let_through(rates, &one, START_US + 100 * SECOND_US, 30), 10);
    rates_free(rates);
}

static void test_over_long_time_the_rate_is_kept(void **state)
{
    static const int64_t quotas[] = {1, 7, 1000, RATE_QUOTA_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(quotas); i++) {
        struct rates *rates = limited(RATE_BY_KEY, quotas[i], 1);
        int64_t wanted = MIN(quotas[i], INT64_C(1000)) * 10;
        int through = let_through(rates, &one, START_US, (int)MIN(quotas[i], INT64_C(1000)));

        for (int step = 1; step <= 9000; step++)
            through += let_through(rates, &one, START_US + step * SECOND_US / 1000, 1);
        assert_in_range(through, wanted - 2, wanted + 2);
        rates_free(rates);
    }
}

static void test_each_bucket_counts_and_none_alone(void **state)
{
    struct rates *rates = limited(RATE_BY_KEY, 10, 1);
    struct rate_answer answer;

    (void)state;
    rates_configure(rates, RATE_CHANGE, RATE_BY_USER, (struct rate_policy){15, 1, 0});
    assert_int_equal(let_through(rates, &one, START_US, 20), 10);
    assert_int_equal(let_through(rates, &same_person, START_US, 20), 5);
    assert_false(rates_take(rates, RATE_CHANGE, &same_person, START_US, &answer));
    assert_int_equal(answer.subject, RATE_BY_USER);
    /* What the person's bucket has refused has cost the key nothing. */
    rates_configure(rates, RATE_CHANGE, RATE_BY_USER, (struct rate_policy){0, 1, 0});
    assert_int_equal(let_through(rates, &same_person, START_US, 20), 5);
    rates_free(rates);
}

/* Nobody is held to a window that was a longer one once. */
static void test_a_change_holds_also_for_who_is_held(void **state)
{
    struct rates *rates = limited(RATE_BY_KEY, 1, 86400);

    (void)state;
    assert_int_equal(let_through(rates, &one, START_US, 2), 1);
    rates_configure(rates, RATE_CHANGE, RATE_BY_KEY, (struct rate_policy){10, 10, 2});
    assert_int_equal(let_through(rates, &one, START_US, 2), 0);
    assert_int_equal(let_through(rates, &one, START_US + 11 * SECOND_US, 2), 1);
    assert_int_equal(let_through(rates, &one, START_US + 40 * SECOND_US, 20), 10);
    /* What another has seen before comes too late. */
    rates_configure(rates, RATE_CHANGE, RATE_BY_KEY, (struct rate_policy){1, 86400, 1});
    assert_int_equal(let_through(rates, &one, START_US + 60 * SECOND_US, 20), 10);
    rates_free(rates);
}

static void test_words_are_found(void **state)
{
    enum rate_subject subject;
    enum rate rate;

    (void)state;
    assert_true(rate_find(STR("sign_in"), &rate));
    assert_int_equal(rate, RATE_SIGN_IN);
    assert_true(rate_subject_find(STR("user"), &subject));
    assert_int_equal(subject, RATE_BY_USER);
    assert_false(rate_find(STR("user"), &rate));
    assert_false(rate_subject_find(STR(""), &subject));
}

static void test_the_answer_tells_what_is_left(void **state)
{
    struct rates *rates = limited(RATE_BY_ADDRESS, 4, 8);
    struct rate_answer answer;

    (void)state;
    for (int64_t left = 3; left >= 0; left--) {
        assert_true(rates_take(rates, RATE_CHANGE, &stranger, START_US, &answer));
        assert_true(answer.is_limited);
        assert_int_equal(answer.subject, RATE_BY_ADDRESS);
        assert_int_equal(answer.remaining, left);
    }
    assert_false(rates_take(rates, RATE_CHANGE, &stranger, START_US + SECOND_US / 2, &answer));
    assert_int_equal(answer.remaining, 0);
    assert_int_equal(answer.retry_s, 2);
    assert_int_equal(answer.reset_s, 8);
    rates_free(rates);
}

/* The last token lets it through; what it costs more is owed, and waited for. */
static void test_some_cost_more(void **state)
{
    struct rates *rates = limited(RATE_BY_USER, 10, 10);
    struct rate_caller costly = one;
    struct rate_answer answer;

    (void)state;
    costly.cost = 4;
    for (int64_t left = 6; left >= 2; left -= 4) {
        assert_true(rates_take(rates, RATE_CHANGE, &costly, START_US, &answer));
        assert_int_equal(answer.remaining, left);
    }
    assert_true(rates_take(rates, RATE_CHANGE, &costly, START_US, &answer));
    assert_int_equal(answer.remaining, 0);
    assert_false(rates_take(rates, RATE_CHANGE, &one, START_US, &answer));
    assert_int_equal(answer.retry_s, 3);
    assert_false(rates_take(rates, RATE_CHANGE, &one, START_US + 2 * SECOND_US, &answer));
    assert_true(rates_take(rates, RATE_CHANGE, &costly, START_US + 3 * SECOND_US, &answer));
    rates_free(rates);
}

static void test_the_headers(void **state)
{
    struct rates *rates = limited(RATE_BY_ADDRESS, 4, 8);
    CLEANUP(buf_clear_p) struct buf out = {0};
    struct rate_answer answer = {0};

    (void)state;
    rates_describe(rates, RATE_CHANGE, &answer, &out);
    assert_int_equal(out.len, 0);
    assert_true(rates_take(rates, RATE_CHANGE, &stranger, START_US, &answer));
    rates_describe(rates, RATE_CHANGE, &answer, &out);
    assert_string_equal(out.data, "RateLimit-Policy: \"change-address\";q=4;w=8\r\n"
                                  "RateLimit: \"change-address\";r=3;t=2\r\n");
    buf_reset(&out);
    rates_configure(rates, RATE_CHANGE, RATE_BY_KEY, (struct rate_policy){2, 60, 0});
    assert_true(rates_take(rates, RATE_CHANGE, &one, START_US, &answer));
    rates_describe(rates, RATE_CHANGE, &answer, &out);
    assert_string_equal(out.data,
                        "RateLimit-Policy: \"change-key\";q=2;w=60, \"change-address\";q=4;w=8\r\n"
                        "RateLimit: \"change-key\";r=1;t=30\r\n");
    rates_free(rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_limit_all_get_through),
        cmocka_unit_test(test_callers_never_share_a_bucket),
        cmocka_unit_test(test_who_is_full_gives_way),
        cmocka_unit_test(test_the_quota_at_once_then_evenly),
        cmocka_unit_test(test_over_long_time_the_rate_is_kept),
        cmocka_unit_test(test_each_bucket_counts_and_none_alone),
        cmocka_unit_test(test_a_change_holds_also_for_who_is_held),
        cmocka_unit_test(test_words_are_found),
        cmocka_unit_test(test_the_answer_tells_what_is_left),
        cmocka_unit_test(test_some_cost_more),
        cmocka_unit_test(test_the_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
