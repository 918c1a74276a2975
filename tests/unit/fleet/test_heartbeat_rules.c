/* When a heartbeat is late, and what becomes of what its target says. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/json.h"

#include "control/fleet/heartbeat_rules.h"

#define S 1000000LL

static int64_t late_s(int64_t interval_s, int64_t grace_s, int64_t last_s, int64_t since_s,
                      int64_t away_s)
{
    const struct heartbeat_promise promise = {interval_s * S, grace_s * S};
    const struct heartbeat_listening listening = {since_s * S, away_s * S};

    return heartbeat_late_at_us(&promise, last_s * S, &listening) / S;
}

/* --- lateness --- */

static void test_late_after_interval_and_grace(void **state)
{
    static const struct {
        const char *what;
        int64_t last_s;
        int64_t since_s;
        int64_t away_s;
        int64_t late_s; /* of a target that promises 60 s and has 30 s of grace */
    } cases[] = {
        {"heard since the start", 100, 50, 10, 190},
        {"heard at the start", 100, 100, 10, 190},
        {"a restart later", 100, 150, 10, 240},
        {"a restart at once", 100, 101, 1, 191},
        {"away for longer than it may be silent", 100, 10000, 9900, 10090},
        {"heard before the machine was started", -3600, 60, 3610, 150},
        {"nobody knows when control was last up", 0, 1000, INT64_MAX / 4 / S, 1090},
        {"silent through a restart before", 0, 170, 1, 181},
        {"silent through many", 0, 179, 1, 181},
        {"never sooner than without a restart", 100, 109, 1, 199},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t late = late_s(60, 30, cases[i].last_s, cases[i].since_s, cases[i].away_s);

        if (late != cases[i].late_s)
            print_error("%s\n", cases[i].what);
        assert_int_equal(late, cases[i].late_s);
    }
}

/* Whoever calls at least as often as promised is never late for a restart, however long. */
static void test_no_restart_is_held_against_a_target(void **state)
{
    const int64_t interval_s = 20;

    (void)state;
    for (int64_t period_s = 1; period_s <= interval_s; period_s++) {
        for (int64_t stop_s = 1; stop_s <= 45; stop_s++) {
            for (int64_t away_s = 1; away_s <= 50; away_s++) {
                int64_t start_s = stop_s + away_s;
                int64_t last_s = (stop_s - 1) / period_s * period_s;
                int64_t next_s = (start_s + period_s - 1) / period_s * period_s;

                assert_true(next_s <= late_s(interval_s, 0, last_s, start_s, away_s));
            }
        }
    }
}

/* Who is silent is found out although control is restarted more often than the target calls. */
static void test_restarts_do_not_put_it_off_for_ever(void **state)
{
    const int64_t interval_s = 600;
    const int64_t away_s = 1;
    int64_t up_s = 0;

    (void)state;
    for (int64_t start_s = 100;; start_s += 100) {
        int64_t late = late_s(interval_s, 0, 0, start_s, away_s);

        up_s = start_s - start_s / 100 * away_s;
        if (late > start_s + 100 - away_s)
            continue;
        assert_true(late > 2 * interval_s && late <= 2 * interval_s + 100);
        break;
    }
    assert_true(up_s <= 2 * interval_s);
}

static void test_the_promise_is_that_of_the_spec(void **state)
{
    static const struct {
        const char *spec;
        int64_t interval_s; /* of the check */
        int64_t promised_s;
        int64_t grace_s;
    } cases[] = {
        {"{}", 30, 30, 30},
        {"{\"interval_s\":60}", 30, 60, 60},
        {"{\"interval_s\":604800}", 86400, 604800, 3600},
        {"{\"interval_s\":60,\"grace_s\":0}", 60, 60, 0},
        {"{\"interval_s\":null,\"grace_s\":5}", 10, 10, 5},
        {"{\"interval_s\":31622400,\"grace_s\":31622400}", 86400, 31622400, 31622400},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        JSON_AUTO json_t *spec = NULL;
        struct heartbeat_promise promise;

        assert_int_equal(json_parse(str_of(cases[i].spec), &spec), OK);
        promise = heartbeat_promise_of(spec, cases[i].interval_s);
        assert_int_equal(promise.interval_us, cases[i].promised_s * S);
        assert_int_equal(promise.grace_us, cases[i].grace_s * S);
    }
}

/* --- calls --- */

