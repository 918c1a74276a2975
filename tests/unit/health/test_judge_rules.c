/*
 * Section 1 of the health rules as tables: each case is a script of entries, and what every step
 * must answer, written as "published/hard, messages, soft, next". Preview defaults unless the case
 * says otherwise.
 */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "shared/attrs.h"
#include "shared/buf.h"

#include "control/health/judge_rules.h"

#define STEPS_MAX 40

struct step {
    int at_s;
    const char *what; /* ok warn fail error tick start end; NULL ends the case */
    const char *expected;
};

struct judge_case {
    const char *name;
    struct judge_params params; /* zero fields: the default */
    struct step steps[STEPS_MAX];
};

static const struct judge_params defaults = {
    .fall = 3,
    .rise = 2,
    .unknown_after = 3,
    .flap_high_pct = 30,
    .flap_low_pct = 25,
    .interval_ms = 60000,
    .retry_interval_ms = 20000,
    .stale_after_ms = 180000,
};

static struct judge_params with_defaults(struct judge_params params)
{
    params.fall = params.fall ? params.fall : defaults.fall;
    params.rise = params.rise ? params.rise : defaults.rise;
    params.unknown_after = params.unknown_after ? params.unknown_after : defaults.unknown_after;
    params.flap_high_pct = params.flap_high_pct ? params.flap_high_pct : defaults.flap_high_pct;
    params.flap_low_pct = params.flap_low_pct ? params.flap_low_pct : defaults.flap_low_pct;
    params.interval_ms = params.interval_ms ? params.interval_ms : defaults.interval_ms;
    params.retry_interval_ms =
        params.retry_interval_ms ? params.retry_interval_ms : defaults.retry_interval_ms;
    params.stale_after_ms = params.stale_after_ms ? params.stale_after_ms : defaults.stale_after_ms;
    return params;
}

static struct judgement apply(const struct judge_params *params, struct check_state *state,
                              const struct step *step)
{
    static const char *const verdicts[] = {"ok", "warn", "fail", "error"};
    int64_t at_ms = step->at_s * 1000LL;

    for (int verdict = 0; verdict < 4; verdict++) {
        if (strcmp(step->what, verdicts[verdict]) == 0)
            return judge_result(params, state, at_ms, (enum verdict)verdict);
    }
    if (strcmp(step->what, "tick") == 0)
        return judge_tick(params, state, at_ms);
    return judge_maintenance(params, state, at_ms, strcmp(step->what, "start") == 0);
}

/* "down/down problem 60", "operational/operational soft 20", "unknown/unknown stale@180 unknown"
 * … */
static void describe(const struct check_state *state, const struct judgement *judgement,
                     struct buf *buf)
{
    buf_printf(buf, "%s/%s", state_word(judge_published(state)), state_word(state->hard));
    if (judgement->went_stale)
        buf_printf(buf, " stale@%d", (int)(judgement->stale_at_ms / 1000));
    for (int i = 0; i < judgement->message_count; i++)
        buf_printf(buf, " %s", message_word(judgement->messages[i]));
    if (judgement->soft)
        buf_append_text(buf, " soft");
    if (judgement->next_in_ms)
        buf_printf(buf, " %d", (int)(judgement->next_in_ms / 1000));
}

static void run_case(const struct judge_case *test)
{
    struct judge_params params = with_defaults(test->params);
    struct check_state state = {0};

    for (const struct step *step = test->steps; step->what; step++) {
        CLEANUP(buf_clear_p) struct buf got = {0};
        struct judgement judgement = apply(&params, &state, step);

        describe(&state, &judgement, &got);
        if (strcmp(got.data, step->expected) != 0)
            print_message("%s, %s at %d\n", test->name, step->what, step->at_s);
        assert_string_equal(got.data, step->expected);
    }
}

#define O "operational/operational"
#define W "degraded/degraded"
#define D "down/down"
#define U "unknown/unknown"

