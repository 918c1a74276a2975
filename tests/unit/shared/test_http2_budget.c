/* What a peer may ask for: by a clock of the test's own. */
#include "tests/unit/unit_test.h"

#include "shared/http2_budget.h"

#define SECOND_US INT64_C(1000000)

static void test_a_budget_is_used_up_by_what_it_says(void **state)
{
    struct http2_budget budget;

    (void)state;
    http2_budget_init(&budget, 10, 2, 0);
    for (int i = 0; i < 10; i++)
        assert_true(http2_budget_take(&budget, 1, 0));
    assert_false(http2_budget_take(&budget, 1, 0));
}

static void test_what_costs_more_than_is_left_takes_the_rest(void **state)
{
    struct http2_budget budget;

    (void)state;
    http2_budget_init(&budget, 10, 2, 0);
    assert_false(http2_budget_take(&budget, 11, 0));
    assert_false(http2_budget_take(&budget, 1, 0));
}

static void test_time_fills_it_as_far_as_it_goes(void **state)
{
    struct http2_budget budget;

    (void)state;
    http2_budget_init(&budget, 10, 2, SECOND_US);
    assert_true(http2_budget_take(&budget, 10, SECOND_US));
    assert_false(http2_budget_take(&budget, 1, SECOND_US + 499999));
    assert_true(http2_budget_take(&budget, 1, SECOND_US + 500000));
    assert_false(http2_budget_take(&budget, 1, SECOND_US + 999999));
    assert_true(http2_budget_take(&budget, 1, 2 * SECOND_US));
    assert_true(http2_budget_take(&budget, 10, INT64_MAX / 2)); /* however long */
    assert_false(http2_budget_take(&budget, 1, INT64_MAX / 2));
}

/* Asking often must not lose the parts of a unit that time has given. */
static void test_no_time_is_lost_between_takes(void **state)
{
    struct http2_budget budget;
    int taken = 0;

    (void)state;
    http2_budget_init(&budget, 1000, 3, 0);
    assert_true(http2_budget_take(&budget, 1000, 0));
    for (int64_t now_us = 0; now_us <= 100 * SECOND_US; now_us += 7777)
        taken += http2_budget_take(&budget, 1, now_us);
    assert_in_range(taken, 299, 300);
}

static void test_a_clock_that_stands_or_goes_back_gives_nothing(void **state)
{
    struct http2_budget budget;

    (void)state;
    http2_budget_init(&budget, 10, 2, 5 * SECOND_US);
    assert_true(http2_budget_take(&budget, 10, 5 * SECOND_US));
    assert_false(http2_budget_take(&budget, 1, SECOND_US));
}

static void test_work_that_was_done_gives_back_up_to_the_most(void **state)
{
    struct http2_budget budget;

    (void)state;
    http2_budget_init(&budget, 10, 2, 0);
    http2_budget_give(&budget, UINT32_MAX);
    assert_true(http2_budget_take(&budget, 9, 0));
    http2_budget_give(&budget, 4);
    assert_true(http2_budget_take(&budget, 5, 0));
    assert_false(http2_budget_take(&budget, 1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_budget_is_used_up_by_what_it_says),
        cmocka_unit_test(test_what_costs_more_than_is_left_takes_the_rest),
        cmocka_unit_test(test_time_fills_it_as_far_as_it_goes),
        cmocka_unit_test(test_no_time_is_lost_between_takes),
        cmocka_unit_test(test_a_clock_that_stands_or_goes_back_gives_nothing),
        cmocka_unit_test(test_work_that_was_done_gives_back_up_to_the_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
