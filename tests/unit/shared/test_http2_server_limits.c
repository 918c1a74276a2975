/* What a client may ask for, and how long: windows, streams, floods, deadlines, and the way out. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/shared/http2_frames_text.h"
#include "tests/unit/shared/http2_owner.h"

/* Windows -------------------------------------------------------------------------------------- */

static void test_a_body_ends_at_the_first_window_until_it_is_taken(void **state)
{
    struct owner *owner = greeted();
    struct served *served = &owner->served[0];

    (void)state;
    owner->has_no_events = true;
    assert_answers(owner, "1.4.1:" POST "; 0.0.1:'x'^1000", "");
    http2_server_take_body(owner->server, &served->stream, 3000);
    take_output(owner);
    assert_answers(owner, "0.0.1:'x'^2000; 0.0.1:'x'^2000; 0.1.1", "|1 head|1 2 bytes all");
    assert_answers(owner, "1.4.3:" POST "; 0.0.3:'x'^1001", "|3 reset 3");
    owner_free(owner);
}

static void test_an_answer_waits_for_the_window(void **state)
{
    struct owner *owner = greeted();
    struct served *served = &owner->served[0];

    (void)state;
    owner->answer = STR("0123456789");
    assert_answers(owner, "4.0.0:000400000004; 1.5.1:" GET, "|1 head|1 4 bytes");
    assert_true(http2_server_is_blocked(owner->server, &served->stream));
    assert_int_equal(served->stream.body_bytes, 4);
    assert_int_equal(owner->open, 1);
    assert_answers(owner, "8.0.1:00000003", "|1 3 bytes");
    assert_answers(owner, "8.0.1:00000100", "|1 3 bytes all");
    assert_int_equal(owner->open, 0);
    owner_free(owner);
}

static void test_a_stream_that_is_cancelled_is_told(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->is_silent = true;
    assert_answers(owner, "1.5.1:" GET, "");
    http2_server_cancel(owner->server, &owner->served[0].stream);
    assert_answers(owner, "8.0.0:00000001", "|1 reset 8");
    assert_int_equal(owner->open, 0);
    owner_free(owner);
}

static void test_continue_comes_before_the_answer(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->is_silent = true;
    assert_answers(owner, "1.4.1:" POST, "");
    http2_server_continue(owner->server, &owner->served[0].stream);
    owner->is_silent = false;
    assert_answers(owner, "0.1.1:'x'", "|1 head|1 head|1 2 bytes all");
    owner_free(owner);
}

/* Streams -------------------------------------------------------------------------------------- */

/* Feeds a row of frames, in which # is the number of a stream, for each of the next `count`. */
static void feed_streams(struct owner *owner, const char *format, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        CLEANUP(buf_clear_p) struct buf frames = {0};

        for (const char *at = format; *at; at++) {
            if (*at == '#')
                buf_printf(&frames, "%x", first + 2 * i);
            else
                buf_append_char(&frames, *at);
        }
        feed_frames(owner, frames.data);
    }
}

static char *told(struct owner *owner)
{
    return answers_to(owner, "");
}

static void test_streams_are_bounded(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->is_silent = true;
    feed_streams(owner, "1.5.#:" GET, 1, 10);
    assert_int_equal(owner->open, 10);
    assert_answers(owner, "1.5.15:" GET, "|goaway 19 1");
    assert_int_equal(owner->begun, 10);
    owner_free(owner);
}

/* A client that has not heard of the bound yet is not to blame. */
static void test_streams_before_our_settings_are_refused(void **state)
{
    struct owner *owner = owner_new();

    (void)state;
    owner->is_silent = true;
    feed_frames(owner, PREFACE "4.0.0");
    feed_streams(owner, "1.5.#:" GET, 1, 10);
    assert_answers(owner, "1.5.15:" GET, "|21 reset 7");
    assert_int_equal(owner->open, 10);
    owner_free(owner);
}

static void test_a_stream_that_the_owner_refuses_may_come_again(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->refuses = true;
    assert_answers(owner, "1.5.1:" GET "; 1.4.3:" POST "; 0.1.3:'x'", "|1 reset 7|3 reset 7");
    assert_int_equal(owner->events.len, 0);
    owner_free(owner);
}

/* Floods --------------------------------------------------------------------------------------- */