static const struct judge_case first_cases[] = {
    {"first ok is believed at once", {0}, {{0, "ok", O " 60"}, {60, "ok", O " 60"}}},
    {"bad news needs fall verdicts",
     {0},
     {{0, "fail", U " 20"}, {20, "fail", U " 20"}, {40, "fail", D " problem 60"}}},
    {"an ok among the first bad ones is believed",
     {0},
     {{0, "fail", U " 20"},
      {20, "fail", U " 20"},
      {40, "ok", O " 60"},
      {60, "fail", O " soft 20"}}},
    {"the least severe of the first run counts",
     {0},
     {{0, "fail", U " 20"}, {20, "warn", U " 20"}, {40, "fail", W " problem 60"}}},
    {"fall 1", {.fall = 1}, {{0, "fail", D " problem 60"}, {60, "warn", D " soft 20"}}},
    {"nothing yet", {0}, {{0, "tick", U}, {900, "tick", U}}},
    {"errors first say nothing",
     {0},
     {{0, "error", U " 20"}, {20, "error", U " 20"}, {40, "error", U " 20"}, {60, "ok", O " 60"}}},
};

static const struct judge_case hard_cases[] = {
    {"three failures, two successes",
     {0},
     {{0, "ok", O " 60"},
      {60, "fail", O " soft 20"},
      {80, "fail", O " soft 20"},
      {100, "fail", D " problem 60"},
      {160, "ok", D " soft 20"},
      {180, "ok", O " recovery 60"}}},
    {"a blip stays soft",
     {0},
     {{0, "ok", O " 60"},
      {60, "fail", O " soft 20"},
      {80, "fail", O " soft 20"},
      {100, "ok", O " 60"},
      {160, "fail", O " soft 20"}}},
    {"a mixed run is as bad as its least",
     {0},
     {{0, "ok", O " 60"},
      {60, "fail", O " soft 20"},
      {80, "warn", O " soft 20"},
      {100, "fail", W " problem 60"},
      {160, "fail", W " soft 20"},
      {180, "fail", D " change 60"}}},
    {"down to degraded",
     {0},
     {{0, "ok", O " 60"},
      {60, "fail", O " soft 20"},
      {80, "fail", O " soft 20"},
      {100, "fail", D " problem 60"},
      {160, "warn", D " soft 20"},
      {180, "ok", W " change 60"},
      {240, "ok", O " recovery 60"}}},
    {"rise 1 fall 1 has no hysteresis",
     {.fall = 1, .rise = 1},
     {{0, "ok", O " 60"},
      {60, "fail", D " problem 60"},
      {120, "warn", W " change 60"},
      {180, "ok", O " recovery 60"}}},
    {"rise longer than fall",
     {.fall = 1, .rise = 3},
     {{0, "ok", O " 60"},
      {60, "fail", D " problem 60"},
      {120, "ok", D " soft 20"},
      {140, "warn", D " soft 20"},
      {160, "ok", W " change 60"},
      {220, "ok", W " soft 20"},
      {240, "ok", O " recovery 60"}}},
};

