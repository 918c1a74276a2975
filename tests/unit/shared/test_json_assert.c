/* Assertions that are evaluated here: what is understood, what it gives, and what is left to libjq.
 * That it gives what jq gives is the business of test_jq.c. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/json.h"
#include "shared/json_assert.h"

static const char document[] =
    "{\"status\":\"ok\",\"count\":3,\"big\":9007199254740993,\"price\":1.5,\"none\":null,"
    "\"yes\":true,\"no\":false,\"items\":[1,2,{\"name\":\"x\"}],\"a b\":{\"c\":\"\\u00e4\\u20ac\"},"
    "\"env\":1,\"negative\":-5,\"empty\":{}}";

static void assert_answer(const char *program, const char *text, enum json_answer wanted,
                          const char *reason_wanted)
{
    AUTO(json_assert_free) struct json_assert *assertion = NULL;
    CLEANUP(buf_clear_p) struct buf reason = {0};
    enum json_answer answer;

    assert_int_equal(json_assert_new(str_of(program), &assertion), OK);
    if (!json_assert_is_simple(assertion))
        print_error("not simple: %s\n", program);
    assert_true(json_assert_is_simple(assertion));
    answer = json_assert_holds(assertion, str_of(text), &reason);
    if (answer != wanted)
        print_error("%s: %s\n", program, reason.len > 0 ? reason.data : "");
    assert_int_equal(answer, wanted);
    if (reason_wanted)
        assert_string_equal(reason.data, reason_wanted);
}

static void test_holds_for_what_is_true(void **state)
{
    static const char *const programs[] = {
        ".status == \"ok\"",
        ".count == 3",
        ".count==3.0",
        ".count>2 and .count<=3",
        ".yes",
        ".",
        ".price >= 1.5",
        ".none == null",
        ".missing == null",
        ".missing.deeper[3].still == null",
        ".no | not",
        ".none | not",
        "(.no or .none) | not",
        ".yes and .count",
        "has(\"status\")",
        "has(\"missing\") | not",
        ".items | length == 3",
        ".items[0] == 1",
        ".items[-1].name == \"x\"",
        ".items[7] == null",
        ".items | has(2)",
        ".items | has(3) | not",
        ".[\"a b\"].c == \"ä€\"",
        ".\"a b\".\"c\" | length == 2",
        ".[\"a b\"] | .c == \"\\u00e4\\u20ac\"",
        ".env == 1",
        ".negative == -5",
        ".negative | length == 5",
        ".items == [1,2,{\"name\":\"x\"}]",
        ".empty == {}",
        ".none < .no and .no < .yes and .yes < .count and .count < .status",
        ".status < .items and .items < .empty",
        "[1,2] < [1,2,0]",
        "{\"a\":1} < {\"b\":0}",
        "{\"a\":2} > {\"a\":1}",
        "\"ab\" < \"b\"",
        "\"a\" != \"b\"",
        ".big == 9007199254740993",
        ".big != 9007199254740992",
        "(.status)==(\"ok\")",
        " .status  ==\n\t\"ok\" ",
        "true",
        "1",
        "\"\"",
        "(.items)[0] == 1",
        ".a | not",
        ".items|length>=3 and (length|not|not)",
        ".none | length == 0",
        ".\"status\"==\"ok\"or false",
        "1e3 == 1000",
        "-1 < 0",
        "-0 == 0",
        ".and == null and .or == null",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        assert_answer(programs[i], document, JSON_ANSWER_TRUE, NULL);
}

static void test_what_is_false_says_why(void **state)
{
    (void)state;
    assert_answer(".status == \"down\"", document, JSON_ANSWER_FALSE,
                  "\"ok\" == \"down\" is false");
    assert_answer(".count > 3", document, JSON_ANSWER_FALSE, "3 > 3 is false");
    assert_answer(".missing", document, JSON_ANSWER_FALSE, "it gives null");
    assert_answer(".yes | not", document, JSON_ANSWER_FALSE, "it gives false");
    assert_answer(".yes and (.count != 3)", document, JSON_ANSWER_FALSE, "3 != 3 is false");
    assert_answer(".items | length < 3", document, JSON_ANSWER_FALSE, "3 < 3 is false");
    assert_answer(".big == 9007199254740992", document, JSON_ANSWER_FALSE, NULL);
}

static void test_errors_are_those_of_jq(void **state)
{
    (void)state;
    assert_answer(".status.x", document, JSON_ANSWER_ERROR,
                  "Cannot index string with string \"x\"");
    assert_answer(".items.x == 1", document, JSON_ANSWER_ERROR,
                  "Cannot index array with string \"x\"");
    assert_answer(".[0]", document, JSON_ANSWER_ERROR, "Cannot index object with number");
    assert_answer(".yes | length", document, JSON_ANSWER_ERROR, "boolean (true) has no length");
    assert_answer("has(0)", document, JSON_ANSWER_ERROR,
                  "Cannot check whether object has a number key");
    assert_answer(".no and (.yes | length)", document, JSON_ANSWER_FALSE, NULL);
    assert_answer(".yes or (.yes | length)", document, JSON_ANSWER_TRUE, NULL);
}

static void test_documents_beyond_the_bounds_have_a_stated_answer(void **state)
{
    char *deep = malloc(200001);
    char *wide = malloc(400001);

    (void)state;
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    deep[200000] = '\0';
    assert_answer(".", deep, JSON_ANSWER_LIMIT, "The document is nested more than 64 levels deep.");
    deep[64] = '\0';
    assert_answer(".", deep, JSON_ANSWER_ERROR, NULL);

    memcpy(wide, "[0", 2);
    for (int i = 0; i < 199999; i++)
        memcpy(wide + 2 + 2 * i, ",0", 2);
    memcpy(wide + 2 + 2 * 199998, "]", 2);
    assert_answer(".", wide, JSON_ANSWER_LIMIT, "The document has more than 100000 values.");
    free(deep);
    free(wide);

    assert_answer(". > 1e300", "1e400", JSON_ANSWER_ERROR, NULL);
}

static void test_documents_that_jq_takes_are_taken(void **state)
{
    (void)state;
    /* Beyond 64 bits they are doubles, all of them. */
    assert_answer(".id == 18446744073709551616 and .n == 7",
                  "{\"id\":18446744073709551615,\"n\":7}", JSON_ANSWER_TRUE, NULL);
    assert_answer(".a == 2", "{\"a\":1,\"a\":2}", JSON_ANSWER_TRUE, NULL);
    assert_answer(".a == \"\\u0000\" and (.a | length == 1)", "{\"a\":\"\\u0000\"}",
                  JSON_ANSWER_TRUE, NULL);
    assert_answer(".a", "\xef\xbb\xbf{\"a\":1}", JSON_ANSWER_TRUE, NULL);
    assert_answer(". == -9223372036854775808", "-9223372036854775808", JSON_ANSWER_TRUE, NULL);
    assert_answer("length > 9e18", "-9223372036854775808", JSON_ANSWER_TRUE, NULL);
    assert_answer(". == 0", "1e-400", JSON_ANSWER_TRUE, NULL);
}

