/* Schemas: every keyword by what it lets through and what it says of the rest; mistakes in schemas
 * themselves. */
#include "tests/unit/unit_test.h"

#include <stdio.h>

#include "shared/json.h"
#include "shared/json_schema.h"
#include "shared/mem.h"

static struct json_schemas *compile(const char *text)
{
    static struct embedded_file files[3];
    struct json_schemas *schemas = json_schemas_new();
    static const char further[] =
        "{\"type\":\"string\",\"maxLength\":3,\"$defs\":{\"deep\":{\"const\":1}}}";

    files[0] = (struct embedded_file){"schema.json", text, strlen(text)};
    files[1] = (struct embedded_file){"further.json", further, sizeof further - 1};
    files[2] = (struct embedded_file){0};
    json_schemas_add(schemas, files);
    assert_int_equal(json_schemas_compile(schemas), OK);
    return schemas;
}

/* The errors as one text: "pointer code detail" by line; "" when the document is right. */
static char *check(const char *schema, const char *document)
{
    struct json_schemas *schemas = compile(schema);
    json_t *json = NULL;
    json_t *errors = NULL;
    struct buf out = {0};
    enum err err;

    assert_int_equal(json_parse(str_of(document), &json), OK);
    err = json_schema_check(json_schemas_find(schemas, "schema"), json, "", &errors);
    assert_int_equal(err, errors ? ERR_INVALID : OK);
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const json_t *error = json_array_get(errors, i);

        buf_printf(&out, "%s%s %s: %s", i > 0 ? "\n" : "", json_text(error, "pointer", "?"),
                   json_text(error, "code", "?"), json_text(error, "detail", "?"));
    }
    json_decref(errors);
    json_decref(json);
    json_schemas_free(schemas);
    return buf_take_text(&out);
}

static void assert_errors(const char *schema, const char *document, const char *errors)
{
    char *found = check(schema, document);

    if (strcmp(found, errors) != 0)
        print_error("%s\n%s\n", schema, document);
    assert_string_equal(found, errors);
    free(found);
}

