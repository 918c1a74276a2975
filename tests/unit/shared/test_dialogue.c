/* Steps of a dialogue: what is refused when they are compiled, and how each judges what has come. */
#include "tests/unit/unit_test.h"

#include "shared/dialogue.h"
#include "shared/json.h"

static struct dialogue *compile(const char *text)
{
    JSON_AUTO json_t *steps = NULL;
    JSON_AUTO json_t *errors = NULL;
    struct dialogue *dialogue;

    assert_int_equal(json_parse(str_of(text), &steps), OK);
    dialogue = dialogue_new(steps, "/steps", &errors);
    assert_null(errors);
    assert_non_null(dialogue);
    return dialogue;
}

/* Errors as "pointer code" lines. */
static void assert_errors(const char *text, const char *wanted)
{
    CLEANUP(buf_clear_p) struct buf seen = {0};
    JSON_AUTO json_t *steps = NULL;
    JSON_AUTO json_t *errors = NULL;
    json_t *error;
    size_t i;

    assert_int_equal(json_parse(str_of(text), &steps), OK);
    assert_null(dialogue_new(steps, "/spec/steps", &errors));
    json_array_foreach(errors, i, error)
    {
        buf_printf(&seen, "%s%s %s", i > 0 ? "\n" : "", json_text(error, "pointer", ""),
                   json_text(error, "code", ""));
        assert_int_equal(json_text(error, "detail", "")[strlen(json_text(error, "detail", "")) - 1],
                         '.');
    }
    assert_string_equal(seen.data, wanted);
}

static void test_steps_that_do_not_belong_together_are_named(void **state)
{
    (void)state;
    assert_errors("[{\"send\":\"\\\\1\"}]", "/spec/steps/0/send reference_unknown");
    assert_errors("[{\"expect_regex\":\"(a)\"},{\"send\":\"\\\\1\\\\2\"},{\"send\":\"\\\\x\"},"
                  "{\"send\":\"\\\\\"},{\"send\":\"\\\\g{no}\"},{\"send\":\"\\\\g{}\"},"
                  "{\"send\":\"\\\\g{a\"},{\"send\":\"\\\\0\"}]",
                  "/spec/steps/1/send reference_unknown\n/spec/steps/2/send reference_malformed\n"
                  "/spec/steps/3/send reference_malformed\n/spec/steps/4/send reference_unknown\n"
                  "/spec/steps/5/send reference_malformed\n"
                  "/spec/steps/6/send reference_malformed\n"
                  "/spec/steps/7/send reference_malformed");
    assert_errors("[{\"expect_regex\":\"(a)(b)(c)(d)(e)(f)(g)(h)(i)(?<j>j)\"},"
                  "{\"send\":\"\\\\9\\\\g{j}\"}]",
                  "/spec/steps/1/send reference_unknown");
    assert_errors("[{\"starttls\":true},{\"starttls\":true},{\"half_close\":true},{\"send\":\"a\"},"
                  "{\"expect_regex\":\"a\",\"match\":\"buffer\",\"skip_regex\":\"b\"}]",
                  "/spec/steps/1/starttls too_late\n/spec/steps/3/send too_late\n"
                  "/spec/steps/4/skip_regex not_by_line");
}

static void test_too_many_groups_are_refused(void **state)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    (void)state;
    buf_append_text(&text, "[");
    for (unsigned i = 0; i < 9; i++)
        buf_append_text(&text, "{\"expect_regex\":\"(a)(b)\"},{\"send\":\"\\\\1\\\\2\"},");
    buf_append_text(&text, "{\"send\":\"\\\\1\"}]");
    assert_errors(text.data, "/spec/steps/17/send reference_too_many\n"
                             "/spec/steps/18/send reference_too_many");
}

static struct str sent(const struct dialogue *dialogue, size_t at,
                       const struct dialogue_caught *caught, struct buf *scratch)
{
    return dialogue_text(&dialogue->steps.items[at], caught, scratch);
}

