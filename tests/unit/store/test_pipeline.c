/* Reads in pipeline mode: answers, failures between good ones, deadlines, lost connections, bounds.
 */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/loop.h"

#include "control/store/db.h"
#include "control/store/pipeline.h"
#include "control/store/query.h"
#include "tests/unit/database.h"
#include "tests/unit/store/store_test.sql.h"

#define WAIT_US INT64_C(20000000)

static struct loop *loop;

struct asked {
    int times;
    enum err err;
    char code[64];
    char text[200];
    char version[20];
};

static void on_answer(void *argument, const struct pipeline_answer *answer)
{
    struct asked *asked = argument;

    asked->times++;
    asked->err = answer->err;
    snprintf(asked->code, sizeof asked->code, "%s", answer->code ? answer->code : "");
    snprintf(asked->text, sizeof asked->text, STR_FMT, STR_ARG(answer->text));
    snprintf(asked->version, sizeof asked->version, STR_FMT, STR_ARG(answer->version));
}

static struct pipeline *open_pipeline(size_t queue_max)
{
    return pipeline_new(
        loop, &(struct pipeline_options){.url = test_database_url, .queue_max = queue_max});
}

/* A request with one value that is answered in time. */
static struct pipeline_request request_of(const struct str *value, pipeline_done_fn done,
                                          void *argument)
{
    return (struct pipeline_request){
        .values = value,
        .deadline_us = clock_monotonic_us() + WAIT_US,
        .done = done,
        .argument = argument,
    };
}

static enum err ask_until(struct pipeline *pipeline, const struct statement *statement,
                          const char *value, int64_t timeout_us, struct asked *asked)
{
    const struct str text = str_of(value);
    struct pipeline_request request = request_of(&text, on_answer, asked);

    request.deadline_us = clock_monotonic_us() + timeout_us;
    return pipeline_query(pipeline, statement, &request);
}

static void ask(struct pipeline *pipeline, const struct statement *statement, const char *value,
                struct asked *asked)
{
    assert_int_equal(ask_until(pipeline, statement, value, WAIT_US, asked), OK);
}

static void wait_for(const struct asked *asked)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;

    while (!asked->times && clock_monotonic_us() < deadline_us)
        ev_run(loop_ev(loop), EVRUN_ONCE);
    assert_int_equal(asked->times, 1);
}

static void test_answer_has_text_version_and_scope(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(0);
    const struct str values[] = {STR("5")};
    struct asked asked = {0};
    struct asked scoped = {0};
    struct pipeline_request request = request_of(values, on_answer, &scoped);
    struct asked all = {0};

    (void)state;
    request.rows.kind = ROWS_OF_ONE;
    assert_true(
        uuid_parse(STR("01890a5d-ac96-774b-bcce-b302099a8057"), &request.rows.organisation_id));
    ask(pipeline, &sql_test_json, "4", &asked);
    assert_int_equal(asked.times, 0); /* never from inside the call */
    assert_int_equal(pipeline_query(pipeline, &sql_test_json, &request), OK);
    request.rows = ALL_ROWS;
    request.argument = &all;
    assert_int_equal(pipeline_query(pipeline, &sql_test_json, &request), OK);
    wait_for(&asked);
    wait_for(&scoped);
    wait_for(&all);
    assert_int_equal(asked.err, OK);
    assert_string_equal(asked.text, "{\"number\" : 4, \"org\" : \"\"}");
    assert_string_equal(asked.version, "7");
    assert_string_equal(scoped.text,
                        "{\"number\" : 5, \"org\" : \"01890a5d-ac96-774b-bcce-b302099a8057\"}");
    assert_string_equal(all.text, "{\"number\" : 5, \"org\" : \"*\"}");
}

/* Beyond the bound of kept texts each is prepared for its query alone. */
static void test_texts_made_at_run_time(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(0);
    const struct str values[] = {STR("5")};

    (void)state;
    for (int i = 0; i < 1200; i++) {
        struct asked asked = {0};
        struct pipeline_request request = request_of(values, on_answer, &asked);
        char text[64];
        char answer[16];

        snprintf(text, sizeof text, "SELECT ($1::integer + %d)::text", i % 600);
        snprintf(answer, sizeof answer, "%d", 5 + i % 600);
        assert_int_equal(pipeline_query_text(pipeline, "sum", str_of(text), 1, &request), OK);
        wait_for(&asked);
        assert_int_equal(asked.err, OK);
        assert_string_equal(asked.text, answer);
    }
}