static const struct judge_case unknown_cases[] = {
    {"three errors",
     {0},
     {{0, "ok", O " 60"},
      {60, "error", O " 20"},
      {80, "error", O " 20"},
      {100, "error", U " unknown 20"},
      {120, "error", U " 20"},
      {140, "ok", O " known 60"}}},
    {"a verdict forgets the errors",
     {0},
     {{0, "ok", O " 60"},
      {60, "error", O " 20"},
      {80, "error", O " 20"},
      {100, "ok", O " 60"},
      {160, "error", O " 20"},
      {180, "error", O " 20"}}},
    {"errors do not break a run",
     {0},
     {{0, "ok", O " 60"},
      {60, "fail", O " soft 20"},
      {80, "error", O " 20"},
      {100, "fail", O " soft 20"},
      {120, "fail", D " problem 60"}}},
    {"the window is emptied",
     {.unknown_after = 1},
     {{0, "fail", U " 20"},
      {20, "fail", U " 20"},
      {40, "error", U " 20"},
      {60, "fail", U " 20"},
      {80, "fail", U " 20"},
      {100, "fail", D " problem 60"}}},
    {"a problem stays open across unknown, same level",
     {.fall = 1, .unknown_after = 1},
     {{0, "fail", D " problem 60"},
      {60, "error", U " unknown 20"},
      {80, "fail", D " 60"},
      {140, "error", U " unknown 20"}}},
    {"a problem stays open across unknown, other level",
     {.fall = 1, .unknown_after = 1},
     {{0, "fail", D " problem 60"},
      {60, "error", U " unknown 20"},
      {80, "warn", W " change 60"},
      {140, "ok", W " soft 20"},
      {160, "ok", O " recovery 60"}}},
    {"recovery out of unknown",
     {.fall = 1, .unknown_after = 1},
     {{0, "fail", D " problem 60"},
      {60, "error", U " unknown 20"},
      {80, "ok", O " recovery 60"},
      {140, "error", U " unknown 20"},
      {160, "ok", O " known 60"}}},
    {"a problem out of unknown",
     {.fall = 1, .unknown_after = 1},
     {{0, "ok", O " 60"}, {60, "error", U " unknown 20"}, {80, "fail", D " problem 60"}}},
};

static const struct judge_case stale_cases[] = {
    {"exactly at last + stale_after",
     {0},
     {{0, "ok", O " 60"},
      {179, "tick", O},
      {180, "tick", U " stale@180 unknown"},
      {181, "tick", U}}},
    {"found late, it is dated to the second",
     {0},
     {{0, "ok", O " 60"}, {500, "tick", U " stale@180 unknown"}, {501, "ok", O " known 60"}}},
    {"an entry at that second finds it unknown",
     {0},
     {{0, "ok", O " 60"}, {180, "ok", O " stale@180 unknown known 60"}}},
    {"the window is emptied, so bad news starts again",
     {0},
     {{0, "ok", O " 60"},
      {60, "fail", O " soft 20"},
      {80, "fail", O " soft 20"},
      {260, "fail", U " stale@260 unknown 20"},
      {280, "fail", U " 20"},
      {300, "fail", D " problem 60"}}},
    {"an error is a result too",
     {0},
     {{0, "ok", O " 60"},
      {170, "error", O " 20"},
      {349, "tick", O},
      {350, "tick", U " stale@350 unknown"}}},
    {"the error count is emptied",
     {0},
     {{0, "ok", O " 60"},
      {60, "error", O " 20"},
      {80, "error", O " 20"},
      {260, "ok", O " stale@260 unknown known 60"},
      {320, "error", O " 20"},
      {340, "error", O " 20"},
      {360, "error", U " unknown 20"}}},
    {"no event while unknown, but the window is emptied",
     {0},
     {{0, "fail", U " 20"},
      {20, "fail", U " 20"},
      {200, "fail", U " 20"},
      {220, "fail", U " 20"},
      {240, "fail", D " problem 60"}}},
    {"in maintenance the event is listed, nothing is told",
     {0},
     {{0, "ok", O " 60"},
      {10, "start", "maintenance/operational"},
      {180, "tick", "maintenance/unknown stale@180"},
      {200, "end", U " unknown"}}},
    {"stale before the window opens is told",
     {0},
     {{0, "ok", O " 60"},
      {300, "start", "maintenance/unknown stale@180 unknown"},
      {400, "end", U}}},
};

#define MO "maintenance/operational"
#define MD "maintenance/down"
#define MW "maintenance/degraded"
#define MU "maintenance/unknown"