/* What costs one of the budget of 200: 200 of them are fine, and another one is not. */
static void test_frames_that_carry_nothing_end_the_connection(void **state)
{
    static const char *const frames[] = {
        "6.0.0:'12345678'", "6.1.0:'12345678'",     "4.0.0", "2.0.1:0000000010",
        "8.0.0:00000001",   "20.0.0:'extra'",       "0.0.1", "0.8.1:03000000",
        "8.0.1:00000001",   "10.0.0:00000001'u=1'",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        struct owner *owner = greeted();
        char row[64];
        char *answers;

        owner->is_silent = owner->has_no_events = true;
        owner->now_us += 20 * SECOND_US; /* the hello is forgiven */
        feed_frames(owner, "1.4.1:" POST);
        snprintf(row, sizeof row, "%s*200", frames[i]);
        free(answers_to(owner, row));
        assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_NONE);
        answers = answers_to(owner, frames[i]);
        if (strcmp(answers, "|goaway 1 11") != 0)
            print_error("row: %s\n", frames[i]);
        assert_string_equal(answers, "|goaway 1 11");
        assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_CALM);
        free(answers);
        owner_free(owner);
    }
}

static void assert_calmed(struct owner *owner, const char *frames, unsigned fine)
{
    char *answers;

    owner->has_no_events = true;
    owner->now_us += 20 * SECOND_US;
    feed_streams(owner, frames, 1, fine);
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_NONE);
    buf_reset(&owner->out);
    feed_streams(owner, frames, 1 + 2 * fine, 1);
    answers = told(owner);
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_CALM);
    free(answers);
    owner_free(owner);
}

/* A stream that comes to nothing costs ten; the frame that says so one on top. */
static void test_rapid_resets_end_the_connection(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->is_silent = true;
    assert_calmed(owner, "1.5.#:" GET "; 3.0.#:00000008", 18);
}

static void test_resets_that_we_are_made_to_send_end_the_connection(void **state)
{
    static const char *const frames[] = {
        "1.4.#:" POST "; 8.0.#:7fffffff",      /* a window that opens by too much */
        "1.4.#:" POST "0f0d01'1'; 0.1.#:'xx'", /* more than it says */
        "1.4.#:8286 0101'a'; 8.0.0:00000001",  /* no head */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        struct owner *owner = greeted();

        owner->is_silent = true;
        assert_calmed(owner, frames[i], 18);
    }
}

static void test_refused_streams_end_the_connection(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->refuses = true;
    assert_calmed(owner, "1.5.#:" GET, 20);
}

/* A client that is answered may open its windows and give up some of what it asked for. */
static void test_work_that_is_done_pays_for_what_goes_with_it(void **state)
{
    struct owner *owner = greeted();
    char row[256];

    (void)state;
    owner->has_no_events = true;
    for (unsigned i = 0; i < 120; i++) {
        snprintf(row, sizeof row,
                 "1.5.%x:" GET "; 8.0.0:00000002; 6.0.0:'12345678'; 6.0.0:'12345678'", 1 + 2 * i);
        feed_frames(owner, row);
    }
    assert_int_equal(owner->begun, 120);
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_NONE);
    owner_free(owner);
}

static void test_time_pays_too(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        owner->now_us += SECOND_US / 10;
        feed_frames(owner, "6.0.0:'12345678'");
    }
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_NONE);
    owner_free(owner);
}

/* Who takes nothing must not make answers to PING pile up. */
static void test_what_waits_to_be_sent_is_bounded(void **state)
{
    CLEANUP(buf_clear_p) struct buf pings = {0};
    struct owner *owner = greeted();

    (void)state;
    http2_append_frames(&pings, "6.0.0:'12345678'*100");
    for (int i = 0; i < 1000; i++) {
        owner->now_us += 10 * SECOND_US;
        http2_server_receive(owner->server, buf_str(&pings), owner->now_us);
    }
    buf_reset(&owner->out);
    take_output(owner);
    assert_in_range(owner->out.len, 1, 17 * owner_limits.budget + 100);
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_CALM);
    owner_free(owner);
}

/* Deadlines and the way out -------------------------------------------------------------------- */

