/* Which windows are open, and when that changes. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"

#include "control/health/windows.h"

static void test_windows_are_half_open(void **state)
{
    struct window items[] = {
        {.scope_id = {{1}}, .starts_ms = 100, .ends_ms = 200},
        {.scope_id = {{1}}, .starts_ms = 150, .ends_ms = 300},
        {.scope_id = {{2}}, .starts_ms = 500, .ends_ms = 600},
    };
    window_vec windows = {items, ARRAY_LEN(items), ARRAY_LEN(items)};
    struct uuid one = {{1}};
    struct uuid two = {{2}};

    (void)state;
    assert_false(windows_are_open(&windows, &one, 99));
    assert_true(windows_are_open(&windows, &one, 100));
    assert_true(windows_are_open(&windows, &one, 299));
    assert_false(windows_are_open(&windows, &one, 300));
    assert_false(windows_are_open(&windows, &two, 299));

    assert_int_equal(windows_next_ms(&windows, 0), 100);
    assert_int_equal(windows_next_ms(&windows, 100), 150);
    assert_int_equal(windows_next_ms(&windows, 150), 200);
    assert_int_equal(windows_next_ms(&windows, 200), 300);
    assert_int_equal(windows_next_ms(&windows, 300), 500);
    assert_int_equal(windows_next_ms(&windows, 600), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_are_half_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