static const struct judge_case maintenance_cases[] = {
    {"down and up again inside is never told",
     {.fall = 1, .rise = 1},
     {{0, "ok", O " 60"},
      {10, "start", MO},
      {60, "fail", MD " 60"},
      {120, "ok", MO " 60"},
      {130, "end", O}}},
    {"down at the end is told once",
     {.fall = 1},
     {{0, "ok", O " 60"},
      {10, "start", MO},
      {60, "fail", MD " 60"},
      {70, "end", D " problem"},
      {80, "end", D},
      {120, "fail", D " 60"}}},
    {"a problem from before, over at the end",
     {.fall = 1, .rise = 1},
     {{0, "fail", D " problem 60"},
      {10, "start", MD},
      {60, "ok", MO " 60"},
      {70, "end", O " recovery"}}},
    {"a problem from before at another level",
     {.fall = 1, .rise = 1},
     {{0, "fail", D " problem 60"},
      {10, "start", MD},
      {60, "warn", MW " 60"},
      {70, "end", W " change"}}},
    {"a problem from before at the same level",
     {.fall = 1, .rise = 1},
     {{0, "fail", D " problem 60"},
      {10, "start", MD},
      {60, "ok", MO " 60"},
      {120, "fail", MD " 60"},
      {130, "end", D}}},
    {"soft is reported inside",
     {0},
     {{0, "ok", O " 60"}, {10, "start", MO}, {60, "fail", MO " soft 20"}}},
    {"known from the first window on",
     {0},
     {{0, "start", MU}, {10, "ok", MO " 60"}, {20, "end", O}, {70, "ok", O " 60"}}},
    {"first result inside, unknown again at the end",
     {.unknown_after = 1},
     {{0, "start", MU}, {10, "ok", MO " 60"}, {20, "error", MU " 20"}, {30, "end", U}}},
    {"known from unknown inside",
     {.unknown_after = 1},
     {{0, "ok", O " 60"},
      {10, "error", U " unknown 20"},
      {20, "start", MU},
      {30, "ok", MO " 60"},
      {40, "end", O " known"}}},
    {"starting twice is harmless",
     {.fall = 1},
     {{0, "ok", O " 60"},
      {1, "start", MO},
      {2, "start", MO},
      {3, "fail", MD " 60"},
      {4, "end", D " problem"}}},
};

static void run_cases(const struct judge_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run_case(&cases[i]);
}

static void test_judge_first_verdicts(void **state)
{
    (void)state;
    run_cases(first_cases, ARRAY_LEN(first_cases));
}

static void test_judge_hard_states(void **state)
{
    (void)state;
    run_cases(hard_cases, ARRAY_LEN(hard_cases));
}

static void test_judge_unknown(void **state)
{
    (void)state;
    run_cases(unknown_cases, ARRAY_LEN(unknown_cases));
}

static void test_judge_stale(void **state)
{
    (void)state;
    run_cases(stale_cases, ARRAY_LEN(stale_cases));
}

static void test_judge_maintenance(void **state)
{
    (void)state;
    run_cases(maintenance_cases, ARRAY_LEN(maintenance_cases));
}

/* One entry every 20 s; `verdicts` has o w f e for each. Returns all messages in order. */
static void play(const struct judge_params *params, struct check_state *check, int64_t *now_ms,
                 const char *verdicts, struct buf *messages)
{
    for (const char *at = verdicts; *at; at++) {
        enum verdict verdict = (enum verdict)(strchr("owfe", *at) - "owfe");
        struct judgement judgement = judge_result(params, check, *now_ms, verdict);

        *now_ms += 20000;
        for (int i = 0; i < judgement.message_count; i++)
            buf_printf(messages, "%s%s", messages->len ? " " : "",
                       message_word(judgement.messages[i]));
    }
}

static const struct judge_params flapping_params = {
    .fall = 1,
    .rise = 1,
    .unknown_after = 3,
    .flap = true,
    .flap_high_pct = 30,
    .flap_low_pct = 25,
    .interval_ms = 60000,
    .retry_interval_ms = 20000,
    .stale_after_ms = 180000,
};

