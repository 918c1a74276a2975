/* libjq in its process: answers, errors, programs that explode, helpers that die; and that our own
 * evaluation gives what libjq gives. */
#include "tests/unit/unit_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/jq.h"
#include "shared/jq_check.h"
#include "shared/jq_helper.h"
#include "shared/json.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/spawner.h"

#define WAIT_US INT64_C(20000000)

static const struct run_as as_we_are;
static struct spawner *spawner;
static struct loop *loop;
static struct jq *jq;

struct given {
    bool is_over;
    enum json_answer answer;
    char reason[512];
    int64_t at_us;
};

static void on_done(void *argument, enum json_answer answer, struct str reason)
{
    struct given *given = argument;

    assert_false(given->is_over);
    given->is_over = true;
    given->answer = answer;
    given->at_us = clock_monotonic_us();
    snprintf(given->reason, sizeof given->reason, STR_FMT, STR_ARG(reason));
}

static void wait_for(const struct given *given)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;

    while (!given->is_over && clock_monotonic_us() < deadline_us)
        ev_run(loop_ev(loop), EVRUN_ONCE);
    assert_true(given->is_over);
}

static struct json_assert *compiled(const char *program)
{
    struct json_assert *assertion = NULL;

    assert_int_equal(json_assert_new(str_of(program), &assertion), OK);
    return assertion;
}

static struct given ask_for(const char *program, struct str document, int64_t limit_ms)
{
    AUTO(json_assert_free) struct json_assert *assertion = compiled(program);
    struct given given = {0};
    struct jq_request *request;

    assert_int_equal(jq_ask(jq, assertion, document, clock_monotonic_us() + limit_ms * 1000,
                            on_done, &given, &request),
                     OK);
    wait_for(&given);
    return given;
}

static struct given ask(const char *program, const char *document)
{
    return ask_for(program, str_of(document), 10000);
}

/* Answers -------------------------------------------------------------------------------------- */

static void test_programs_are_answered(void **state)
{
    static const struct {
        const char *program;
        const char *document;
        enum json_answer answer;
        const char *reason;
    } cases[] = {
        {"[.items[] | select(.ok)] | length == 2", "{\"items\":[{\"ok\":1},{\"ok\":2},{}]}",
         JSON_ANSWER_TRUE, ""},
        {".[]", "[1,2,true]", JSON_ANSWER_TRUE, ""},
        {".[]", "[1,false,true]", JSON_ANSWER_FALSE, "it gives false"},
        {".[]", "[1,null]", JSON_ANSWER_FALSE, "it gives null"},
        {".[]", "[]", JSON_ANSWER_FALSE, "it gives nothing"},
        {".[]", "5", JSON_ANSWER_ERROR, "Cannot iterate over number (5)"},
        {"error(\"own words\")", "1", JSON_ANSWER_ERROR, "own words"},
        {"error({a: 1})", "1", JSON_ANSWER_ERROR, "{\"a\":1}"},
        {"all(.a > 1)", "[{\"a\":2}]", JSON_ANSWER_TRUE, ""},
        {"all(.a > 1)", "{\"a\":", JSON_ANSWER_ERROR, "the document is no JSON: "},
        {"test(\"^a+$\")", "\"aaa\"", JSON_ANSWER_TRUE, ""},
        {"test(\"^(a|a|a)*$\")", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"", JSON_ANSWER_ERROR,
         "Regex failure"},
        {"now > 0", "1", JSON_ANSWER_TRUE, ""},
        {".a ==", "1", JSON_ANSWER_ERROR, "syntax error, unexpected $end"},
        {"@sh == \"'a'\"", "\"a\"", JSON_ANSWER_TRUE, ""},
        /* Overflows in the machine's division: libjq 1.6 dies of it. */
        {"(-9223372036854775808) % -1 == 0", "1", JSON_ANSWER_ERROR, "jq crashed on it: FPE"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct given given = ask(cases[i].program, cases[i].document);

        if (given.answer != cases[i].answer)
            print_error("%s: %d %s\n", cases[i].program, given.answer, given.reason);
        assert_int_equal(given.answer, cases[i].answer);
        assert_memory_equal(given.reason, cases[i].reason, strlen(cases[i].reason));
    }
}

static void test_there_is_nothing_to_be_read(void **state)
{
    (void)state;
    /* By ways that the look at its words does not see; there is nothing to be found behind them. */
    assert_int_equal(ask("[builtins[]] | length > 0", "1").answer, JSON_ANSWER_TRUE);
    assert_int_equal(ask("(now | localtime | mktime) > 0", "1").answer, JSON_ANSWER_TRUE);
}

static void test_requests_are_answered_in_order(void **state)
{
    AUTO(json_assert_free) struct json_assert *assertion = compiled(".[0] + 0 < 50");
    struct given given[100] = {{0}};
    char documents[100][16];
    struct jq_request *request;

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(documents[i], sizeof documents[i], "[%d]", i);
        assert_int_equal(jq_ask(jq, assertion, str_of(documents[i]), clock_monotonic_us() + WAIT_US,
                                on_done, &given[i], &request),
                         OK);
    }
    wait_for(&given[99]);
    for (int i = 0; i < 100; i++) {
        assert_true(given[i].is_over);
        assert_int_equal(given[i].answer, i < 50 ? JSON_ANSWER_TRUE : JSON_ANSWER_FALSE);
        assert_true(i == 0 || given[i].at_us >= given[i - 1].at_us);
    }
    print_message("%d answers a second\n",
                  (int)(99 * INT64_C(1000000) / MAX(given[99].at_us - given[0].at_us, INT64_C(1))));
}

