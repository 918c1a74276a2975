/* Tables, JSON and YAML. */
#include "tests/unit/unit_test.h"

#include "shared/json.h"
#include "shared/mem.h"

#include "cli/output.h"

static json_t *parsed(const char *text)
{
    json_t *json = NULL;

    assert_int_equal(json_parse(str_of(text), &json), OK);
    return json;
}

static void test_table_aligns_and_prints_no_control_characters(void **state)
{
    static const struct output_column columns[] = {
        {"NAME", "name"}, {"N", "n"}, {"LAST", "last"}, {0}};
    JSON_AUTO json_t *rows = parsed("[{\"name\":\"b\xc3\xa4r\",\"n\":17,\"last\":\"x\"},"
                                    "{\"name\":\"a\\u001b[2J\",\"n\":null}]");
    CLEANUP(buf_clear_p) struct buf out = {0};

    (void)state;
    output_table(rows, columns, &out);
    assert_string_equal(out.data, "NAME   N   LAST\n"
                                  "b\xc3\xa4r    17  x\n"
                                  "a?[2J  -   -\n");
}

static void test_yaml_nests(void **state)
{
    JSON_AUTO json_t *json =
        parsed("{\"a\":1,\"b\":[{\"c\":\"yes\",\"d\":null},2,[3]],\"e\":{\"f\":{}},"
               "\"g\":[],\"h\":\"1: 2\\n\"}");
    CLEANUP(buf_clear_p) struct buf out = {0};

    (void)state;
    output_yaml(json, &out);
    assert_string_equal(out.data, "\"a\": 1\n"
                                  "\"b\":\n"
                                  "  - \"c\": \"yes\"\n"
                                  "    \"d\": null\n"
                                  "  - 2\n"
                                  "  -\n"
                                  "    - 3\n"
                                  "\"e\":\n"
                                  "  \"f\": {}\n"
                                  "\"g\": []\n"
                                  "\"h\": \"1: 2\\n\"\n");
}

static void test_format_is_one_of_three(void **state)
{
    enum output_format format;

    (void)state;
    assert_int_equal(output_format_read("yaml", &format), OK);
    assert_int_equal(format, OUTPUT_YAML);
    assert_int_equal(output_format_read("xml", &format), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_aligns_and_prints_no_control_characters),
        cmocka_unit_test(test_yaml_nests),
        cmocka_unit_test(test_format_is_one_of_three),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