static void test_failures_do_not_touch_their_neighbours(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(0);
    struct asked asked[6] = {0};

    (void)state;
    ask(pipeline, &sql_test_json, "1", &asked[0]);
    ask(pipeline, &sql_test_divide, "0", &asked[1]);
    ask(pipeline, &sql_test_json, "not a number", &asked[2]);
    ask(pipeline, &sql_test_wrong, NULL, &asked[3]);
    ask(pipeline, &sql_test_json, "-1", &asked[4]);
    ask(pipeline, &sql_test_divide, "1", &asked[5]);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        wait_for(&asked[i]);
    assert_int_equal(asked[0].err, OK);
    assert_int_equal(asked[1].err, ERR_INVALID);
    assert_int_equal(asked[2].err, ERR_INVALID);
    assert_string_equal(asked[2].code, "value_invalid");
    assert_int_equal(asked[3].err, ERR_BUG);
    assert_int_equal(asked[4].err, ERR_NOT_FOUND);
    assert_int_equal(asked[5].err, OK);
    assert_string_equal(asked[5].text, "1");

    asked[3].times = 0; /* what failed to be prepared is prepared again */
    ask(pipeline, &sql_test_wrong, NULL, &asked[3]);
    wait_for(&asked[3]);
    assert_string_equal(asked[3].code, "statement_wrong");
}

static void test_deadline_answers_although_the_server_does_not(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(0);
    struct asked slow = {0};
    struct asked next = {0};
    int64_t started_us = clock_monotonic_us();

    (void)state;
    assert_int_equal(ask_until(pipeline, &sql_test_sleep, "1.5", 300000, &slow), OK);
    wait_for(&slow);
    assert_int_equal(slow.err, ERR_TIMEOUT);
    assert_in_range(clock_monotonic_us() - started_us, 300000, 1000000);
    ask(pipeline, &sql_test_json, "1", &next);
    wait_for(&next);
    assert_int_equal(next.err, OK);
    assert_int_equal(slow.times, 1);
}

static void test_cancelled_query_is_not_answered(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(0);
    const struct str values[] = {STR("1")};
    struct asked cancelled = {0};
    struct asked next = {0};
    struct pipeline_request request = request_of(values, on_answer, &cancelled);
    uint64_t id;

    (void)state;
    request.ret_id = &id;
    assert_int_equal(pipeline_query(pipeline, &sql_test_json, &request), OK);
    pipeline_cancel(pipeline, id);
    ask(pipeline, &sql_test_json, "2", &next);
    wait_for(&next);
    assert_int_equal(cancelled.times, 0);
}

static void test_queue_is_bounded(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(3);
    struct asked asked[4] = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        ask(pipeline, &sql_test_json, "1", &asked[i]);
    assert_int_equal(ask_until(pipeline, &sql_test_json, "1", WAIT_US, &asked[3]), ERR_LIMITED);
    assert_int_equal(pipeline_counters(pipeline).refused, 1);
    for (int i = 0; i < 3; i++)
        wait_for(&asked[i]);
    ask(pipeline, &sql_test_json, "1", &asked[3]);
    wait_for(&asked[3]);
}

/* Turns the loop until the links have connected that many times in all. */
static void wait_for_connects(struct pipeline *pipeline, uint64_t times)
{
    int64_t until_us = clock_monotonic_us() + WAIT_US;

    while (pipeline_counters(pipeline).reconnects < times) {
        assert_true(clock_monotonic_us() < until_us);
        ev_run(loop_ev(loop), EVRUN_ONCE);
    }
}

static void test_reads_of_a_lost_connection_are_asked_again(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(0);
    AUTO(db_free)
    struct db *db = db_new(&(struct db_options){.url = test_database_url, .name = "test"});
    struct asked asked[50] = {0};

    (void)state;
    ask(pipeline, &sql_test_json, "0", &asked[0]);
    wait_for(&asked[0]);
    wait_for_connects(pipeline, 2);
    assert_int_equal(db_run_script(db, "SELECT 1"), OK); /* connects before the clock runs */
    for (size_t i = 1; i < ARRAY_LEN(asked); i++)
        ask(pipeline, i == 1 ? &sql_test_sleep : &sql_test_json, i == 1 ? "0.5" : "3", &asked[i]);
    ev_run(loop_ev(loop), EVRUN_NOWAIT);
    assert_int_equal(db_execute(db, &sql_test_kill_others, NO_PARAMS, NULL), OK);
    for (size_t i = 1; i < ARRAY_LEN(asked); i++) {
        wait_for(&asked[i]);
        assert_int_equal(asked[i].err, OK);
    }
    wait_for_connects(pipeline, 4);
}