static void test_calls_are_limited(void **state)
{
    int64_t full_at_us = 0;
    int64_t retry_s = 0;
    int64_t now_us = 5000 * S;

    (void)state;
    for (int i = 0; i < HEARTBEAT_CALLS_BURST; i++)
        assert_true(heartbeat_may_call(&full_at_us, now_us, &retry_s));
    assert_false(heartbeat_may_call(&full_at_us, now_us, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_false(heartbeat_may_call(&full_at_us, now_us + S - 1, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_true(heartbeat_may_call(&full_at_us, now_us + S, &retry_s));
    assert_false(heartbeat_may_call(&full_at_us, now_us + S, &retry_s));

    now_us += 100 * S;
    for (int i = 0; i < HEARTBEAT_CALLS_BURST; i++)
        assert_true(heartbeat_may_call(&full_at_us, now_us, &retry_s));
    assert_false(heartbeat_may_call(&full_at_us, now_us, &retry_s));
}

static void test_statuses(void **state)
{
    enum verdict verdict = VERDICT_ERROR;

    (void)state;
    assert_true(heartbeat_status(STR("ok"), &verdict) && verdict == VERDICT_OK);
    assert_true(heartbeat_status(STR("warn"), &verdict) && verdict == VERDICT_WARN);
    assert_true(heartbeat_status(STR("fail"), &verdict) && verdict == VERDICT_FAIL);
    assert_false(heartbeat_status(STR("error"), &verdict));
    assert_false(heartbeat_status(STR("OK"), &verdict));
    assert_false(heartbeat_status(STR(""), &verdict));
    assert_false(heartbeat_status((struct str){0}, &verdict));
}

static void test_what_is_said_becomes_the_result(void **state)
{
    static const struct {
        struct heartbeat_call call;
        enum outcome outcome;
        const char *message;
        const char *perfdata;
        uint32_t total_us;
    } cases[] = {
        {{VERDICT_OK, .duration_ms = -1}, OUTCOME_OK, "", "", 0},
        {{VERDICT_WARN, .duration_ms = 0, .message = STR("a\tb \r\n")},
         OUTCOME_REPORTED,
         "a\\x09b",
         "{\"duration\":{\"value\":0,\"uom\":\"ms\"}}",
         0},
        {{VERDICT_FAIL, true, -7, 250, STR("x"), {0}},
         OUTCOME_REPORTED,
         "x",
         "{\"duration\":{\"value\":250,\"uom\":\"ms\"},\"exit_code\":{\"value\":-7}}",
         250000},
        {{VERDICT_OK, true, 0, -1, STR("\n")}, OUTCOME_OK, "", "{\"exit_code\":{\"value\":0}}", 0},
        {{VERDICT_OK, .duration_ms = 31622400000},
         OUTCOME_OK,
         "",
         "{\"duration\":{\"value\":31622400000,\"uom\":\"ms\"}}",
         4294967000},
    };
    CLEANUP(buf_clear_p) struct buf texts = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct result result;

        heartbeat_result(&cases[i].call, 77, &texts, &result);
        assert_int_equal(result.at_ms, 77);
        assert_int_equal(result.scheduled_at_ms, 77);
        assert_int_equal(result.verdict, cases[i].call.verdict);
        assert_int_equal(result.outcome, cases[i].outcome);
        assert_int_equal(result.timings.total_us, cases[i].total_us);
        assert_true(str_equal(result.message, str_of(cases[i].message)));
        assert_true(str_equal(result.perfdata, str_of(cases[i].perfdata)));
        assert_int_equal(result.has, cases[i].perfdata[0] ? RESULT_HAS_PERFDATA : 0);
    }
}

static void test_where_it_came_from(void **state)
{
    CLEANUP(buf_clear_p) struct buf texts = {0};
    struct heartbeat_call call = {VERDICT_OK, true, 0, -1,
                                  .address = {.family = AF_INET, .bytes = {192, 0, 2, 1}}};
    struct result result;

    (void)state;
    heartbeat_result(&call, 1, &texts, &result);
    assert_int_equal(result.has, RESULT_HAS_ADDRESS | RESULT_HAS_PERFDATA);
    assert_memory_equal(&result.address, &call.address, sizeof call.address);
}

static void test_messages_are_cut(void **state)
{
    CLEANUP(buf_clear_p) struct buf texts = {0};
    char long_text[2000];
    struct heartbeat_call call = {VERDICT_OK, .duration_ms = -1};
    struct result result;

    (void)state;
    memset(long_text, 0xfe, sizeof long_text);
    call.message = str_n(long_text, sizeof long_text);
    heartbeat_result(&call, 1, &texts, &result);
    assert_int_equal(result.message.len, RESULT_MESSAGE_BYTES_MAX);
    memset(long_text, '\n', sizeof long_text);
    heartbeat_result(&call, 1, &texts, &result);
    assert_int_equal(result.message.len, 0);
}

static void test_a_miss_says_since_when(void **state)
{
    const struct heartbeat_promise promise = {60 * S, 5 * S};
    CLEANUP(buf_clear_p) struct buf texts = {0};
    struct result result;

    (void)state;
    heartbeat_missed_result(&promise, 1784541600123, 1784541700000, &texts, &result);
    assert_int_equal(result.verdict, VERDICT_FAIL);
    assert_int_equal(result.outcome, OUTCOME_HEARTBEAT_MISSED);
    assert_true(str_equal(result.message,
                          STR("no call since 2026-07-20T10:00:00.123Z; one is expected every 60 s, "
                              "with 5 s of grace")));
    heartbeat_missed_result(&promise, 0, 1784541700000, &texts, &result);
    assert_true(str_equal(result.message, STR("one is expected every 60 s, with 5 s of grace")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_after_interval_and_grace),
        cmocka_unit_test(test_no_restart_is_held_against_a_target),
        cmocka_unit_test(test_restarts_do_not_put_it_off_for_ever),
        cmocka_unit_test(test_the_promise_is_that_of_the_spec),
        cmocka_unit_test(test_calls_are_limited),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_what_is_said_becomes_the_result),
        cmocka_unit_test(test_where_it_came_from),
        cmocka_unit_test(test_messages_are_cut),
        cmocka_unit_test(test_a_miss_says_since_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
