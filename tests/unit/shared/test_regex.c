/* Regular expressions and their bounds. */
#include "tests/unit/unit_test.h"

#include "shared/buf.h"
#include "shared/mem.h"
#include "shared/regex.h"

static enum regex_answer match(const char *pattern, struct str text)
{
    struct regex *regex;
    enum regex_answer answer;

    assert_int_equal(regex_new(str_of(pattern), &regex), OK);
    answer = regex_match(regex, text);
    regex_free(regex);
    return answer;
}

static void test_patterns_match_anywhere(void **state)
{
    (void)state;
    assert_int_equal(match("b+", STR("abbc")), REGEX_MATCH);
    assert_int_equal(match("^b+", STR("abbc")), REGEX_NO_MATCH);
    assert_int_equal(match("", STR("")), REGEX_MATCH);
    assert_int_equal(match("^.$", STR("\xc3\xa9")), REGEX_MATCH);
    assert_int_equal(match("status", STR("\xff\xfe status \x80")), REGEX_MATCH);
}

static void test_a_costly_match_is_given_up(void **state)
{
    struct buf text = {0};

    (void)state;
    for (int i = 0; i < 5000; i++)
        buf_append_char(&text, 'a');
    assert_int_equal(match("^(a|a?)+(a|b?)+$(?<!a)", buf_str(&text)), REGEX_LIMIT);
    buf_clear(&text);
}

static void test_groups_are_views_into_the_text(void **state)
{
    struct regex_groups groups;
    struct regex *regex;

    (void)state;
    assert_int_equal(regex_new(STR("(a+)(?<digits>[0-9]+)?(b)?"), &regex), OK);
    assert_int_equal(regex_group_count(regex), 3);
    assert_int_equal(regex_group_number(regex, STR("digits")), 2);
    assert_int_equal(regex_group_number(regex, STR("digit")), 0);
    assert_int_equal(regex_group_number(regex, STR("a name of more than 32 characters, no")), 0);
    assert_int_equal(regex_find(regex, STR("xaa17"), &groups), REGEX_MATCH);
    assert_true(str_equal(groups.texts[0], STR("aa17")));
    assert_true(str_equal(groups.texts[1], STR("aa")));
    assert_true(str_equal(groups.texts[2], STR("17")));
    assert_true(str_is_empty(groups.texts[3]) && str_is_empty(groups.texts[9]));
    assert_int_equal(regex_find(regex, STR("x"), &groups), REGEX_NO_MATCH);
    assert_true(str_is_empty(groups.texts[0]));
    regex_free(regex);
}

static void test_groups_beyond_the_ninth_are_left_out(void **state)
{
    struct regex_groups groups;
    struct regex *regex;

    (void)state;
    assert_int_equal(regex_new(STR("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)"), &regex), OK);
    assert_int_equal(regex_group_count(regex), 11);
    assert_int_equal(regex_find(regex, STR("abcdefghijk"), &groups), REGEX_MATCH);
    assert_true(str_equal(groups.texts[9], STR("i")));
    regex_free(regex);
}

static void test_wrong_patterns_say_why(void **state)
{
    struct regex *regex;
    struct buf text = {0};

    (void)state;
    assert_int_equal(regex_new(STR("a["), &regex), ERR_INVALID);
    assert_string_equal(failure_last()->detail,
                        "missing terminating ] for character class at position 2");
    assert_int_equal(regex_new(STR("\\C"), &regex), ERR_INVALID);
    for (int i = 0; i <= REGEX_BYTES_MAX; i++)
        buf_append_char(&text, 'a');
    assert_int_equal(regex_new(buf_str(&text), &regex), ERR_INVALID);
    buf_clear(&text);
    failure_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_match_anywhere),
        cmocka_unit_test(test_a_costly_match_is_given_up),
        cmocka_unit_test(test_groups_are_views_into_the_text),
        cmocka_unit_test(test_groups_beyond_the_ninth_are_left_out),
        cmocka_unit_test(test_wrong_patterns_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
