#include "tests/unit/unit_test.h"

#include "shared/json.h"

#include "prober/check.h"
#include "prober/engine.h"
#include "prober/kinds/http_spec.h"
#include "prober/text.h"

static enum err make(const char *text, struct check **ret_check)
{
    JSON_AUTO json_t *object = NULL;
    struct engine_check definition;

    TRY(json_parse(str_of(text), &object));
    TRY(check_read(object, &definition));
    return check_new(&definition, ret_check);
}

static void test_check_new_takes_defaults(void **state)
{
    AUTO(check_unref) struct check *check = NULL;

    (void)state;
    assert_int_equal(
        make("{\"id\":\"x\",\"kind\":\"http\",\"spec\":{\"url\":\"http://a.test:81/p\"}}", &check),
        OK);
    assert_string_equal(check->label, "x");
    assert_int_equal(check->interval_ms, 30000);
    assert_int_equal(check->timeout_ms, 5000);
    assert_string_equal(check->host, "a.test");
}

static void test_check_read_shortens_the_timeout_that_is_not_given(void **state)
{
    AUTO(check_unref) struct check *check = NULL;

    (void)state;
    assert_int_equal(
        make("{\"kind\":\"tcp\",\"interval_s\":2,\"spec\":{\"address\":\"a\",\"port\":1}}", &check),
        OK);
    assert_int_equal(check->timeout_ms, 2000);
}

static void test_check_new_does_not_cap_this_machine(void **state)
{
    AUTO(check_unref) struct check *check = NULL;

    (void)state;
    assert_int_equal(
        make("{\"kind\":\"tcp\",\"spec\":{\"address\":\"127.0.0.1\",\"port\":1}}", &check), OK);
    assert_null(check->host);
}

static void assert_errors(const char *text, size_t count, const char *const *pointers)
{
    struct check *check;
    const json_t *errors;
    const json_t *error;
    size_t i;

    assert_int_equal(make(text, &check), ERR_INVALID);
    errors = failure_last()->errors;
    assert_int_equal(json_array_size(errors), count);
    json_array_foreach(errors, i, error)
        assert_string_equal(json_text(error, "pointer", ""), pointers[i]);
    failure_clear();
}

#define ASSERT_ERRORS(text, ...)                                                                   \
    assert_errors(text, ARRAY_LEN(((const char *const[]){__VA_ARGS__})),                           \
                  (const char *const[]){__VA_ARGS__})

static void test_check_new_names_every_error_with_its_pointer(void **state)
{
    (void)state;
    ASSERT_ERRORS("{\"kind\":\"gopher\",\"spec\":{}}", "/kind");
    ASSERT_ERRORS("{\"kind\":\"tcp\",\"timeout_ms\":2000,\"interval_s\":1,\"spec\":{\"address\":"
                  "\"a\",\"port\":1}}",
                  "/timeout_ms");
    ASSERT_ERRORS("{\"kind\":\"tcp\",\"timeout_ms\":0,\"spec\":{\"address\":\"a\",\"port\":0}}",
                  "/timeout_ms", "/spec/port");
    ASSERT_ERRORS(
        "{\"kind\":\"tcp\",\"spec\":{\"address\":\"a b\",\"port\":1,\"expect_regex\":\"a\"}}",
        "/spec/address");
    ASSERT_ERRORS("{\"kind\":\"http\",\"spec\":{\"url\":\"http://a/\",\"headers\":[[\"a "
                  "b\",\"c\"],[\"Content-Length\","
                  "\"1\"],[\"x\",\"y\"]]}}",
                  "/spec/headers/0/0", "/spec/headers/1/0");
    ASSERT_ERRORS(
        "{\"kind\":\"http\",\"spec\":{\"url\":\"https://a/\",\"tls\":{\"ca\":\"nonsense\"}}}",
        "/spec/tls/ca");
    ASSERT_ERRORS("{\"kind\":\"script\",\"spec\":{\"command\":\"../x\"}}", "/spec/command");
}

static void assert_request(const char *spec, const char *url, struct http_request_options options,
                           const char *wanted)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    CLEANUP(buf_clear_p) struct buf request = {0};
    CLEANUP(url_clear_p) struct url target = {0};
    AUTO(check_unref) struct check *check = NULL;

    buf_printf(&text, "{\"kind\":\"http\",\"spec\":%s}", spec);
    assert_int_equal(make(text.data, &check), OK);
    assert_null(url_parse(str_of(url), &target));
    http_request_compose(&request, check->spec, &target, &options);
    assert_string_equal(request.data, wanted);
}

static void test_request_has_defaults_that_headers_replace(void **state)
{
    const struct http_request_options get = {"GET", false, true};

    (void)state;
    assert_request(
        "{\"url\":\"http://a/\"}", "http://[::1]:81/x", get,
        "GET /x HTTP/1.1\r\nHost: [::1]:81\r\nUser-Agent: environment-manager/" EM_VERSION
        "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    assert_request("{\"url\":\"http://a/"
                   "\",\"headers\":[[\"host\",\"h\"],[\"User-Agent\",\"u\"],[\"ACCEPT\",\"t\"],"
                   "[\"X\",\"1\"],[\"X\",\"2\"]]}",
                   "https://a/", get,
                   "GET / HTTP/1.1\r\nConnection: close\r\nhost: h\r\nUser-Agent: u\r\nACCEPT: "
                   "t\r\nX: 1\r\nX: 2\r\n\r\n");
}

static void test_request_to_another_host_keeps_no_credentials(void **state)
{
    (void)state;
    assert_request(
        "{\"url\":\"http://a/"
        "\",\"method\":\"POST\",\"body\":\"xyz\",\"headers\":[[\"Authorization\",\"s\"],"
        "[\"Cookie\",\"c\"],[\"Host\",\"h\"],[\"User-Agent\",\"u\"],[\"Accept\",\"*\"]]}",
        "http://b/", (struct http_request_options){"POST", true, false},
        "POST / HTTP/1.1\r\nHost: b\r\nConnection: close\r\nUser-Agent: u\r\nAccept: *\r\n"
        "Content-Length: 3\r\n\r\nxyz");
}

static void test_utf8_cut_leaves_whole_characters(void **state)
{
    (void)state;
    assert_int_equal(utf8_cut(STR("abc")), 3);
    assert_int_equal(utf8_cut(STR("ab\xc3\xbc")), 4);
    assert_int_equal(utf8_cut(STR("ab\xc3")), 2);
    assert_int_equal(utf8_cut(STR("ab\xe2\x82")), 2);
    assert_int_equal(utf8_cut(STR("\xf0\x9f\x98\x80")), 4);
    assert_int_equal(utf8_cut(STR("")), 0);
}

static int load(void **state)
{
    (void)state;
    return check_schemas_load() == OK ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    check_schemas_unload();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_new_takes_defaults),
        cmocka_unit_test(test_check_read_shortens_the_timeout_that_is_not_given),
        cmocka_unit_test(test_check_new_does_not_cap_this_machine),
        cmocka_unit_test(test_check_new_names_every_error_with_its_pointer),
        cmocka_unit_test(test_request_has_defaults_that_headers_replace),
        cmocka_unit_test(test_request_to_another_host_keeps_no_credentials),
        cmocka_unit_test(test_utf8_cut_leaves_whole_characters),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
