/* Sessions counted by user and by address. */
#include "tests/unit/unit_test.h"

#include "control/api/live_tally.h"

static void test_each_has_a_count_of_its_own(void **state)
{
    const struct uuid one = {.bytes = {1}};
    const struct uuid two = {.bytes = {2}};
    struct live_tally *table = NULL;

    (void)state;
    assert_true(live_tally_add(&table, &one, 2));
    assert_true(live_tally_add(&table, &one, 2));
    assert_false(live_tally_add(&table, &one, 2));
    assert_true(live_tally_add(&table, &two, 1));
    assert_false(live_tally_add(&table, &two, 1));

    live_tally_remove(&table, &one);
    assert_true(live_tally_add(&table, &one, 2));
    assert_false(live_tally_add(&table, &one, 2));

    live_tally_remove(&table, &one);
    live_tally_remove(&table, &one);
    live_tally_remove(&table, &two);
    assert_null(table);
    live_tally_remove(&table, &two); /* who is not counted */
    assert_null(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_a_count_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