static void test_stale_statement_fails_at_most_once_per_link(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(0);
    AUTO(db_free)
    struct db *db = db_new(&(struct db_options){.url = test_database_url, .name = "test"});
    struct asked asked = {0};
    int failed = 0;

    (void)state;
    assert_int_equal(db_run_script(db, "CREATE TABLE thing AS SELECT 1 AS id"), OK);
    for (int i = 0; i < 8; i++) {
        if (i == 4)
            assert_int_equal(db_run_script(db, "ALTER TABLE thing ADD colour text"), OK);
        asked.times = 0;
        ask(pipeline, &sql_test_things_json, NULL, &asked);
        wait_for(&asked);
        failed += asked.err != OK;
    }
    assert_int_equal(asked.err, OK);
    assert_in_range(failed, 1, 2);
    assert_int_equal(db_run_script(db, "DROP TABLE thing"), OK);
}

static void test_without_a_server_answers_come_at_once(void **state)
{
    AUTO(pipeline_free)
    struct pipeline *pipeline =
        pipeline_new(loop, &(struct pipeline_options){.url = "postgresql://127.0.0.1:1/none"});
    struct asked asked = {0};
    int64_t started_us = clock_monotonic_us();

    (void)state;
    ask(pipeline, &sql_test_json, "1", &asked);
    wait_for(&asked);
    assert_int_equal(asked.err, ERR_UNAVAILABLE);
    assert_in_range(clock_monotonic_us() - started_us, 0, 5000000);
    assert_false(pipeline_is_ready(pipeline));
}

static void test_freeing_calls_nobody(void **state)
{
    struct pipeline *pipeline = open_pipeline(0);
    struct asked asked = {0};
    struct asked first = {0};

    (void)state;
    ask(pipeline, &sql_test_json, "1", &first);
    wait_for(&first);
    ask(pipeline, &sql_test_sleep, "1", &asked);
    ev_run(loop_ev(loop), EVRUN_NOWAIT);
    pipeline_free(pipeline);
    assert_int_equal(asked.times, 0);
    pipeline_free(open_pipeline(0)); /* while it connects */
}

#define MANY 20000

static int answered;

static void on_counted(void *argument, const struct pipeline_answer *answer)
{
    (void)argument;
    assert_int_equal(answer->err, OK);
    answered++;
}

static void test_rate(void **state)
{
    AUTO(pipeline_free) struct pipeline *pipeline = open_pipeline(0);
    const struct str values[] = {STR("1")};
    int64_t started_us = clock_monotonic_us();
    int asked = 0;

    (void)state;
    while (answered < MANY) {
        while (asked < MANY && asked - answered < 128) {
            struct pipeline_request request = request_of(values, on_counted, NULL);

            assert_int_equal(pipeline_query(pipeline, &sql_test_json, &request), OK);
            asked++;
        }
        ev_run(loop_ev(loop), EVRUN_ONCE);
        assert_true(clock_monotonic_us() - started_us < 60000000);
    }
    print_message("%d reads a second\n",
                  (int)(MANY * INT64_C(1000000) / (clock_monotonic_us() - started_us)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_has_text_version_and_scope),
        cmocka_unit_test(test_texts_made_at_run_time),
        cmocka_unit_test(test_failures_do_not_touch_their_neighbours),
        cmocka_unit_test(test_deadline_answers_although_the_server_does_not),
        cmocka_unit_test(test_cancelled_query_is_not_answered),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_reads_of_a_lost_connection_are_asked_again),
        cmocka_unit_test(test_stale_statement_fails_at_most_once_per_link),
        cmocka_unit_test(test_without_a_server_answers_come_at_once),
        cmocka_unit_test(test_freeing_calls_nobody),
        cmocka_unit_test(test_rate),
    };
    int failed;

    loop = loop_new();
    failed = test_with_database("pipeline", tests, ARRAY_LEN(tests));
    loop_free(loop);
    return failed;
}