static void test_keywords(void **state)
{
    static const struct {
        const char *schema;
        const char *document;
        const char *errors;
    } cases[] = {
        {"true", "1", ""},
        {"false", "1", " not: must not be here"},
        {"{}", "{\"a\":[null]}", ""},
        {"{\"type\":\"integer\"}", "7", ""},
        {"{\"type\":\"integer\"}", "7.5", " type: must be an integer, is 7.5"},
        {"{\"type\":\"number\"}", "7", ""},
        {"{\"type\":[\"string\",\"null\"]}", "null", ""},
        {"{\"type\":[\"string\",\"null\"]}", "[1]", " type: must be a text or null, is an array"},
        {"{\"type\":\"string\",\"writeOnly\":true}", "7", " type: must be a text"},
        {"{\"type\":\"boolean\"}", "\"yes\"", " type: must be true or false, is \"yes\""},
        {"{\"enum\":[\"a\",2,null]}", "2", ""},
        {"{\"enum\":[\"a\",2,null]}", "\"b\"", " enum: must be one of \"a\", 2, null; is \"b\""},
        {"{\"const\":\"a\"}", "1", " const: must be \"a\""},
        {"{\"minimum\":1,\"maximum\":65535}", "65535", ""},
        {"{\"minimum\":1,\"maximum\":65535}", "70000",
         " maximum: must be between 1 and 65535, is 70000"},
        {"{\"minimum\":1}", "0", " minimum: must be at least 1, is 0"},
        {"{\"maximum\":1.5}", "2", " maximum: must be at most 1.5, is 2"},
        {"{\"exclusiveMinimum\":1}", "1", " minimum: must be more than 1, is 1"},
        {"{\"exclusiveMaximum\":1}", "1", " maximum: must be less than 1, is 1"},
        {"{\"multipleOf\":5}", "12", " multiple: must be a multiple of 5, is 12"},
        {"{\"minLength\":1}", "\"\"", " too_short: must have at least 1 character, has 0"},
        {"{\"maxLength\":2}", "\"\xc3\xa9\xc3\xa9\"", ""},
        {"{\"maxLength\":2}", "\"abc\"", " too_long: must have at most 2 characters, has 3"},
        {"{\"pattern\":\"^[A-Z]+$\"}", "\"GET\"", ""},
        {"{\"pattern\":\"^[A-Z]+$\"}", "\"get\"", " pattern: must match ^[A-Z]+$, is \"get\""},
        {"{\"minItems\":1,\"maxItems\":2}", "[1,2,3]",
         " too_long: must have at most 2 items, has 3"},
        {"{\"minItems\":2,\"maxItems\":2}", "[1]", " too_short: must have 2 items, has 1"},
        {"{\"uniqueItems\":true}", "[1,2,1]", " duplicate: must have no equal items: 0 and 2 are"},
        {"{\"items\":{\"type\":\"integer\"}}", "[1,\"a\",2,\"b\"]",
         "/1 type: must be an integer, is \"a\"\n/3 type: must be an integer, is \"b\""},
        {"{\"required\":[\"a\",\"b\"]}", "{\"b\":1}", "/a required: is missing"},
        {"{\"properties\":{\"a\":{},\"b\":{}},\"additionalProperties\":false}", "{\"c\":1,\"a\":2}",
         "/c unknown_field: is not a field here; there are: a, b"},
        {"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"c\":1}",
         "/c type: must be a text, is 1"},
        {"{\"propertyNames\":{\"pattern\":\"^[a-z]+$\"}}", "{\"A/~\":1}",
         "/A~1~0 pattern: must match ^[a-z]+$, is \"A/~\""},
        {"{\"maxProperties\":1}", "{\"a\":1,\"b\":2}",
         " too_long: must have at most 1 fields, has 2"},
        {"{\"$ref\":\"further.json\"}", "\"abcd\"",
         " too_long: must have at most 3 characters, has 4"},
        {"{\"$ref\":\"further.json#/$defs/deep\"}", "2", " const: must be 1"},
        {"{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"type\":\"null\"}}}", "2",
         " type: must be null, is 2"},
        {"{\"allOf\":[{\"minimum\":3},{\"maximum\":1}]}", "2",
         " minimum: must be at least 3, is 2\n maximum: must be at most 1, is 2"},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\",\"minimum\":3}]}", "5", ""},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\",\"minimum\":3}]}", "2",
         " minimum: must be at least 3, is 2"},
        {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}", "2",
         " alternatives: must have exactly one of 2 allowed forms, has 2"},
        {"{\"oneOf\":[{\"title\":\"one\",\"minimum\":1},{\"title\":\"two\",\"minimum\":2}]}", "2",
         " alternatives: must have exactly one of 2 allowed forms (one, two), has 2"},
        {"{\"anyOf\":[{\"title\":\"a\",\"required\":[\"a\"]},{\"title\":\"b\",\"required\":[\"b\"]}"
         "]}",
         "{}", " alternatives: must have one of 2 allowed forms (a, b), has 0"},
        {"{\"not\":{\"type\":\"null\",\"description\":\"must not be null\"}}", "null",
         " not: must not be null"},
        {"{\"not\":{\"type\":\"null\"}}", "null", " not: has a form that is not allowed here"},
        {"{\"title\":\"t\",\"description\":\"d\",\"default\":1,\"examples\":[2]}", "3", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_errors(cases[i].schema, cases[i].document, cases[i].errors);
}

