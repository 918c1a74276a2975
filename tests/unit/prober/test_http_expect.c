/* What a reply is worth: a table of expectations and replies, each with the first thing that is
 * wrong. */
#include "tests/unit/unit_test.h"

#include "shared/json.h"
#include "shared/mem.h"
#include "shared/tls.h"

#include "prober/kinds/http_expect.h"

#define HEADERS                                                                                    \
    "Content-Type: text/html\r\nVia: one\r\nvia: two\r\nEmpty:\r\nSet-Cookie: id=secret\r\n"

struct row {
    const char *expect;
    unsigned status;
    const char *body;
    const char *why; /* "" is fine; else the whole sentence */
};

/* clang-format off */
static const struct row rows[] = {
    {"{}", 200, "", ""},
    {"{}", 299, "", ""},
    {"{}", 300, "", "status 300, expected 200-299"},
    {"{\"status\":\"200,401\"}", 401, "", ""},
    {"{\"status\":\"200,401\"}", 403, "", "status 403, expected 200,401"},
    {"{\"degraded_status\":\"429\"}", 429, "", ""},
    {"{\"degraded_status\":\"429\"}", 430, "", "status 430, expected 200-299"},
    {"{\"degraded_status\":\"429\",\"body_contains\":\"x\"}", 429, "", "the body does not contain \"x\""},

    {"{\"body_contains\":\"end\"}", 200, "the end", ""},
    {"{\"body_contains\":\"END\"}", 200, "the end", "the body does not contain \"END\""},
    {"{\"body_not_contains\":\"error\"}", 200, "fine", ""},
    {"{\"body_not_contains\":\"error\"}", 200, "an error", "the body contains \"error\""},
    {"{\"body_not_contains\":\"error\"}", 200, "", ""},
    {"{\"body_regex\":\"^a+$\"}", 200, "aaa", ""},
    {"{\"body_regex\":\"^a+$\"}", 200, "aab", "the body does not match the expression"},
    {"{\"body_not_regex\":\"b\"}", 200, "aaa", ""},
    {"{\"body_not_regex\":\"b\"}", 200, "aab", "the body matches the expression that it must not match"},
    {"{\"body_regex\":\"a\",\"body_not_regex\":\"b\",\"body_contains\":\"c\",\"body_not_contains\":\"d\"}", 200, "ac", ""},
    {"{\"body_regex\":\"(a|a?)+(a|b?)+$(?<!a)\"}", 200, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "an expression takes too long on this body"},

    /* headers: HEADERS */
    {"{\"header\":[{\"name\":\"content-type\"}]}", 200, "", ""},
    {"{\"header\":[{\"name\":\"missing\"}]}", 200, "", "there is no header missing"},
    {"{\"header\":[{\"name\":\"CONTENT-TYPE\",\"regex\":\"^text/html$\"}]}", 200, "", ""},
    {"{\"header\":[{\"name\":\"content-type\",\"regex\":\"json\"}]}", 200, "",
     "the header content-type is \"text/html\", which does not match the expression"},
    {"{\"header\":[{\"name\":\"missing\",\"regex\":\"x\"}]}", 200, "", "there is no header missing"},
    {"{\"header\":[{\"name\":\"via\",\"regex\":\"two\"}]}", 200, "", ""},
    {"{\"header\":[{\"name\":\"via\",\"regex\":\"three\"}]}", 200, "", "the header via is \"one\", which does not match the expression"},
    {"{\"header\":[{\"name\":\"via\",\"not_regex\":\"three\"}]}", 200, "", ""},
    {"{\"header\":[{\"name\":\"via\",\"not_regex\":\"two\"}]}", 200, "", "the header via is \"two\", which must not match the expression"},
    {"{\"header\":[{\"name\":\"via\",\"regex\":\"one\",\"not_regex\":\"two\"}]}", 200, "",
     "the header via is \"two\", which must not match the expression"},
    {"{\"header\":[{\"name\":\"missing\",\"not_regex\":\".\"}]}", 200, "", ""},
    {"{\"header\":[{\"name\":\"missing\",\"regex\":\".\",\"not_regex\":\"x\"}]}", 200, "", "there is no header missing"},
    {"{\"header\":[{\"name\":\"missing\",\"absent\":true}]}", 200, "", ""},
    {"{\"header\":[{\"name\":\"via\",\"absent\":true}]}", 200, "", "the header via is \"one\", and must not be there"},
    {"{\"header\":[{\"name\":\"empty\"}]}", 200, "", ""},
    {"{\"header\":[{\"name\":\"empty\",\"regex\":\"^$\"}]}", 200, "", ""},
    {"{\"header\":[{\"name\":\"empty\",\"absent\":true}]}", 200, "", "the header empty is \"\", and must not be there"},
    {"{\"header\":[{\"name\":\"set-cookie\",\"regex\":\"x\"}]}", 200, "",
     "the header set-cookie is \"***\", which does not match the expression"},
    {"{\"header\":[{\"name\":\"via\"},{\"name\":\"missing\"}]}", 200, "", "there is no header missing"},

    /* what is told first */
    {"{\"header\":[{\"name\":\"missing\"}],\"body_contains\":\"x\"}", 500, "", "status 500, expected 200-299"},
    {"{\"header\":[{\"name\":\"missing\"}],\"body_contains\":\"x\"}", 200, "", "there is no header missing"},
    {"{\"tls_version\":\"1.3\",\"body_contains\":\"x\"}", 200, "", "TLS 1.2, expected TLS 1.3"},
    {"{\"tls_version\":\"1.2\"}", 200, "", ""},
    {"{\"http_version\":\"1.1\"}", 200, "", ""},
    {"{\"http_version\":\"2\",\"body_contains\":\"x\"}", 200, "", "HTTP/1.1, expected HTTP/2"},
    {"{\"http_version\":\"1.0\"}", 200, "", "HTTP/1.1, expected HTTP/1.0"},
};

