#include "tests/unit/unit_test.h"

#include <stdlib.h>

#include "shared/json.h"
#include "shared/result_json.h"

static const struct result full = {
    .at_ms = 1795168800123,
    .verdict = VERDICT_FAIL,
    .outcome = OUTCOME_CONNECT_REFUSED,
    .phase = PHASE_CONNECT,
    .has = RESULT_HAS_ADDRESS | RESULT_HAS_HTTP | RESULT_HAS_TLS | RESULT_HAS_PERFDATA,
    .timings = {12, 0, 95, 0, 0, 0, 107},
    .address = {.family = AF_INET, .port = 81, .bytes = {127, 0, 0, 1}},
    .http = {.status = 200, .redirects = 1, .body_bytes = 5, .truncated = true},
    .tls = {.version = 0x0304, .not_after_ms = 1795168800000},
    .message = {"connection refused by 127.0.0.1:81", 34},
    .perfdata = {"{\"a\":{\"value\":1}}", 17},
};

static void test_result_json_is_the_documented_object(void **state)
{
    CLEANUP(buf_clear_p) struct buf json = {0};

    (void)state;
    result_json_write(&json, &full, STR("c"), STR("default"), str_n(NULL, 0));
    assert_string_equal(
        json.data, "{\"check\":\"c\",\"at\":\"2026-11-20T10:00:00.123Z\",\"location\":\"default\","
                   "\"prober\":null,"
                   "\"verdict\":\"fail\",\"outcome\":\"connect_refused\",\"phase\":\"connect\","
                   "\"message\":\"connection refused by 127.0.0.1:81\","
                   "\"timings_us\":{\"queue\":12,\"dns\":0,\"connect\":95,\"tls\":0,\"first_byte\":"
                   "0,\"transfer\":0,\"total\":107},"
                   "\"address\":\"127.0.0.1:81\",\"http\":{\"status\":200,\"redirects\":1,\"body_"
                   "bytes\":5,\"truncated\":true},"
                   "\"tls\":{\"version\":\"1.3\",\"not_after\":\"2026-11-20T10:00:00.000Z\","
                   "\"chain_not_after\":null,\"verified_not_after\":null},"
                   "\"perfdata\":{\"a\":{\"value\":1}}}");
}

static void test_result_json_leaves_out_what_is_not_there(void **state)
{
    CLEANUP(buf_clear_p) struct buf json = {0};
    JSON_AUTO json_t *parsed = NULL;
    struct result plain = full;

    (void)state;
    plain.has = 0;
    plain.message = STR("bad \x01 \xff \"quoted\"");
    result_json_write(&json, &plain, STR("c\n"), str_n(NULL, 0), STR("p"));
    assert_int_equal(json_parse(buf_str(&json), &parsed), OK);
    assert_false(json_has(parsed, "address"));
    assert_false(json_has(parsed, "http"));
    assert_false(json_has(parsed, "tls"));
    assert_false(json_has(parsed, "perfdata"));
}

static void test_result_copy_owns_its_texts(void **state)
{
    struct result *copy = result_copy(&full);

    (void)state;
    assert_true(str_equal(copy->message, full.message));
    assert_true(str_equal(copy->perfdata, full.perfdata));
    assert_ptr_not_equal(copy->message.ptr, full.message.ptr);
    free(copy);
}

static void test_result_address_format_takes_both_families(void **state)
{
    struct result_address six = {.family = AF_INET6, .port = 443, .bytes = {[15] = 1}};
    char text[RESULT_ADDRESS_TEXT_BYTES];

    (void)state;
    assert_string_equal(result_address_format(&six, text), "[::1]:443");
    assert_string_equal(outcome_word(OUTCOME_COUNT), "?");
    assert_int_equal(outcome_verdict(OUTCOME_POLICY), VERDICT_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_json_is_the_documented_object),
        cmocka_unit_test(test_result_json_leaves_out_what_is_not_there),
        cmocka_unit_test(test_result_copy_owns_its_texts),
        cmocka_unit_test(test_result_address_format_takes_both_families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