static void test_what_was_caught_is_sent_again(void **state)
{
    AUTO(dialogue_free)
    struct dialogue *dialogue =
        compile("[{\"expect_regex\":\"hello (?<who>[a-z]+)(!)?\"},{\"expect_regex\":\"(x)(.)\"},"
                "{\"send\":\"a\\\\2\\\\g{who}\\\\\\\\1\\\\1\"},{\"send\":\"\\u00fc\"},"
                "{\"send_hex\":\"00fF5c\"},{\"send\":\"\"}]");
    CLEANUP(buf_clear_p) struct buf scratch = {0};
    struct dialogue_caught caught = {0};
    struct dialogue_progress progress = {0};

    (void)state;
    assert_int_equal(dialogue->captures.len, 3);
    assert_int_equal(
        dialogue_match(&dialogue->steps.items[0], STR("hello bob\n"), false, &progress),
        DIALOGUE_MATCH);
    assert_true(dialogue_keep(dialogue, 0, &progress.groups, &caught));
    progress = (struct dialogue_progress){0};
    assert_int_equal(dialogue_match(&dialogue->steps.items[1], STR("xy\n"), false, &progress),
                     DIALOGUE_MATCH);
    assert_true(dialogue_keep(dialogue, 1, &progress.groups, &caught));

    assert_true(str_equal(sent(dialogue, 2, &caught, &scratch), STR("aybob\\1x")));
    assert_true(str_equal(sent(dialogue, 3, &caught, &scratch), STR("\xc3\xbc")));
    assert_true(str_equal(sent(dialogue, 4, &caught, &scratch), STR("\x00\xff\\")));
    assert_true(str_is_empty(sent(dialogue, 5, &caught, &scratch)));
    buf_clear(&caught.bytes);
}

static void test_a_text_that_is_too_long_is_not_kept(void **state)
{
    AUTO(dialogue_free)
    struct dialogue *dialogue = compile("[{\"expect_regex\":\"(a+)\"},{\"send\":\"\\\\1\"}]");
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct dialogue_caught caught = {0};
    struct dialogue_progress progress = {0};

    (void)state;
    for (unsigned i = 0; i <= DIALOGUE_CAPTURE_BYTES_MAX; i++)
        buf_append_char(&text, 'a');
    buf_append_char(&text, '\n');
    assert_int_equal(dialogue_match(&dialogue->steps.items[0], buf_str(&text), false, &progress),
                     DIALOGUE_MATCH);
    assert_false(dialogue_keep(dialogue, 0, &progress.groups, &caught));
    buf_clear(&caught.bytes);
}

struct row {
    const char *received;
    bool at_end;
    enum dialogue_answer answer;
    size_t used;
};

static void assert_rows(const struct dialogue_step *step, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct dialogue_progress progress = {0};

        assert_int_equal(dialogue_match(step, str_of(rows[i].received), rows[i].at_end, &progress),
                         rows[i].answer);
        if (rows[i].answer == DIALOGUE_MATCH)
            assert_int_equal(progress.used, rows[i].used);
    }
}

#define ASSERT_ROWS(step, ...)                                                                     \
    assert_rows(step, (const struct row[]){__VA_ARGS__},                                           \
                ARRAY_LEN(((const struct row[]){__VA_ARGS__})))

static void test_lines_are_tried_one_by_one(void **state)
{
    AUTO(dialogue_free)
    struct dialogue *dialogue = compile(
        "[{\"expect_regex\":\"^2[0-9]$\"},{\"expect_regex\":\"^ok$\",\"skip_regex\":\"^#\"}]");

    (void)state;
    ASSERT_ROWS(&dialogue->steps.items[0], {"", false, DIALOGUE_MORE, 0},
                {"", true, DIALOGUE_MORE, 0}, {"25", false, DIALOGUE_MORE, 0},
                {"25", true, DIALOGUE_MATCH, 2}, {"25\n26\n", false, DIALOGUE_MATCH, 3},
                {"x\r\n\n25\r\n", false, DIALOGUE_MATCH, 8}, {"x\n25y\n", false, DIALOGUE_MORE, 0});
    ASSERT_ROWS(&dialogue->steps.items[1], {"# a\n# b\nok\n", false, DIALOGUE_MATCH, 11},
                {"# a\nno", false, DIALOGUE_MORE, 0},
                {"# a\nno\nok\n", false, DIALOGUE_MISMATCH, 0});
}