static void test_what_is_no_document_is_an_error(void **state)
{
    static const char *const texts[] = {"",           " ",        "<html>",   "{",
                                        "{\"a\":1}x", "1 2",      "\"\xff\"", "\"\\ud800\"",
                                        "nan",        "{\"a\":}", "'a'"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_answer(".", texts[i], JSON_ANSWER_ERROR, NULL);
}

static void test_all_else_is_left_to_libjq(void **state)
{
    static const char *const programs[] = {
        ".a[]",
        ".[]",
        "..",
        ".a?",
        ".a // 1",
        ".a + 1 == 2",
        ".a, .b",
        "[.a]",
        "{a: 1}",
        "\"\\(.a)\"",
        ".a[1:2]",
        ".a[.b]",
        "map(.a)",
        ".a as $x | $x",
        "length == (1,2)",
        ".a|=1",
        ".a = 1",
        "-.a",
        ". .a",
        ".a .b",
        "length.a",
        "not .a",
        "1 == 1 == 1",
        "if . then 1 else 2 end",
        "@base64",
        "$x",
        "1.",
        ".5 == .a",
        "1a",
        "truer",
        "a::b",
        "has(\"a\", \"b\")",
        "has(.a)",
        "[.a] == [1]",
        "{\"a\":.b}",
        ".a == \"\x09\"",
        ".[1.5]",
        ".[4294967296]",
        ".a.[\"b\"]",
        "1e999",
        "try .a",
        ".a and",
        "(",
        "((.a)",
        ".a ==",
        "== 1",
        "|",
        "1-1",
        "\"a\"\"b\"",
        ".\"a\"\"b\"",
        "[1,]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        struct json_assert *assertion = NULL;

        if (json_assert_new(str_of(programs[i]), &assertion) != OK)
            continue;
        if (json_assert_is_simple(assertion))
            print_error("simple: %s\n", programs[i]);
        assert_false(json_assert_is_simple(assertion));
        assert_true(str_equal(json_assert_program(assertion), str_of(programs[i])));
        json_assert_free(assertion);
    }
}

static void test_nesting_of_programs_is_bounded(void **state)
{
    char program[JSON_ASSERT_BYTES_MAX + 2];
    struct json_assert *assertion = NULL;

    (void)state;
    memset(program, '(', 2000);
    program[2000] = '.';
    memset(program + 2001, ')', 2000);
    program[4001] = '\0';
    assert_int_equal(json_assert_new(str_of(program), &assertion), ERR_INVALID);
    memset(program, ' ', sizeof program - 1);
    program[sizeof program - 1] = '\0';
    assert_int_equal(json_assert_new(str_of(program), &assertion), ERR_INVALID);

    /* A long chain is no nesting. */
    for (size_t i = 0; i + 1 < JSON_ASSERT_BYTES_MAX; i += 2)
        memcpy(program + i, ".a", 2);
    program[JSON_ASSERT_BYTES_MAX] = '\0';
    assert_int_equal(json_assert_new(str_of(program), &assertion), OK);
    assert_true(json_assert_is_simple(assertion));
    json_assert_free(assertion);
}

static void test_refused_words_are_named(void **state)
{
    static const struct {
        const char *program;
        const char *word;
    } cases[] = {
        {"env.PATH", "env"},
        {"$ENV.PATH", "$ENV"},
        {"[inputs]", "inputs"},
        {"input", "input"},
        {"import \"a\" as a; 1", "import"},
        {"include \"a\"; 1", "include"},
        {".a | debug", "debug"},
        {"\"a\\(env)\"", "env"},
        {"\"\\(\"\\(input)\")\"", "input"},
        {"..env", "env"},
        {"{env}", "env"},
        {"[.[] | stderr]", "stderr"},
        {"halt_error", "halt_error"},
        {"$__loc__", "$__loc__"},
        {"input_line_number", "input_line_number"},
        {"\"a\" | modulemeta", "modulemeta"},
        {".a # env", "comment"},
        {"(.a", "bracket"},
        {"[.a)", "brackets"},
        {"\"a", "string"},
        {"\"a\\(1\"", "string"},
        {"", "empty"},
        {" \n", "empty"},
        {"1 +\x01 1", "control"},
        {"\"\xff\" + 1", "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_assert *assertion = NULL;

        assert_int_equal(json_assert_new(str_of(cases[i].program), &assertion), ERR_INVALID);
        if (!strstr(failure_last()->detail, cases[i].word))
            print_error("%s: %s\n", cases[i].program, failure_last()->detail);
        assert_non_null(strstr(failure_last()->detail, cases[i].word));
    }
}

static void test_refused_words_may_be_data(void **state)
{
    static const char *const programs[] = {
        ".env + 1",
        "[.input]",
        ".a.debug[]",
        "[.[] | select(.level == \"debug\")] | length == 0",
        "\"env # \\\" input\" + .",
        "{\"env\": 1}",
        "environment",
        "inputs2",
        "$ENVIRONMENT",
        "\"\\(.env)\"",
        "@sh",
        "[.[\"input\"]]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        struct json_assert *assertion = NULL;
        enum err err = json_assert_new(str_of(programs[i]), &assertion);

        if (err != OK)
            print_error("%s: %s\n", programs[i], failure_last()->detail);
        assert_int_equal(err, OK);
        json_assert_free(assertion);
    }
}

static int clear(void **state)
{
    (void)state;
    failure_clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_for_what_is_true),
        cmocka_unit_test(test_what_is_false_says_why),
        cmocka_unit_test(test_errors_are_those_of_jq),
        cmocka_unit_test(test_documents_beyond_the_bounds_have_a_stated_answer),
        cmocka_unit_test(test_documents_that_jq_takes_are_taken),
        cmocka_unit_test(test_what_is_no_document_is_an_error),
        cmocka_unit_test(test_all_else_is_left_to_libjq),
        cmocka_unit_test(test_nesting_of_programs_is_bounded),
        cmocka_unit_test(test_refused_words_are_named),
        cmocka_unit_test(test_refused_words_may_be_data),
    };

    return cmocka_run_group_tests(tests, NULL, clear);
}