static void test_large_documents_are_answered(void **state)
{
    struct buf document = {0};

    (void)state;
    buf_append_char(&document, '[');
    for (int i = 0; i < 20000; i++)
        buf_printf(&document, "%s\"%0100d\"", i > 0 ? "," : "", i);
    buf_append_char(&document, ']');
    assert_int_equal(ask_for("map(length) | add == 2000000", buf_str(&document), 10000).answer,
                     JSON_ANSWER_TRUE);
    buf_clear(&document);
}

/* Bounds --------------------------------------------------------------------------------------- */

static void test_what_explodes_is_a_limit_in_time(void **state)
{
    static const char *const programs[] = {
        "[range(1e18)]",
        "def f: f; f",
        "[limit(1e9; repeat(1))]",
        "def f: 1 + f; f",
        "[recurse(. + 1)] | length",
        "last(range(1e18))",
        "\"a\" * 1e9 | length > 0",
        "reduce range(1e7) as $i (0; [.]) | tojson | length > 0",
        "until(false; .)",
        "[.,.] | until(false; . + .)",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        int64_t started_us = clock_monotonic_us();
        struct given given = ask_for(programs[i], STR("1"), 400);
        int64_t took_ms = (given.at_us - started_us) / 1000;

        print_message("%s: %s after %d ms\n", programs[i], given.reason, (int)took_ms);
        assert_int_equal(given.answer, JSON_ANSWER_LIMIT);
        assert_in_range(took_ms, 0, 1400);
        assert_int_equal(ask(".[]", "[1]").answer, JSON_ANSWER_TRUE); /* it is of use still */
    }
}

static int turns;

static void on_tick(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)watcher;
    (void)events;
    turns++;
}

static void test_loop_goes_on_while_a_program_runs(void **state)
{
    ev_timer tick;

    (void)state;
    turns = 0;
    ev_timer_init(&tick, on_tick, 0.01, 0.01);
    ev_timer_start(loop_ev(loop), &tick);
    assert_int_equal(ask_for("def f: f; f", STR("1"), 500).answer, JSON_ANSWER_LIMIT);
    ev_timer_stop(loop_ev(loop), &tick);
    assert_in_range(turns, 25, 100);
}

static void test_documents_beyond_the_bounds_have_a_stated_answer(void **state)
{
    size_t len = 20 * 1024 * 1024;
    char *text = malloc(len);

    (void)state;
    memset(text, '[', len);
    assert_int_equal(ask_for(".[]", str_n(text, len), 10000).answer, JSON_ANSWER_LIMIT);
    assert_int_equal(ask_for(".a", str_n(text, len), 10000).answer, JSON_ANSWER_LIMIT);
    memset(text, '7', len); /* one number */
    assert_int_not_equal(ask_for(".[]", str_n(text, len), 10000).answer, JSON_ANSWER_TRUE);
    assert_int_not_equal(ask_for(". > 1", str_n(text, len), 10000).answer, JSON_ANSWER_LOST);
    assert_int_equal(ask("[.[]] | length == 1", "[1e400]").answer, JSON_ANSWER_TRUE);
    free(text);
}

