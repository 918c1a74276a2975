/* Regular expressions and their bounds. */
#include "tests/unit/unit_test.h"

#include <time.h>

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

/* Texts that make patterns costly, and how large they are. */
struct costly {
    const char *pattern;
    char filler;
    size_t len;
    const char *end;
    int answer; /* -1: whichever the machine can tell in time */
};

/* clang-format off */
static const struct costly costly[] = {
    {"^(a|a?)+(a|b?)+$(?<!a)",    'a',   5000, "",    REGEX_LIMIT},
    {"(a+)+$",                    'a', 100000, "",    REGEX_MATCH},
    {"(a+)+$",                    'a', 100000, "!",   REGEX_LIMIT},
    {"(a+)+b$",                   'a', 100000, "cb!", REGEX_LIMIT},
    {"^(a?){40}a{40}$",           'a', 100000, "",    REGEX_LIMIT},
    {"(?=(a+))a*b\\1",            'a', 100000, "cb",  REGEX_LIMIT},
    {"(?:(?=a*d)|a)*c$",          'a', 100000, "c!",  REGEX_LIMIT},
    {"(?:a*b|a)*x|cb$",           'a', 100000, "xb!", REGEX_LIMIT},
    {"\\s+$",                     ' ', 300000, "!",   -1},
    {"a*b",                       'a', 300000, "cb!", -1},
    {"(?:a*d|a)*c$",              'a', 8000000, "c!", REGEX_LIMIT},
    /* what is not costly is found, however large the text */
    {"x.*y",                      'x', 200000, "y",   REGEX_MATCH},
    {"^.*z",                      'x', 200000, "!",   REGEX_NO_MATCH},
    {"(?:x|y)+z$",                'x',  20000, "z",   REGEX_MATCH},
};

/* clang-format on */

/* Of this thread: others may have the processor meanwhile. */
static int64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void test_every_match_ends_in_time(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(costly); i++) {
        const struct costly *row = &costly[i];
        struct buf text = {0};
        enum regex_answer answer;
        int64_t began_us;
        int64_t took_us;

        memset(buf_reserve(&text, row->len), row->filler, row->len);
        text.len += row->len;
        buf_append_text(&text, row->end);
        began_us = cpu_us();
        answer = match(row->pattern, buf_str(&text));
        took_us = cpu_us() - began_us;
        buf_clear(&text);
        if ((row->answer >= 0 && (int)answer != row->answer) || took_us > 5 * REGEX_TIME_US) {
            print_error("%s: answer %d after %lld us\n", row->pattern, (int)answer,
                        (long long)took_us);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_several_matches_share_their_time(void **state)
{
    struct regex_time time = {0};
    struct buf text = {0};
    struct regex *regex;
    int64_t began_us = cpu_us();

    (void)state;
    memset(buf_reserve(&text, 50000), 'a', 50000);
    text.len = 50000;
    buf_append_text(&text, "!");
    assert_int_equal(regex_new(STR("(a+)+$"), &regex), OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(regex_match_within(regex, buf_str(&text), &time), REGEX_LIMIT);
    assert_true(cpu_us() - began_us < 10 * REGEX_TIME_US);
    regex_free(regex);
    buf_clear(&text);
}

static void test_options_at_the_start_of_a_pattern_stay_there(void **state)
{
    (void)state;
    assert_int_equal(match("(*ANYCRLF)(*UTF)^b$", STR("a")), REGEX_NO_MATCH);
    assert_int_equal(match("(*CRLF)(?m)^b$", STR("a\r\nb\r\nc")), REGEX_MATCH);
    assert_int_equal(match("a|b", STR("b")), REGEX_MATCH);
    assert_int_equal(match("(?i)a|B", STR("b")), REGEX_MATCH);
    assert_int_equal(match("(?x) b # a comment", STR("b")), REGEX_MATCH);
    assert_int_equal(match("\\Qa+", STR("a+")), REGEX_MATCH);
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
    assert_int_equal(regex_new(STR("a)(b"), &regex), ERR_INVALID);
    assert_string_equal(failure_last()->detail, "unmatched closing parenthesis at position 1");
    assert_int_equal(regex_new(STR("*"), &regex), ERR_INVALID);
    assert_int_equal(regex_new(STR("(*NONSENSE)a"), &regex), ERR_INVALID);
    assert_int_equal(regex_new(STR("(*"), &regex), ERR_INVALID);
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
        cmocka_unit_test(test_every_match_ends_in_time),
        cmocka_unit_test(test_several_matches_share_their_time),
        cmocka_unit_test(test_options_at_the_start_of_a_pattern_stay_there),
        cmocka_unit_test(test_groups_are_views_into_the_text),
        cmocka_unit_test(test_groups_beyond_the_ninth_are_left_out),
        cmocka_unit_test(test_wrong_patterns_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
