#include "tests/unit/unit_test.h"

#include "shared/attrs.h"

#include "prober/lag.h"
#include "prober/schedule.h"

#define SECOND INT64_C(1000000)

static struct uuid id_of(unsigned number)
{
    struct uuid id = {{0}};

    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static void test_schedule_phase_is_stable_and_within_the_interval(void **state)
{
    struct uuid id = id_of(7);
    int64_t phase_us = schedule_phase_us(&id, 30 * SECOND);

    (void)state;
    assert_int_equal(phase_us, schedule_phase_us(&id, 30 * SECOND));
    assert_true(phase_us >= 0 && phase_us < 30 * SECOND);
}

static void test_schedule_phases_spread(void **state)
{
    unsigned per_second[30] = {0};

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        struct uuid id = id_of(i);

        per_second[schedule_phase_us(&id, 30 * SECOND) / SECOND]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(per_second); i++)
        assert_in_range(per_second[i], 50, 160);
}

static void test_schedule_next_is_the_first_slot_after(void **state)
{
    static const struct {
        int64_t after;
        int64_t interval;
        int64_t phase;
        int64_t next;
    } cases[] = {
        {0, 10, 3, 3},   {2, 10, 3, 3},       {3, 10, 3, 13}, {4, 10, 3, 13},
        {13, 10, 3, 23}, {1000, 10, 0, 1010}, {-5, 10, 3, 3}, {-8, 10, 3, -7},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(schedule_next_us(cases[i].after, cases[i].interval, cases[i].phase),
                         cases[i].next);
}

static void test_schedule_missed_counts_slots_and_never_catches_up(void **state)
{
    (void)state;
    assert_int_equal(schedule_missed(100, 100, 10), 0);
    assert_int_equal(schedule_missed(100, 109, 10), 0);
    assert_int_equal(schedule_missed(100, 110, 10), 1);
    assert_int_equal(schedule_missed(100, 145, 10), 4);
    assert_int_equal(schedule_missed(100, 90, 10), 0);
}

static void test_lag_percentiles_are_true_to_six_percent(void **state)
{
    static struct lag lag;
    static struct lag sum;

    (void)state;
    assert_int_equal(lag_percentile(&lag, 0.5), 0);
    for (uint64_t us = 1; us <= 10000; us++)
        lag_add(&lag, us);
    lag_merge(&sum, &lag);
    assert_in_range(lag_percentile(&sum, 0.50), 5000, 5320);
    assert_in_range(lag_percentile(&sum, 0.99), 9900, 10000);
    assert_int_equal(lag_percentile(&sum, 1.0), 10000);
    assert_int_equal(sum.max_us, 10000);
    lag_add(&sum, UINT64_MAX);
    assert_true(lag_percentile(&sum, 1.0) > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule_phase_is_stable_and_within_the_interval),
        cmocka_unit_test(test_schedule_phases_spread),
        cmocka_unit_test(test_schedule_next_is_the_first_slot_after),
        cmocka_unit_test(test_schedule_missed_counts_slots_and_never_catches_up),
        cmocka_unit_test(test_lag_percentiles_are_true_to_six_percent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
