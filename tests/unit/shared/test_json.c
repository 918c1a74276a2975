/* JSON from outside: what is refused before and while it is built. */
#include "tests/unit/unit_test.h"

#include "shared/json.h"

static void test_json_parse_refuses_bad_documents(void **state)
{
    static const char *const cases[] = {
        "", "{", "[1,]", "{\"a\":1,\"a\":2}", "\"a\\u0000b\"", "1 2", "{\"a\":\"\xff\"}",
    };
    json_t *json = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(json_parse(str_of(cases[i]), &json), ERR_INVALID);
        assert_string_equal(failure_last()->code, "json_malformed");
    }
    failure_clear();
}

static void test_json_parse_bounds_depth_and_values(void **state)
{
    CLEANUP(buf_clear_p) struct buf deep = {0};
    CLEANUP(buf_clear_p) struct buf wide = {0};
    json_t *json = NULL;

    (void)state;
    for (int i = 0; i <= JSON_MAX_DEPTH; i++)
        buf_append_char(&deep, '[');
    assert_int_equal(json_parse(buf_str(&deep), &json), ERR_LIMITED);

    buf_append_char(&wide, '[');
    for (int i = 0; i < JSON_MAX_VALUES; i++)
        buf_append_text(&wide, "1,");
    buf_append_text(&wide, "1]");
    assert_int_equal(json_parse(buf_str(&wide), &json), ERR_LIMITED);
    failure_clear();
}

static void test_json_reads_fields_with_defaults(void **state)
{
    JSON_AUTO json_t *json = NULL;

    (void)state;
    assert_int_equal(json_parse(STR("{\"t\":\"x\",\"n\":3,\"b\":true,\"z\":null}"), &json), OK);
    assert_string_equal(json_text(json, "t", "-"), "x");
    assert_string_equal(json_text(json, "z", "-"), "-");
    assert_int_equal(json_integer_or(json, "n", 0), 3);
    assert_int_equal(json_integer_or(json, "absent", 9), 9);
    assert_true(json_boolean_or(json, "b", false));
    assert_false(json_has(json, "z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_parse_refuses_bad_documents),
        cmocka_unit_test(test_json_parse_bounds_depth_and_values),
        cmocka_unit_test(test_json_reads_fields_with_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