static void test_simple_assertions_can_be_asked_too(void **state)
{
    struct given given;

    (void)state;
    assert_int_equal(ask(".a == 1", "{\"a\":1}").answer, JSON_ANSWER_TRUE);
    given = ask(".a == 9007199254740993", "{\"a\":9007199254740992}");
    assert_int_equal(given.answer, JSON_ANSWER_FALSE);
    assert_string_equal(given.reason, "9007199254740992 == 9007199254740993 is false");
    assert_int_equal(ask(".a", "{").answer, JSON_ANSWER_ERROR);
}

static void test_queue_is_bounded_and_requests_can_be_cancelled(void **state)
{
    AUTO(json_assert_free) struct json_assert *endless = compiled("def f: f; f");
    AUTO(json_assert_free) struct json_assert *quick = compiled(".[]");
    struct jq_request *requests[JQ_WAITING_MAX + 2];
    struct given never = {.is_over = true};
    struct given given = {0};
    int64_t due_us = clock_monotonic_us() + 300000;
    enum err err = OK;
    size_t count = 0;

    (void)state;
    assert_int_equal(jq_ask(jq, endless, STR("1"), due_us, on_done, &never, &requests[0]), OK);
    assert_int_equal(jq_ask(jq, quick, STR("[1]"), due_us, on_done, &given, &requests[1]), OK);
    for (int i = 0; i < 20; i++)
        ev_run(loop_ev(loop), EVRUN_NOWAIT); /* the first is under way */
    for (count = 2; count < ARRAY_LEN(requests) && err == OK; count++)
        err = jq_ask(jq, quick, STR("[1]"), due_us, on_done, &never, &requests[count]);
    assert_int_equal(err, ERR_LIMITED);
    for (size_t i = 2; i + 1 < count; i++)
        jq_cancel(jq, requests[i]);
    jq_cancel(jq, requests[0]); /* on_done() would complain */
    wait_for(&given);
    assert_int_equal(given.answer, JSON_ANSWER_LOST); /* the first took all its time */
    assert_non_null(strstr(given.reason, "had no time"));
    assert_int_equal(ask(".[]", "[1]").answer, JSON_ANSWER_TRUE);
}

/* The last child of a process that the kernel lists; 0 when there is none. */
static pid_t last_child_of(pid_t pid)
{
    char path[64];
    char line[256] = "";
    pid_t last = 0;
    char *at = line;
    char *end;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    file = fopen(path, "re");
    if (file && !fgets(line, sizeof line, file))
        line[0] = '\0';
    if (file)
        fclose(file);
    for (pid_t child; (child = (pid_t)strtol(at, &end, 10)) > 0; at = end)
        last = child;
    return last;
}

/* The helper is the spawner's child, and the spawner ours. */
static pid_t pid_of_helper(void)
{
    return last_child_of(last_child_of(getpid()));
}

static void test_helper_that_dies_is_replaced(void **state)
{
    int lost = 0;
    pid_t pid;

    (void)state;
    assert_int_equal(ask(".[]", "[1]").answer, JSON_ANSWER_TRUE);
    pid = pid_of_helper();
    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    for (int i = 0; i < 20; i++)
        lost += ask(".[]", "[1]").answer != JSON_ANSWER_TRUE;
    assert_in_range(lost, 0, 1); /* the one that was under way */
}

/* Checking ------------------------------------------------------------------------------------- */

static void test_wrong_programs_are_refused_in_jqs_words(void **state)
{
    static const struct {
        const char *program;
        const char *words;
    } cases[] = {
        {".a | foo", "foo/0 is not defined"},
        {".a ==", "syntax error, unexpected $end"},
        {".a == 1 == 2", "syntax error, unexpected =="},
        {"1 +\n\n+ +", "line 3: syntax error"},
        {"env", "\"env\" is not allowed"},
        {"(", "a bracket is not closed"},
        {"$x", "$x is not defined"},
    };
    AUTO(jq_checker_free) struct jq_checker *checker = NULL;
    struct spawner *handle;
    char detail[300] = "";

    (void)state;
    assert_int_equal(spawner_open(spawner, &handle), OK);
    checker = jq_checker_new(handle, &as_we_are);
    jq_check_use(checker);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(jq_check_format(str_of(cases[i].program), detail, sizeof detail));
        if (!strstr(detail, cases[i].words))
            print_error("%s: %s\n", cases[i].program, detail);
        assert_non_null(strstr(detail, cases[i].words));
        assert_memory_equal(detail, "must be a jq program: ", 22);
    }
    assert_true(jq_check_format(STR(".status == \"ok\""), detail, sizeof detail));
    assert_true(jq_check_format(STR("[.[] | .a] | length > 1"), detail, sizeof detail));
    kill(pid_of_helper(), SIGKILL);
    assert_true(jq_check_format(STR("[.[] | .a] | length > 1"), detail, sizeof detail));
    assert_true(jq_check_format(STR("[.[] | .a] | length > 2"), detail, sizeof detail));
    assert_int_equal(jq_check(checker, STR("foo")), ERR_INVALID);
    jq_check_use(NULL);
    assert_true(jq_check_format(STR("foo"), detail, sizeof detail));
    assert_false(jq_check_format(STR("input"), detail, sizeof detail));
}