static void test_formats(void **state)
{
    static const struct {
        const char *format;
        const char *good;
        const char *bad;
    } cases[] = {
        {"uuid", "01940000-0000-7000-8000-000000000001", "1940000-0000-7000-8000-000000000001"},
        {"date-time", "2026-11-20T10:00:00.123+01:00", "2026-11-20 10:00"},
        {"key", "a1.b-c_d", "A"},
        {"key", "0", ""},
        {"key", "a", "-a"},
        {"line", "Größe 2", "  "},
        {"line", "a", "a\\u000ab"},
        {"http-url", "http://a", "ftp://a"},
        {"http-url", "https://example.test:8443/x?y=%20", "http://"},
        {"http-url", "http://[::1]:80/", "http://[::1]x/"},
        {"http-url", "http://a_b/", "http://u@h/"},
        {"http-url", "http://1.2.3.4?x", "http://a:0/"},
        {"http-url", "http://a:65535", "http://a:65536"},
        {"http-url", "http://a/", "http://a/#x"},
        {"ws-url", "ws://a:81/x?y", "http://a/"},
        {"ws-url", "wss://[::1]", "wss://a/#x"},
        {"ws-header-name", "Origin", "Sec-WebSocket-Protocol"},
        {"ws-header-name", "sec-websocket", "Upgrade"},
        {"http-url", "http://a/%C3%A9", "http://a/\xc3\xa9"},
        {"http-url", "http://a/", "http://a b/"},
        {"status-list", "200", "20"},
        {"status-list", "200-299, 401", "299-200"},
        {"status-list", "100,599", "200,"},
        {"status-list", "599", "600"},
        {"status-list", "404", "a"},
        {"header-value", "a\tb", "a\\u000ab"},
        {"header-name", "X-One", "X One"},
        {"header-name", "Content-Type", "content-LENGTH"},
        {"token", "PROPFIND", ""},
        {"host", "shop.test.", "shop..test"},
        {"host", "::1", "[::1"},
        {"ip-address", "2001:db8::1", "shop.test"},
        {"address-port", "[::1]:53", "::1:x"},
        {"address-port", "127.0.0.1", "127.0.0.1:"},
        {"hex", "00fF", "0"},
        {"dns-name", "_sip._tcp.shop.test.", "a..b"},
        {"dns-name", ".", "a b"},
        {"dns-type", "aaaa", "B"},
        {"jq", ".a == 1", "input"},
        {"dns-type", "TYPE65280", "TYPE65536"},
        {"pcre2", "^a(b|c)+$", "a("},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char schema[64];
        struct buf good = {0};
        char bad[128];
        char *errors;

        snprintf(schema, sizeof schema, "{\"format\":\"%s\"}", cases[i].format);
        buf_append_json_string(&good, str_of(cases[i].good));
        snprintf(bad, sizeof bad, "\"%s\"", cases[i].bad);
        assert_errors(schema, good.data, "");
        errors = check(schema, bad);
        if (strncmp(errors, " format: must ", 14) != 0)
            print_error("%s %s: %s\n", cases[i].format, bad, errors);
        assert_int_equal(strncmp(errors, " format: must ", 14), 0);
        free(errors);
        buf_clear(&good);
    }
}