static void test_flap_value_weighs_newer_changes_more(void **state)
{
    struct check_state check = {0};
    CLEANUP(buf_clear_p) struct buf messages = {0};
    int64_t now_ms = 0;

    (void)state;
    play(&flapping_params, &check, &now_ms, "o", &messages);
    assert_int_equal(judge_flap_permille(&check), 0);
    play(&flapping_params, &check, &now_ms, "f", &messages);
    assert_int_equal(judge_flap_permille(&check), 59); /* 118/20 = 5.9 % */
    play(&flapping_params, &check, &now_ms, "oofo", &messages);
    assert_int_equal(judge_flap_permille(&check), 55 + 56 + 58 + 59);
    for (int i = 0; i < JUDGE_FLAP_BITS; i++)
        play(&flapping_params, &check, &now_ms, i % 2 ? "o" : "f", &messages);
    assert_int_equal(judge_flap_permille(&check), 990);
    for (int i = 0; i < JUDGE_FLAP_BITS; i++)
        play(&flapping_params, &check, &now_ms, "o", &messages);
    assert_int_equal(judge_flap_permille(&check), 0);
}

static void test_flapping_holds_messages_back(void **state)
{
    struct check_state check = {0};
    CLEANUP(buf_clear_p) struct buf messages = {0};
    int64_t now_ms = 0;

    (void)state;
    /* Six changes in a row: 59 + 58 + … + 54 = 339 ‰. The sixth gives its message up. */
    play(&flapping_params, &check, &now_ms, "ofofofo", &messages);
    assert_string_equal(messages.data, "problem recovery problem recovery problem flap_start");
    assert_int_equal(judge_published(&check), STATE_OPERATIONAL);
    buf_reset(&messages);

    /* Each quiet verdict takes 6 ‰ off, until the value is at or below 250 ‰. */
    play(&flapping_params, &check, &now_ms, "ooooooooooooooo", &messages);
    assert_string_equal(messages.data, "flap_end recovery");
    assert_true(judge_flap_permille(&check) <= 250);
    assert_false(check.flapping);
}

static void test_flapping_ends_without_a_difference(void **state)
{
    struct check_state check = {0};
    CLEANUP(buf_clear_p) struct buf messages = {0};
    int64_t now_ms = 0;

    (void)state;
    play(&flapping_params, &check, &now_ms, "ofofofo", &messages);
    play(&flapping_params, &check, &now_ms, "f", &messages); /* 339 − 6 × … + 59: still flapping */
    buf_reset(&messages);
    play(&flapping_params, &check, &now_ms, "ffffffffffffffffffff", &messages);
    assert_string_equal(messages.data, "flap_end"); /* the fifth message was "problem" */
}

static void test_flapping_in_maintenance_is_told_at_its_end(void **state)
{
    struct check_state check = {0};
    CLEANUP(buf_clear_p) struct buf messages = {0};
    int64_t now_ms = 0;
    struct judgement judgement;

    (void)state;
    play(&flapping_params, &check, &now_ms, "o", &messages);
    judge_maintenance(&flapping_params, &check, now_ms, true);
    play(&flapping_params, &check, &now_ms, "fofofof", &messages);
    assert_int_equal(messages.len, 0);
    assert_true(check.flapping);
    judgement = judge_maintenance(&flapping_params, &check, now_ms, false);
    assert_int_equal(judgement.message_count, 1);
    assert_int_equal(judgement.messages[0], MESSAGE_FLAP_START);

    /* Told as flapping, and over at the end of the next window: the end, then the difference. */
    judge_maintenance(&flapping_params, &check, now_ms, true);
    play(&flapping_params, &check, &now_ms, "ffffffffffffffffffff", &messages);
    judgement = judge_maintenance(&flapping_params, &check, now_ms, false);
    assert_int_equal(judgement.message_count, 2);
    assert_int_equal(judgement.messages[0], MESSAGE_FLAP_END);
    assert_int_equal(judgement.messages[1], MESSAGE_PROBLEM);
}