/* Two evaluations of one language -------------------------------------------------------------- */

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static unsigned below(unsigned bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % bound;
}

static void add_value(struct buf *text, int depth)
{
    static const char *const plain[] = {"null",        "true",
                                        "false",       "0",
                                        "1",           "-1",
                                        "2",           "1.5",
                                        "-0.25",       "1e3",
                                        "1e-5",        "\"\"",
                                        "\"a\"",       "\"b\"",
                                        "\"ab\"",      "\"\\u00e4\"",
                                        "\"a b\"",     "100000",
                                        "-7",          "1.0",
                                        "\"\\n\\\"\"", "\"\\ud83d\\ude00\"",
                                        "3",           "9007199254740992"};
    unsigned kind = below(depth > 0 ? 5 : 3);
    unsigned count = below(4);

    if (kind < 3) {
        buf_append_text(text, plain[below(ARRAY_LEN(plain))]);
        return;
    }
    buf_append_char(text, kind == 3 ? '[' : '{');
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(text, ',');
        if (kind == 4)
            buf_printf(text, "\"%c\":", 'a' + (int)((i + below(2)) % 4));
        add_value(text, depth - 1);
    }
    buf_append_char(text, kind == 3 ? ']' : '}');
}

static void add_path(struct buf *text)
{
    static const char *const steps[] = {".a",  ".b",   ".c",      ".d",     "[0]",
                                        "[1]", "[-1]", "[\"a\"]", ".\"b\"", "[-2]"};
    unsigned count = below(4);
    size_t begin = text->len;

    for (unsigned i = 0; i < count; i++)
        buf_append_text(text, steps[below(ARRAY_LEN(steps))]);
    if (text->len == begin) {
        buf_append_char(text, '.');
    } else if (text->data[begin] == '[') {
        CLEANUP(buf_clear_p) struct buf copy = {0};

        buf_append_text(&copy, text->data + begin);
        text->len = begin;
        buf_printf(text, ".%s", copy.data);
    }
}

static void add_program(struct buf *text, int depth)
{
    static const char *const operators[] = {"==", "!=", "<", "<=", ">", ">="};
    static const char *const filters[] = {"length", "not", "has(\"a\")", "has(1)", "has(-1)"};

    switch (below(depth > 0 ? 9 : 3)) {
    case 0:
        add_path(text);
        return;
    case 1:
        add_value(text, 2);
        return;
    case 2:
        buf_append_text(text, filters[below(ARRAY_LEN(filters))]);
        return;
    case 3:
    case 4:
        buf_append_char(text, '(');
        add_program(text, depth - 1);
        buf_printf(text, ") %s (", operators[below(ARRAY_LEN(operators))]);
        add_program(text, depth - 1);
        buf_append_char(text, ')');
        return;
    case 5:
        add_path(text);
        buf_printf(text, " %s ", operators[below(ARRAY_LEN(operators))]);
        add_value(text, 2);
        return;
    case 6:
        add_path(text);
        buf_append_text(text, " | ");
        add_program(text, depth - 1);
        return;
    default:
        buf_append_char(text, '(');
        add_program(text, depth - 1);
        buf_append_text(text, below(2) ? ") and (" : ") or (");
        add_program(text, depth - 1);
        buf_append_char(text, ')');
        return;
    }
}

#define PROGRAMS  20 /* in one batch: libjq compiles them together */
#define BATCHES   6
#define DOCUMENTS 30

static struct str value_text(const struct json_assert *assertion, json_t *document,
                             struct buf *text)
{
    CLEANUP(buf_clear_p) struct buf reason = {0};
    JSON_AUTO json_t *value = json_assert_value(assertion, document, &reason);
    size_t begin = text->len;

