/* Text that was cut. */
#include "tests/unit/unit_test.h"

#include "prober/text.h"

static void test_utf8_cut_leaves_whole_characters(void **state)
{
    (void)state;
    assert_int_equal(utf8_cut(STR("abc")), 3);
    assert_int_equal(utf8_cut(STR("ab\xc3\xa9")), 4);
    assert_int_equal(utf8_cut(STR("ab\xc3")), 2);
    assert_int_equal(utf8_cut(STR("ab\xf0\x9f\x98")), 2);
    assert_int_equal(utf8_cut(STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_cut_leaves_whole_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