static void test_formats_of_objects_say_how_fields_belong_together(void **state)
{
    static const struct {
        const char *format;
        const char *document;
        const char *errors;
    } cases[] = {
        {"tls-versions", "{\"min_version\":\"1.2\",\"max_version\":\"1.2\"}", ""},
        {"tls-versions", "{\"min_version\":\"1.3\",\"max_version\":null}", ""},
        {"tls-versions", "{\"min_version\":\"1.0\",\"max_version\":\"1.1\"}", ""},
        {"tls-versions", "{\"max_version\":\"1.1\"}",
         "/max_version below_min_version: must not be older than min_version, which is 1.2"},
        {"thresholds", "{\"warn_ms\":5,\"fail_ms\":5,\"cert_warn_days\":7}", ""},
        {"thresholds", "{\"warn_ms\":5,\"fail_ms\":null}", ""},
        {"thresholds", "{\"warn_ms\":5,\"fail_ms\":4}",
         "/warn_ms above_fail_ms: must not be longer than fail_ms, which is 4"},
        {"thresholds", "{\"cert_warn_days\":5,\"cert_fail_days\":6}",
         "/cert_warn_days below_cert_fail_days: must not be less than cert_fail_days, which is 6"},
        {"http-request", "{\"http_version\":\"2\",\"headers\":[[\"a\",\"b\"]]}", ""},
        {"http-request", "{\"http_version\":\"auto\",\"headers\":null}", ""},
        {"secrets", "{\"a\":\"b\"}", ""},
        {"secrets", "null", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char schema[64];

        snprintf(schema, sizeof schema, "{\"format\":\"%s\"}", cases[i].format);
        assert_errors(schema, cases[i].document, cases[i].errors);
    }
}

static void test_a_wrong_pattern_says_why(void **state)
{
    (void)state;
    assert_errors("{\"format\":\"pcre2\"}", "\"a(\"",
                  " format: must be a regular expression (PCRE2): missing closing parenthesis at "
                  "position 2; is \"a(\"");
}

static void test_all_errors_come_at_once_but_not_without_end(void **state)
{
    struct buf document = {0};
    char *errors;
    size_t lines = 1;

    (void)state;
    buf_append_char(&document, '[');
    for (int i = 0; i < 1000; i++)
        buf_append_text(&document, i > 0 ? ",1" : "1");
    buf_append_char(&document, ']');
    errors = check("{\"items\":{\"type\":\"string\"}}", document.data);
    for (const char *c = errors; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, JSON_SCHEMA_ERRORS_MAX);
    free(errors);
    buf_clear(&document);
}

static void test_a_schema_that_refers_to_itself_ends(void **state)
{
    (void)state;
    assert_errors("{\"$ref\":\"#\"}", "1", " too_deep: is nested more than 64 levels deep");
    assert_errors("{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"additionalProperties\":false}",
                  "{\"next\":{\"next\":{\"x\":1}}}",
                  "/next/next/x unknown_field: is not a field here; there are: next");
}

static void test_pointers_begin_with_the_base(void **state)
{
    struct json_schemas *schemas = compile("{\"required\":[\"url\"]}");
    json_t *document = json_object();
    json_t *errors = NULL;

    (void)state;
    assert_int_equal(
        json_schema_check(json_schemas_find(schemas, "schema"), document, "/spec", &errors),
        ERR_INVALID);
    assert_string_equal(json_text(json_array_get(errors, 0), "pointer", ""), "/spec/url");
    json_decref(errors);
    json_decref(document);
    json_schemas_free(schemas);
}

static void test_mistakes_in_schemas_are_found(void **state)
{
    static const char *const wrong[] = {
        "{\"type\":\"strin\"}",
        "{\"typ\":\"string\"}",
        "{\"minimum\":\"1\"}",
        "{\"maxLength\":-1}",
        "{\"pattern\":\"(\"}",
        "{\"format\":\"email\"}",
        "{\"$ref\":\"nowhere.json\"}",
        "{\"$ref\":\"#/$defs/nothing\"}",
        "{\"properties\":{\"a\":5}}",
        "{\"required\":\"a\"}",
        "{\"enum\":[]}",
        "{\"anyOf\":[]}",
        "{\"type\":\"string\"",
        "[]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const struct embedded_file files[] = {{"wrong.json", wrong[i], strlen(wrong[i])}, {0}};
        struct json_schemas *schemas = json_schemas_new();

        json_schemas_add(schemas, files);
        assert_int_equal(json_schemas_compile(schemas), ERR_BUG);
        json_schemas_free(schemas);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_formats_of_objects_say_how_fields_belong_together),
        cmocka_unit_test(test_a_wrong_pattern_says_why),
        cmocka_unit_test(test_all_errors_come_at_once_but_not_without_end),
        cmocka_unit_test(test_a_schema_that_refers_to_itself_ends),
        cmocka_unit_test(test_pointers_begin_with_the_base),
        cmocka_unit_test(test_mistakes_in_schemas_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