    if (value) {
        buf_append_char(text, '[');
        json_write(value, text);
        buf_append_char(text, ']');
    } else {
        buf_append_text(text, "\"error\"");
    }
    return str_sub(buf_str(text), begin, text->len);
}

/* {"document", "ours": what each program gives, in an array, or "error"} */
static void add_case(struct buf *text, struct json_assert *const programs[PROGRAMS])
{
    CLEANUP(buf_clear_p) struct buf document = {0};
    JSON_AUTO json_t *parsed = NULL;

    add_value(&document, 3);
    assert_int_equal(json_assert_parse(buf_str(&document), &parsed), OK);
    buf_printf(text, "{\"document\":" STR_FMT ",\"ours\":[", STR_ARG(buf_str(&document)));
    for (int i = 0; i < PROGRAMS; i++) {
        if (i > 0)
            buf_append_char(text, ',');
        value_text(programs[i], parsed, text);
    }
    buf_append_text(text, "]}");
}

static void compare_batch(void)
{
    CLEANUP(buf_clear_p) struct buf all = {0};
    struct json_assert *programs[PROGRAMS];

    buf_append_text(&all, "[.document | ");
    for (int i = 0; i < PROGRAMS; i++) {
        CLEANUP(buf_clear_p) struct buf text = {0};

        do {
            buf_reset(&text);
            add_program(&text, 2);
        } while (text.len > JSON_ASSERT_BYTES_MAX / PROGRAMS - 40);
        programs[i] = compiled(text.data);
        if (!json_assert_is_simple(programs[i]))
            print_error("not simple: %s\n", text.data);
        assert_true(json_assert_is_simple(programs[i]));
        buf_printf(&all, "%stry [%s] catch \"error\"", i > 0 ? "," : "", text.data);
    }
    buf_append_text(&all, "] == .ours");

    for (int i = 0; i < DOCUMENTS; i++) {
        CLEANUP(buf_clear_p) struct buf document = {0};
        struct given given;

        add_case(&document, programs);
        given = ask(all.data, document.data);
        if (given.answer != JSON_ANSWER_TRUE)
            print_error("%s\n%s: %s\n", document.data, given.reason, all.data);
        assert_int_equal(given.answer, JSON_ANSWER_TRUE);
    }
    for (int i = 0; i < PROGRAMS; i++)
        json_assert_free(programs[i]);
}

static void test_our_evaluation_gives_what_libjq_gives(void **state)
{
    (void)state;
    for (int i = 0; i < BATCHES; i++)
        compare_batch();
    print_message("%d programs, %d pairs\n", BATCHES * PROGRAMS, BATCHES * PROGRAMS * DOCUMENTS);
}

static int clear(void **state)
{
    (void)state;
    failure_clear();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_are_answered),
        cmocka_unit_test(test_there_is_nothing_to_be_read),
        cmocka_unit_test(test_requests_are_answered_in_order),
        cmocka_unit_test(test_large_documents_are_answered),
        cmocka_unit_test(test_what_explodes_is_a_limit_in_time),
        cmocka_unit_test(test_loop_goes_on_while_a_program_runs),
        cmocka_unit_test(test_documents_beyond_the_bounds_have_a_stated_answer),
        cmocka_unit_test(test_simple_assertions_can_be_asked_too),
        cmocka_unit_test(test_queue_is_bounded_and_requests_can_be_cancelled),
        cmocka_unit_test(test_helper_that_dies_is_replaced),
        cmocka_unit_test(test_wrong_programs_are_refused_in_jqs_words),
        cmocka_unit_test(test_our_evaluation_gives_what_libjq_gives),
    };
    struct spawner *handle;
    int failed;

    if (jq_helper_is_wanted(argc, argv))
        jq_helper_main();
    if (strstr(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "", "vgpreload")) {
        puts("valgrind sets no limit of open files, and without limits there is no helper");
        return 0;
    }
    if (spawner_start("em-test-spawner", &spawner) != OK || spawner_open(spawner, &handle) != OK)
        return 1;
    loop = loop_new();
    jq = jq_new(loop_ev(loop), handle, &as_we_are);
    failed = cmocka_run_group_tests(tests, NULL, clear);
    jq_free(jq);
    loop_free(loop);
    spawner_free(spawner);
    return failed;
}
