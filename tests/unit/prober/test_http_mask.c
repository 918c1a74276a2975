/* Secrets in texts, whole and cut off. */
#include "tests/unit/unit_test.h"

#include "shared/http_text.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/http_auth.h"
#include "prober/kinds/http_mask.h"

static void assert_masked(const struct http_secrets *secrets, const char *text, const char *wanted)
{
    struct buf masked = {0};

    buf_append_text(&masked, text);
    http_secrets_mask(secrets, &masked);
    assert_string_equal(masked.data ? masked.data : "", wanted);
    buf_clear(&masked);
}

static void test_secrets_are_masked_wherever_they_stand(void **state)
{
    struct http_secrets secrets = {0};

    (void)state;
    http_secrets_add(&secrets, "opensesame-12345");
    http_secrets_add(&secrets, "short");
    http_secrets_add(&secrets, "abc"); /* too short to be looked for */
    http_secrets_add(&secrets, NULL);
    assert_masked(&secrets, "", "");
    assert_masked(&secrets, "nothing here, abc", "nothing here, abc");
    assert_masked(&secrets, "opensesame-12345", "***");
    assert_masked(&secrets, "a opensesame-12345 b short c", "a *** b *** c");
    assert_masked(&secrets, "shortshortshort", "*********");
    assert_masked(&secrets, "cut off: opensesame-1\"", "cut off: ***\"");
    assert_masked(&secrets, "cut off: opense", "cut off: opense");
    http_secrets_clear(&secrets);
}

static void test_a_passing_secret_gives_way_to_the_next(void **state)
{
    struct http_secrets secrets = {0};

    (void)state;
    http_secrets_pass(&secrets, "first-token");
    assert_masked(&secrets, "first-token second-token", "*** second-token");
    http_secrets_pass(&secrets, "second-token");
    assert_masked(&secrets, "first-token second-token", "first-token ***");
    http_secrets_pass(&secrets, "");
    assert_masked(&secrets, "second-token", "second-token");
    http_secrets_clear(&secrets);
}

static void assert_auth(const char *json, const char *wanted)
{
    struct http_secrets secrets = {0};
    json_t *auth = NULL;
    char *value;

    if (json)
        assert_int_equal(json_parse(str_of(json), &auth), OK);
    value = http_auth_value(auth, &secrets);
    if (wanted) {
        assert_string_equal(value, wanted);
        assert_masked(&secrets, strchr(wanted, ' ') + 1, "***");
    } else {
        assert_null(value);
    }
    free(value);
    http_secrets_clear(&secrets);
    json_decref(auth);
}

static void test_auth_is_a_header_and_a_secret(void **state)
{
    (void)state;
    assert_auth("{\"basic\":{\"user\":\"Aladdin\",\"password\":\"open sesame\"}}",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="); /* RFC 7617, 2 */
    assert_auth("{\"basic\":{\"user\":\"test\",\"password\":\"123\xc2\xa3\"}}",
                "Basic dGVzdDoxMjPCow=="); /* RFC 7617, 2.1 */
    assert_auth("{\"bearer\":\"mF_9.B5f-4.1JqM\"}", "Bearer mF_9.B5f-4.1JqM");
    assert_auth("{\"oauth2\":{}}", NULL);
    assert_auth(NULL, NULL);
}

static void test_headers_are_secret_by_name(void **state)
{
    (void)state;
    assert_true(http_is_secret_header(STR("Authorization")));
    assert_true(http_is_secret_header(STR("proxy-authorization")));
    assert_true(http_is_secret_header(STR("COOKIE")));
    assert_true(http_is_secret_header(STR("Set-Cookie")));
    assert_true(http_is_secret_header(STR("X-Api-Key")));
    assert_true(http_is_secret_header(STR("PRIVATE-TOKEN")));
    assert_true(http_is_secret_header(STR("x-vault-token")));
    assert_false(http_is_secret_header(STR("Cookies")));
    assert_false(http_is_secret_header(STR("sec-websocket-key")));
    assert_false(http_is_secret_header(STR("toke")));
    assert_false(http_is_secret_header(STR("")));
}

static void test_foreign_bytes_are_masked_and_escaped(void **state)
{
    static const struct {
        const char *text;
        const char *secret;
        size_t limit;
        const char *shown;
    } cases[] = {
        {"plain", NULL, 64, "plain"},
        {"", "word", 64, ""},
        {"word", "word", 64, "***"},
        {"a word b word\r\n", "word", 64, "a *** b ***\\x0d\\x0a"},
        {"a line\nof a secret", "line\nof", 64, "a *** a secret"},
        {"'a long sec", "a long secret", 64, "'***"}, /* cut off by who says it back */
        {"pin", "pin", 64, "pin"},                    /* too short to be hidden */
        {"01word", "word", 4, "01**"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear_p) struct buf shown = {0};

        append_masked(&shown, str_of(cases[i].text), cases[i].secret, cases[i].limit);
        assert_string_equal(shown.len > 0 ? shown.data : "", cases[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_masked_wherever_they_stand),
        cmocka_unit_test(test_a_passing_secret_gives_way_to_the_next),
        cmocka_unit_test(test_auth_is_a_header_and_a_secret),
        cmocka_unit_test(test_headers_are_secret_by_name),
        cmocka_unit_test(test_foreign_bytes_are_masked_and_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
