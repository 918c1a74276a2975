/* The schedule of retries, and the pauses of a receiver that fails. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"

#include "control/notify/notify_rules.h"

#define HOUR_MS INT64_C(3600000)

static void test_delivery_decide_by_answer_and_step(void **state)
{
    static const struct {
        struct delivery_attempt attempt;
        struct delivery_decision decision;
    } cases[] = {
        {{.is_due = true, .status = 200}, {.next = DELIVERY_DONE}},
        {{.is_due = true, .status = 299}, {.next = DELIVERY_DONE}},
        {{.step = 9, .is_due = true, .status = 204}, {.next = DELIVERY_DONE}},
        {{.is_due = false, .status = 204}, {.next = DELIVERY_DONE}},
        {{.is_due = true, .status = 410}, {.next = DELIVERY_GONE}},
        {{.is_due = false, .status = 410}, {.next = DELIVERY_GONE}},
        {{.is_due = true, .status = 302}, {DELIVERY_RETRY, 1, false, 5000}},
        {{.is_due = true, .status = 199}, {DELIVERY_RETRY, 1, false, 5000}},
        {{.is_due = true, .status = 0}, {DELIVERY_RETRY, 1, false, 5000}},
        {{.step = 1, .is_due = true, .status = 500}, {DELIVERY_RETRY, 2, false, 300000}},
        {{.step = 2, .is_due = true, .status = 500}, {DELIVERY_RETRY, 3, false, 1800000}},
        {{.step = 3, .is_due = true, .status = 500}, {DELIVERY_RETRY, 4, false, 2 * HOUR_MS}},
        {{.step = 4, .is_due = true, .status = 500}, {DELIVERY_RETRY, 5, false, 5 * HOUR_MS}},
        {{.step = 5, .is_due = true, .status = 500}, {DELIVERY_RETRY, 6, false, 10 * HOUR_MS}},
        {{.step = 6, .is_due = true, .status = 500}, {DELIVERY_RETRY, 7, false, 14 * HOUR_MS}},
        {{.step = 7, .is_due = true, .status = 500}, {DELIVERY_RETRY, 8, false, 20 * HOUR_MS}},
        {{.step = 8, .is_due = true, .status = 500}, {DELIVERY_RETRY, 9, false, 24 * HOUR_MS}},
        {{.step = 9, .is_due = true, .status = 500}, {.next = DELIVERY_GIVE_UP}},
        {{.step = 9, .is_due = false, .status = 500}, {DELIVERY_RETRY, 9, true, 0}},
        {{.step = 3, .is_due = false, .status = 0}, {DELIVERY_RETRY, 3, true, 0}},
        {{.is_due = true, .status = 429, .retry_after_s = 90}, {DELIVERY_RETRY, 1, false, 90000}},
        {{.is_due = true, .status = 429, .retry_after_s = 999999},
         {DELIVERY_RETRY, 1, false, 24 * HOUR_MS}},
        {{.step = 3, .is_due = true, .status = 503, .retry_after_s = 1},
         {DELIVERY_RETRY, 4, false, 2 * HOUR_MS}},
        {{.is_due = true, .status = 500, .random = 999}, {DELIVERY_RETRY, 1, false, 5999}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct delivery_decision decision = delivery_decide(&cases[i].attempt);

        assert_int_equal(decision.next, cases[i].decision.next);
        assert_int_equal(decision.step, cases[i].decision.step);
        assert_int_equal(decision.keeps_time, cases[i].decision.keeps_time);
        assert_int_equal(decision.delay_ms, cases[i].decision.delay_ms);
    }
}

/* What fails at every step is tried for 75 hours, 35 minutes and 5 seconds. */
static void test_the_whole_schedule(void **state)
{
    struct delivery_attempt attempt = {.is_due = true, .status = 500};
    int64_t total_ms = 0;
    int attempts = 1;

    (void)state;
    for (;; attempts++) {
        struct delivery_decision decision = delivery_decide(&attempt);

        if (decision.next == DELIVERY_GIVE_UP)
            break;
        total_ms += decision.delay_ms;
        attempt.step = decision.step;
    }
    assert_int_equal(attempts, DELIVERY_STEPS);
    assert_int_equal(total_ms, (75 * 3600 + 35 * 60 + 5) * INT64_C(1000));
}

static void test_pauses_double_up_to_five_minutes(void **state)
{
    static const struct {
        int64_t before_ms;
        int64_t retry_after_s;
        int64_t after_ms;
    } cases[] = {
        {0, 0, 1000},   {1000, 0, 2000},     {256000, 0, 300000},   {300000, 0, 300000},
        {0, 30, 30000}, {64000, 30, 128000}, {0, 999999, 86400000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(receiver_pause_ms(cases[i].before_ms, cases[i].retry_after_s),
                         cases[i].after_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivery_decide_by_answer_and_step),
        cmocka_unit_test(test_the_whole_schedule),
        cmocka_unit_test(test_pauses_double_up_to_five_minutes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
