/* The schedule of retries. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"

#include "control/notify/notify_rules.h"

#define HOUR_MS (3600LL * 1000)

static void test_delivery_decide_by_answer_and_age(void **state)
{
    static const struct {
        struct delivery_attempt attempt;
        enum delivery_next next;
        int64_t delay_ms;
    } cases[] = {
        {{.attempts = 1, .status = 200}, DELIVERY_DONE, 0},
        {{.attempts = 1, .status = 299}, DELIVERY_DONE, 0},
        {{.attempts = 1, .status = 302}, DELIVERY_RETRY, 2000},
        {{.attempts = 1, .status = 0}, DELIVERY_RETRY, 2000},
        {{.attempts = 2, .status = 500}, DELIVERY_RETRY, 6000},
        {{.attempts = 4, .status = 500}, DELIVERY_RETRY, 30000},
        {{.attempts = 10, .status = 500}, DELIVERY_RETRY, HOUR_MS},
        {{.attempts = 50, .status = 500}, DELIVERY_RETRY, HOUR_MS},
        {{.attempts = 1, .status = 429, .retry_after_s = 90}, DELIVERY_RETRY, 90000},
        {{.attempts = 1, .status = 429, .retry_after_s = 86400}, DELIVERY_RETRY, HOUR_MS},
        {{.attempts = 3, .status = 503, .retry_after_s = 1}, DELIVERY_RETRY, 14000},
        {{.attempts = 1, .status = 410}, DELIVERY_GIVE_UP, 0},
        {{.attempts = 9, .status = 500, .now_ms = NOTIFY_GIVE_UP_MS - 1}, DELIVERY_RETRY, 1800000},
        {{.attempts = 9, .status = 500, .now_ms = NOTIFY_GIVE_UP_MS}, DELIVERY_GIVE_UP, 0},
        {{.attempts = 9, .status = 204, .now_ms = NOTIFY_GIVE_UP_MS}, DELIVERY_DONE, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t delay_ms = 0;

        assert_int_equal(delivery_decide(&cases[i].attempt, &delay_ms), cases[i].next);
        assert_int_equal(delay_ms, cases[i].delay_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivery_decide_by_answer_and_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
