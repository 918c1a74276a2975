/* Secrets of checks: hidden, brought back, and refused where only their mask comes. */
#include "tests/unit/unit_test.h"

#include "shared/buf.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "control/cmdb/check_secrets.h"
#include "control/cmdb/cmdb.h"

static json_t *parsed(const char *text)
{
    json_t *json = NULL;

    assert_int_equal(json_parse(str_of(text), &json), OK);
    return json;
}

static int setup(void **state)
{
    (void)state;
    return cmdb_init();
}

static void assert_json(const json_t *json, const char *text)
{
    CLEANUP(buf_clear_p) struct buf written = {0};

    json_write(json, &written);
    assert_string_equal(written.data, text);
}

static const struct {
    const char *check;
    const char *spec;
    const char *secrets;
} hidden[] = {
    {"{\"kind\":\"tcp\",\"spec\":{\"address\":\"a\",\"port\":1}}", "{\"address\":\"a\",\"port\":1}",
     "null"},
    {"{\"kind\":\"redis\",\"spec\":{\"address\":\"a\",\"password\":\"pw\"}}",
     "{\"address\":\"a\",\"password\":\"********\"}", "{\"/password\":\"pw\"}"},
    {"{\"kind\":\"redis\",\"spec\":{\"address\":\"a\",\"password\":null}}",
     "{\"address\":\"a\",\"password\":null}", "null"},
    {"{\"kind\":\"http\",\"spec\":{\"auth\":{\"basic\":{\"user\":\"u\",\"password\":\"pw\"}},"
     "\"tls\":{\"client_cert\":\"pem\"}}}",
     "{\"auth\":{\"basic\":{\"user\":\"u\",\"password\":\"********\"}},"
     "\"tls\":{\"client_cert\":\"********\"}}",
     "{\"/auth/basic/password\":\"pw\",\"/tls/client_cert\":\"pem\"}"},
    {"{\"kind\":\"http\",\"spec\":{\"auth\":{\"oauth2\":{\"client_secret\":\"s\"}},"
     "\"proxy\":{\"auth\":{\"bearer\":\"b\"},\"headers\":[[\"X-Token\",\"t\"]]}}}",
     "{\"auth\":{\"oauth2\":{\"client_secret\":\"********\"}},"
     "\"proxy\":{\"auth\":{\"bearer\":\"********\"},\"headers\":[[\"X-Token\",\"********\"]]}}",
     "{\"/auth/oauth2/client_secret\":\"s\",\"/proxy/auth/bearer\":\"b\","
     "\"/proxy/headers/0/1\":\"t\"}"},
    {"{\"kind\":\"websocket\",\"spec\":{\"headers\":[[\"a\",\"b\"],[\"Cookie\",\"c\"]]}}",
     "{\"headers\":[[\"a\",\"b\"],[\"Cookie\",\"********\"]]}", "{\"/headers/1/1\":\"c\"}"},
    {"{\"kind\":\"script\",\"spec\":{\"command\":\"c\",\"secrets\":{\"a\":\"1\",\"b\":\"2\"}}}",
     "{\"command\":\"c\",\"secrets\":{\"a\":\"********\",\"b\":\"********\"}}",
     "{\"/secrets/a\":\"1\",\"/secrets/b\":\"2\"}"},
    /* whatever is no check */
    {"{\"kind\":\"nonsense\",\"spec\":{\"password\":\"p\"}}", "{\"password\":\"p\"}", "null"},
    {"{\"kind\":\"http\",\"spec\":{\"headers\":[1,[],[\"Cookie\"],[\"Cookie\",2],[3,\"x\"]]}}",
     "{\"headers\":[1,[],[\"Cookie\"],[\"Cookie\",2],[3,\"x\"]]}", "null"},
};

static void test_secrets_are_hidden_and_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        JSON_AUTO json_t *check = parsed(hidden[i].check);
        JSON_AUTO json_t *whole = parsed(hidden[i].check);
        JSON_AUTO json_t *earlier = NULL;

        check_secrets_hide(check);
        assert_json(json_object_get(check, "spec"), hidden[i].spec);
        assert_json(json_object_get(check, "secrets"), hidden[i].secrets);

        earlier = json_deep_copy(check);
        check_secrets_restore(check, earlier, json_object_get(earlier, "secrets"));
        assert_true(json_equal(json_object_get(check, "spec"), json_object_get(whole, "spec")));
    }
}

static void test_headers_are_known_by_name(void **state)
{
    JSON_AUTO json_t *earlier =
        parsed("{\"kind\":\"http\",\"spec\":{\"headers\":[[\"a\",\"b\"],[\"Cookie\",\"********\"],"
               "[\"X-Token\",\"********\"],[\"cookie\",\"********\"]]}}");
    JSON_AUTO json_t *secrets =
        parsed("{\"/headers/1/1\":\"one\",\"/headers/2/1\":\"t\",\"/headers/3/1\":\"two\"}");
    JSON_AUTO json_t *check = parsed(
        "{\"kind\":\"http\",\"spec\":{\"headers\":[[\"x-token\",\"********\"],"
        "[\"Cookie\",\"new\"],[\"COOKIE\",\"********\"],[\"Authorization\",\"********\"]]}}");

    (void)state;
    check_secrets_restore(check, earlier, secrets);

    assert_json(json_object_get(check, "spec"),
                "{\"headers\":[[\"x-token\",\"t\"],[\"Cookie\",\"new\"],[\"COOKIE\",\"two\"],"
                "[\"Authorization\",\"********\"]]}");
}

static void test_masks_without_a_secret_are_refused(void **state)
{
    JSON_AUTO json_t *check = parsed(
        "{\"kind\":\"http\",\"spec\":{\"body\":\"********\",\"auth\":{\"bearer\":\"********\"},"
        "\"headers\":[[\"a\",\"********\"],[\"Cookie\",\"********\"]]}}");
    JSON_AUTO json_t *errors = NULL;

    (void)state;
    check_secrets_refuse_masks(check, &errors);

    assert_int_equal(json_array_size(errors), 2);
    assert_string_equal(json_text(json_array_get(errors, 0), "pointer", ""), "/spec/auth/bearer");
    assert_string_equal(json_text(json_array_get(errors, 1), "pointer", ""), "/spec/headers/1/1");
    assert_string_equal(json_text(json_array_get(errors, 1), "code", ""), "masked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_hidden_and_come_back),
        cmocka_unit_test(test_headers_are_known_by_name),
        cmocka_unit_test(test_masks_without_a_secret_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
