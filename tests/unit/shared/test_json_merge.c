/* The table of RFC 7396, appendix A. */
#include "tests/unit/unit_test.h"

#include "shared/json.h"
#include "shared/json_merge.h"

static const struct {
    const char *target;
    const char *patch;
    const char *merged;
} cases[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
};

static json_t *parsed(const char *text)
{
    json_t *json = NULL;

    assert_int_equal(json_parse(str_of(text), &json), OK);
    return json;
}

static void test_merge_is_the_standards(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        JSON_AUTO json_t *target = parsed(cases[i].target);
        JSON_AUTO json_t *before = parsed(cases[i].target);
        JSON_AUTO json_t *patch = parsed(cases[i].patch);
        JSON_AUTO json_t *expected = parsed(cases[i].merged);
        JSON_AUTO json_t *merged = json_merge_patch(target, patch);

        assert_true(json_equal(merged, expected));
        assert_true(json_equal(target, before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_is_the_standards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
