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

static enum err parse(struct buf *text)
{
    JSON_AUTO json_t *json = NULL;
    enum err err = json_parse(buf_str(text), &json);

    buf_clear(text);
    assert_true((err == OK) == (json != NULL));
    return err;
}

static enum err parse_nested(int levels)
{
    struct buf text = {0};

    for (int i = 0; i < levels; i++)
        buf_append_text(&text, i % 2 == 0 ? "[" : "{\"a\":");
    buf_append_text(&text, "1");
    for (int i = levels - 1; i >= 0; i--)
        buf_append_char(&text, i % 2 == 0 ? ']' : '}');
    return parse(&text);
}

/* The array that holds them is one of the values. */
static enum err parse_wide(int values)
{
    struct buf text = {0};

    buf_append_char(&text, '[');
    for (int i = 1; i < values; i++)
        buf_append_text(&text, i > 1 ? ",1" : "1");
    buf_append_char(&text, ']');
    return parse(&text);
}

static void test_json_parse_bounds_depth_and_values(void **state)
{
    (void)state;
    assert_int_equal(parse_nested(64), OK);
    assert_int_equal(parse_nested(65), ERR_LIMITED);
    assert_int_equal(parse_wide(100000), OK);
    assert_int_equal(parse_wide(100001), ERR_LIMITED);
    assert_string_equal(failure_last()->code, "json_too_large");
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