static void test_what_is_incomplete_is_told_with_its_beginning(void **state)
{
    struct owner *owner = owner_new();

    (void)state;
    owner->is_silent = true;
    owner->now_us = 5 * SECOND_US;
    feed_frames(owner, PREFACE "4.0.0");
    assert_int_equal(http2_server_awaits_since_us(owner->server), SECOND_US);
    feed_frames(owner, "4.1.0");
    assert_int_equal(http2_server_awaits_since_us(owner->server), 0);

    owner->now_us = 6 * SECOND_US; /* a frame in the middle of its header, then of its payload */
    feed_frames(owner, "raw:0000");
    owner->now_us = 7 * SECOND_US;
    feed_frames(owner, "raw:08060000000000'1234'");
    assert_int_equal(http2_server_awaits_since_us(owner->server), 6 * SECOND_US);
    feed_frames(owner, "raw:'5678'");
    assert_int_equal(http2_server_awaits_since_us(owner->server), 0);

    owner->now_us = 8 * SECOND_US; /* a head, between two frames */
    feed_frames(owner, "1.0.1:" POST);
    owner->now_us = 9 * SECOND_US;
    feed_frames(owner, "9.0.1");
    assert_int_equal(http2_server_awaits_since_us(owner->server), 8 * SECOND_US);
    feed_frames(owner, "9.4.1");
    assert_int_equal(http2_server_awaits_since_us(owner->server), 0);

    feed_frames(owner, "raw:000005000000000001'1'"); /* a body has a deadline of its own */
    assert_int_equal(http2_server_awaits_since_us(owner->server), 0);
    owner_free(owner);
}

static void test_draining_says_goodbye_twice(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->is_silent = true;
    feed_frames(owner, "1.4.1:" POST);
    http2_server_drain(owner->server);
    assert_answers(owner, "", "|goaway 2147483647 0");
    assert_answers(owner, "1.4.3:" POST, ""); /* on its way before the first word was heard */
    assert_int_equal(owner->open, 2);
    http2_server_drain(owner->server);
    assert_answers(owner, "8.0.0:00000001", "|goaway 3 0");
    assert_answers(owner, "1.5.5:" GET, "");
    assert_int_equal(owner->open, 2);
    owner->is_silent = false;
    assert_answers(owner, "0.1.1:'x'", "|1 head|1 2 bytes all");
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_NONE);
    assert_answers(owner, "0.1.3:'x'", "|3 head|3 2 bytes all");
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_GOODBYE);
    owner_free(owner);
}

static void test_an_end_says_why(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->is_silent = true;
    feed_frames(owner, "1.4.1:" POST);
    http2_server_end(owner->server, HTTP2_FAREWELL_CALM);
    http2_server_end(owner->server, HTTP2_FAREWELL_GOODBYE); /* it is over already */
    assert_answers(owner, "1.5.3:" GET, "|goaway 1 11");
    assert_int_equal(owner->begun, 1);
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_CALM);
    owner_free(owner);
}

static void test_a_client_that_goes_is_let_go(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    assert_answers(owner, "1.5.1:" GET "; 7.0.0:0000000000000000", "|1 head|1 2 bytes all");
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_GOODBYE);
    owner_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_ends_at_the_first_window_until_it_is_taken),
        cmocka_unit_test(test_an_answer_waits_for_the_window),
        cmocka_unit_test(test_a_stream_that_is_cancelled_is_told),
        cmocka_unit_test(test_continue_comes_before_the_answer),
        cmocka_unit_test(test_streams_are_bounded),
        cmocka_unit_test(test_streams_before_our_settings_are_refused),
        cmocka_unit_test(test_a_stream_that_the_owner_refuses_may_come_again),
        cmocka_unit_test(test_frames_that_carry_nothing_end_the_connection),
        cmocka_unit_test(test_rapid_resets_end_the_connection),
        cmocka_unit_test(test_resets_that_we_are_made_to_send_end_the_connection),
        cmocka_unit_test(test_refused_streams_end_the_connection),
        cmocka_unit_test(test_work_that_is_done_pays_for_what_goes_with_it),
        cmocka_unit_test(test_time_pays_too),
        cmocka_unit_test(test_what_waits_to_be_sent_is_bounded),
        cmocka_unit_test(test_what_is_incomplete_is_told_with_its_beginning),
        cmocka_unit_test(test_draining_says_goodbye_twice),
        cmocka_unit_test(test_an_end_says_why),
        cmocka_unit_test(test_a_client_that_goes_is_let_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