static void test_flapping_holds_staleness_back_but_notes_it(void **state)
{
    struct check_state check = {0};
    CLEANUP(buf_clear_p) struct buf messages = {0};
    int64_t now_ms = 0;
    struct judgement judgement;

    (void)state;
    play(&flapping_params, &check, &now_ms, "ofofofo", &messages);
    judgement = judge_tick(&flapping_params, &check, now_ms + 180000);
    assert_true(judgement.went_stale);
    assert_int_equal(judgement.message_count, 0);
    assert_int_equal(judge_flap_permille(&check), 339); /* the ring survives Unknown */
}

static void test_flapping_switched_off_ends(void **state)
{
    struct judge_params quiet = flapping_params;
    struct check_state check = {0};
    CLEANUP(buf_clear_p) struct buf messages = {0};
    int64_t now_ms = 0;

    (void)state;
    play(&flapping_params, &check, &now_ms, "ofofofo", &messages);
    buf_reset(&messages);
    quiet.flap = false;
    play(&quiet, &check, &now_ms, "o", &messages);
    assert_string_equal(messages.data, "flap_end recovery");
    buf_reset(&messages);
    play(&quiet, &check, &now_ms, "fofofofof", &messages);
    assert_null(strstr(messages.data, "flap"));
}

static void test_changes_are_dated_to_the_first_of_the_run(void **state)
{
    struct check_state check = {0};
    CLEANUP(buf_clear_p) struct buf messages = {0};
    int64_t now_ms = 1000000;

    (void)state;
    play(&defaults, &check, &now_ms, "oo", &messages);
    assert_int_equal(check.hard_since_ms, 1000000);
    play(&defaults, &check, &now_ms, "fff", &messages);
    assert_int_equal(check.hard, STATE_DOWN);
    assert_int_equal(check.hard_since_ms, 1040000);
    play(&defaults, &check, &now_ms, "foo", &messages);
    assert_int_equal(check.hard, STATE_OPERATIONAL);
    assert_int_equal(check.hard_since_ms, 1000000 + 6 * 20000);
    judge_tick(&defaults, &check, now_ms + 500000);
    assert_int_equal(check.hard_since_ms, now_ms - 20000 + 180000);
}

static void test_a_shorter_window_forgets_the_rest(void **state)
{
    struct judge_params longer = defaults;
    struct check_state check = {0};
    CLEANUP(buf_clear_p) struct buf messages = {0};
    int64_t now_ms = 0;

    (void)state;
    longer.fall = CHECK_RUN_MAX;
    play(&longer, &check, &now_ms, "offffffffffffffffff", &messages);
    assert_int_equal(check.hard, STATE_OPERATIONAL);
    play(&defaults, &check, &now_ms, "f", &messages);
    assert_int_equal(check.hard, STATE_DOWN);
    assert_int_equal(check.window_len, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_first_verdicts),
        cmocka_unit_test(test_judge_hard_states),
        cmocka_unit_test(test_judge_unknown),
        cmocka_unit_test(test_judge_stale),
        cmocka_unit_test(test_judge_maintenance),
        cmocka_unit_test(test_flap_value_weighs_newer_changes_more),
        cmocka_unit_test(test_flapping_holds_messages_back),
        cmocka_unit_test(test_flapping_ends_without_a_difference),
        cmocka_unit_test(test_flapping_in_maintenance_is_told_at_its_end),
        cmocka_unit_test(test_flapping_holds_staleness_back_but_notes_it),
        cmocka_unit_test(test_flapping_switched_off_ends),
        cmocka_unit_test(test_changes_are_dated_to_the_first_of_the_run),
        cmocka_unit_test(test_a_shorter_window_forgets_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