/* clang-format on */

static void keep(const struct http_expect *expect, struct buf *kept)
{
    static const char text[] = "HTTP/1.1 200 OK\r\n" HEADERS "\r\n";
    static const struct http_limits limits = {8192, 8192, 20, 100};
    struct http_parser parser;
    size_t used;

    http_parser_init(&parser, HTTP_RESPONSE, &limits);
    assert_int_equal(http_parse(&parser, str_of(text), &used), HTTP_HEAD);
    http_expect_keep_headers(expect, &parser.head, kept);
}

static void check(const struct row *row, uint16_t tls_version, bool is_cut, struct buf *why)
{
    struct http_expect expect = {0};
    struct buf kept = {0};
    struct http_reply reply = {.status = row->status,
                               .http_version = HTTP_1_1,
                               .tls_version = tls_version,
                               .is_cut = is_cut};
    json_t *json = NULL;
    json_t *errors = NULL;
    enum outcome outcome;

    assert_int_equal(json_parse(str_of(row->expect), &json), OK);
    http_expect_read(&expect, json, &errors);
    assert_null(errors);
    keep(&expect, &kept);
    reply.headers = buf_str(&kept);
    reply.body = str_of(row->body);
    outcome = http_expect_check(&expect, &reply, why);
    assert_int_equal(outcome == OUTCOME_OK, why->len == 0);
    assert_int_equal(outcome == OUTCOME_LIMIT_EXCEEDED, row->why[0] == 'a' && row->why[1] == 'n');
    http_expect_clear(&expect);
    buf_clear(&kept);
    json_decref(json);
}

static void test_the_first_thing_that_is_wrong_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf why = {0};

        check(&rows[i], TLS_1_2, false, &why);
        if (!str_equal(buf_str(&why), str_of(rows[i].why)))
            print_error("%s on %u \"%s\"\n", rows[i].expect, rows[i].status, rows[i].body);
        assert_string_equal(why.data ? why.data : "", rows[i].why);
        buf_clear(&why);
    }
}

static void test_a_body_that_was_cut_is_told(void **state)
{
    static const struct row cut[] = {
        {"{\"body_contains\":\"x\"}", 200, "a",
         "the body does not contain \"x\" in the part that was read"},
        {"{\"body_regex\":\"x\"}", 200, "a",
         "the body does not match the expression in the part that was read"},
        {"{\"body_not_contains\":\"x\"}", 200, "x", "the body contains \"x\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
        struct buf why = {0};

        check(&cut[i], 0, true, &why);
        assert_string_equal(why.data, cut[i].why);
        buf_clear(&why);
    }
}

static void test_plain_text_is_no_version_of_tls(void **state)
{
    static const struct row row = {"{\"tls_version\":\"1.3\"}", 200, "", ""};
    struct buf why = {0};

    (void)state;
    check(&row, 0, false, &why);
    assert_string_equal(why.data, "plain text, expected TLS 1.3");
    buf_clear(&why);
}

static void test_wrong_expressions_are_named(void **state)
{
    struct http_expect expect = {0};
    json_t *json = NULL;
    json_t *errors = NULL;
    static const char text[] =
        "{\"status\":\"9\",\"degraded_status\":\"x\",\"header\":[{\"name\":\"a\"},{\"name\":\"b\","
        "\"regex\":\"(\",\"not_regex\":\"[\"}],\"body_regex\":\"*\",\"body_not_regex\":\"+\"}";
    static const char *const pointers[] = {
        "/spec/expect/status",         "/spec/expect/degraded_status",
        "/spec/expect/header/1/regex", "/spec/expect/header/1/not_regex",
        "/spec/expect/body_regex",     "/spec/expect/body_not_regex",
    };

    (void)state;
    assert_int_equal(json_parse(str_of(text), &json), OK);
    http_expect_read(&expect, json, &errors);
    assert_int_equal(json_array_size(errors), ARRAY_LEN(pointers));
    for (size_t i = 0; i < ARRAY_LEN(pointers); i++)
        assert_string_equal(json_text(json_array_get(errors, i), "pointer", ""), pointers[i]);
    http_expect_clear(&expect);
    json_decref(errors);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_thing_that_is_wrong_is_told),
        cmocka_unit_test(test_a_body_that_was_cut_is_told),
        cmocka_unit_test(test_plain_text_is_no_version_of_tls),
        cmocka_unit_test(test_wrong_expressions_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
