/* Text of targets in messages. */
#include "tests/unit/unit_test.h"

#include "prober/text.h"

static void test_foreign_text_hides_the_secret(void **state)
{
    static const struct {
        const char *text;
        const char *secret;
        size_t limit;
        const char *shown;
    } cases[] = {
        {"plain", NULL, 64, "plain"},
        {"plain", "", 64, "plain"},
        {"", "pw", 64, ""},
        {"pw", "pw", 64, "***"},
        {"a pw b pw", "pw", 64, "a *** b ***"},
        {"pwpwp", "pw", 64, "******p"},
        {"a\r\npw", "pw", 64, "a\\x0d\\x0a***"},
        {"a line\nof a secret", "e\no", 64, "a lin***f a secret"},
        {"0123456789", "pw", 4, "0123"},
        {"01pw", "pw", 4, "01**"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear_p) struct buf shown = {0};

        text_append_foreign(&shown, str_of(cases[i].text), cases[i].secret, cases[i].limit);
        assert_string_equal(shown.len > 0 ? shown.data : "", cases[i].shown);
    }
}

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
        cmocka_unit_test(test_foreign_text_hides_the_secret),
        cmocka_unit_test(test_utf8_cut_leaves_whole_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
