#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/status_list.h"

static void test_status_list_parse_takes(void **state)
{
    struct status_list list;

    (void)state;
    assert_true(status_list_parse(STR("200-299, 401 ,599"), &list));
    assert_true(status_list_has(&list, 200));
    assert_true(status_list_has(&list, 299));
    assert_true(status_list_has(&list, 401));
    assert_true(status_list_has(&list, 599));
    assert_false(status_list_has(&list, 199));
    assert_false(status_list_has(&list, 300));
    assert_false(status_list_has(&list, 400));
    assert_false(status_list_has(&list, 0));
    assert_false(status_list_has(&list, 999));
}

static void test_status_list_parse_refuses(void **state)
{
    static const char *const cases[] = {"",     ",",    "200,",    "99",       "600",    "2xx",
                                        "200-", "-200", "300-200", "200--299", "200 299"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status_list list;

        if (status_list_parse(str_of(cases[i]), &list)) {
            print_error("taken: \"%s\"\n", cases[i]);
            assert_true(false);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_list_parse_takes),
        cmocka_unit_test(test_status_list_parse_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