static void test_a_line_goes_on_where_it_stopped(void **state)
{
    AUTO(dialogue_free) struct dialogue *dialogue = compile("[{\"expect_regex\":\"^end$\"}]");
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct dialogue_progress progress = {0};
    unsigned calls = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        buf_append_text(&text, "x\n");
    buf_append_text(&text, "end\n");
    while (dialogue_match(&dialogue->steps.items[0], buf_str(&text), false, &progress) ==
           DIALOGUE_AGAIN)
        calls++;
    assert_int_equal(calls, 1000 / 64);
    assert_int_equal(progress.used, text.len);
}

static void test_the_whole_is_tried_together(void **state)
{
    AUTO(dialogue_free)
    struct dialogue *dialogue = compile(
        "[{\"expect_regex\":\"b.*c\",\"match\":\"buffer\"},{\"expect_regex\":\"\",\"match\":"
        "\"buffer\"},{\"expect_regex\":\"^(a|a?)+(a|b?)+$(?<!a)\",\"match\":\"buffer\"}]");
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct dialogue_progress progress = {0};

    (void)state;
    ASSERT_ROWS(&dialogue->steps.items[0], {"ab", true, DIALOGUE_MORE, 0},
                {"abxc\n", false, DIALOGUE_MATCH, 4});
    ASSERT_ROWS(&dialogue->steps.items[1], {"", false, DIALOGUE_MORE, 0},
                {"a", false, DIALOGUE_MATCH, 0});
    for (unsigned i = 0; i < DIALOGUE_BUFFER_BYTES; i++)
        buf_append_char(&text, 'a');
    assert_int_equal(dialogue_match(&dialogue->steps.items[0], buf_str(&text), false, &progress),
                     DIALOGUE_FULL);
    assert_int_equal(dialogue_match(&dialogue->steps.items[2], buf_str(&text), false, &progress),
                     DIALOGUE_COSTLY);
}

static void test_a_line_without_end_fills_the_buffer(void **state)
{
    AUTO(dialogue_free) struct dialogue *dialogue = compile("[{\"expect_regex\":\"a\"}]");
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct dialogue_progress progress = {0};

    (void)state;
    for (unsigned i = 0; i < DIALOGUE_BUFFER_BYTES; i++)
        buf_append_char(&text, 'a');
    assert_int_equal(dialogue_match(&dialogue->steps.items[0], buf_str(&text), false, &progress),
                     DIALOGUE_FULL);
}

static void test_bytes_have_to_be_the_same(void **state)
{
    AUTO(dialogue_free) struct dialogue *dialogue = compile("[{\"expect_bytes_hex\":\"616263\"}]");

    (void)state;
    ASSERT_ROWS(&dialogue->steps.items[0], {"a", false, DIALOGUE_MORE, 0},
                {"ax", false, DIALOGUE_MISMATCH, 0}, {"abc", false, DIALOGUE_MATCH, 3},
                {"abcd", false, DIALOGUE_MATCH, 3});
}

static void test_replies_of_our_own_tables(void **state)
{
    AUTO(dialogue_free) struct dialogue *dialogue = dialogue_new_empty();
    const struct dialogue_step *step;

    (void)state;
    dialogue_add_expect(dialogue, &(struct dialogue_expectation){
                                      .what = "the reply",
                                      .by_line = true,
                                      .expected = "^2 ",
                                      .opening = "^2-",
                                      .shown = "^2[ -]TLS$",
                                      .missing = "no TLS",
                                  });
    step = &dialogue->steps.items[0];
    ASSERT_ROWS(step, {"2 TLS\n", false, DIALOGUE_MATCH, 6},
                {"2-TLS\nanything\n2 end\n", false, DIALOGUE_MATCH, 21},
                {"2 end\n", false, DIALOGUE_MISSING, 0},
                {"anything\n", false, DIALOGUE_MISMATCH, 0});
    assert_string_equal(step->what, "the reply");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_that_do_not_belong_together_are_named),
        cmocka_unit_test(test_too_many_groups_are_refused),
        cmocka_unit_test(test_what_was_caught_is_sent_again),
        cmocka_unit_test(test_a_text_that_is_too_long_is_not_kept),
        cmocka_unit_test(test_lines_are_tried_one_by_one),
        cmocka_unit_test(test_a_line_goes_on_where_it_stopped),
        cmocka_unit_test(test_the_whole_is_tried_together),
        cmocka_unit_test(test_a_line_without_end_fills_the_buffer),
        cmocka_unit_test(test_bytes_have_to_be_the_same),
        cmocka_unit_test(test_replies_of_our_own_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
