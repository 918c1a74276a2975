/*
 * A dialogue's compiler and its judging. Input: lines that say a step each, an empty line, and then
 * what the other side sends; the first byte says where that is cut. Whole and cut in two have to end
 * alike where all steps go by line or by bytes, no view may leave what was given, and nothing that is
 * sent may be longer than its text and what was caught.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>

#include "shared/dialogue.h"
#include "shared/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SENT_BYTES_MAX (4096 + 4096 * DIALOGUE_CAPTURE_BYTES_MAX)

struct course {
    size_t step; /* where it stopped */
    enum dialogue_answer answer;
    size_t sent_bytes;
};

/* ---- the steps ---- */

static bool is_hex(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isxdigit((unsigned char)text.ptr[i]))
            return false;
    }
    return text.len > 0 && text.len % 2 == 0;
}

static bool is_regex(struct str text)
{
    struct regex *regex;

    if (regex_new(text, &regex) != OK) {
        failure_clear();
        return false;
    }
    regex_free(regex);
    return true;
}

static json_t *text_step(const char *field, struct str text)
{
    return json_pack("{s:s%}", field, text.ptr ? text.ptr : "", text.len);
}

/* The step that a line says; NULL when its schema would not accept it. */
static json_t *step_of(struct str line)
{
    struct str text = str_sub(line, 1, line.len);
    json_t *step;

    if (line.len == 0 || memchr(line.ptr, '\0', line.len) || !str_is_utf8(line))
        return NULL;
    switch (line.ptr[0]) {
    case 's':
        return text_step("send", text);
    case 'h':
        return is_hex(text) ? text_step("send_hex", text) : NULL;
    case 'b':
        return is_hex(text) ? text_step("expect_bytes_hex", text) : NULL;
    case 't':
        return json_pack("{s:b}", "starttls", 1);
    case 'c':
        return json_pack("{s:b}", "half_close", 1);
    default:
        if (!is_regex(text))
            return NULL;
        step = text_step("expect_regex", text);
        if (line.ptr[0] == 'w')
            json_object_set_new(step, "match", json_string("buffer"));
        if (line.ptr[0] == 'k')
            json_object_set_new(step, "skip_regex", json_string("^[#2]"));
        return step;
    }
}

/* Takes the lines up to the empty one off `input`. */
static json_t *read_steps(struct str *input)
{
    json_t *steps = json_array();

    while (input->len > 0 && json_array_size(steps) < DIALOGUE_STEPS_MAX) {
        struct str line = str_cut(input, '\n');
        json_t *step;

        if (line.len == 0)
            break;
        step = step_of(line);
        if (step)
            json_array_append_new(steps, step);
    }
    return steps;
}

static bool has_whole_step(const struct dialogue *dialogue)
{
    for (size_t i = 0; i < dialogue->steps.len; i++) {
        const struct dialogue_step *step = &dialogue->steps.items[i];

        if (step->verb == DIALOGUE_EXPECT && !step->by_line)
            return true;
    }
    return false;
}

/* ---- a run ---- */

static void assert_inside(struct str view, struct str input)
{
    assert(view.len == 0 ||
           (view.ptr >= input.ptr && view.ptr + view.len <= input.ptr + input.len));
}

/* Asks until the step has decided on what is there. */
static enum dialogue_answer ask(const struct dialogue_step *step, struct str received, bool at_end,
                                struct dialogue_progress *progress)
{
    enum dialogue_answer answer;
    size_t line_at;

    do {
        line_at = progress->line_at;
        answer = dialogue_match(step, received, at_end, progress);
        assert(answer != DIALOGUE_AGAIN || progress->line_at > line_at);
    } while (answer == DIALOGUE_AGAIN);
    if (answer == DIALOGUE_MATCH) {
        assert(progress->used <= received.len);
        for (size_t i = 0; i < REGEX_GROUPS_MAX; i++)
            assert_inside(progress->groups.texts[i], received);
    }
    if (answer != DIALOGUE_MORE && answer != DIALOGUE_FULL)
        assert_inside(progress->line, received);
    return answer;
}

static struct course run(const struct dialogue *dialogue, struct str input, size_t cut)
{
    struct course course = {.answer = DIALOGUE_MATCH};
    struct dialogue_caught caught = {0};
    CLEANUP(buf_clear_p) struct buf scratch = {0};
    struct dialogue_progress progress;
    size_t from = 0; /* what is before is used up */

    while (course.answer == DIALOGUE_MATCH && course.step < dialogue->steps.len) {
        const struct dialogue_step *step = &dialogue->steps.items[course.step];

        progress = (struct dialogue_progress){0};
        if (step->verb == DIALOGUE_SEND)
            course.sent_bytes += dialogue_text(step, &caught, &scratch).len;
        if (step->verb == DIALOGUE_EXPECT || step->verb == DIALOGUE_EXPECT_BYTES) {
            size_t end = MIN(MAX(cut, from), from + DIALOGUE_BUFFER_BYTES);

            course.answer = ask(step, str_sub(input, from, end - from), false, &progress);
            end = MIN(input.len, from + DIALOGUE_BUFFER_BYTES);
            if (course.answer == DIALOGUE_MORE)
                course.answer =
                    ask(step, str_sub(input, from, end - from), end == input.len, &progress);
            if (course.answer == DIALOGUE_MATCH) {
                from += progress.used;
                if (!dialogue_keep(dialogue, course.step, &progress.groups, &caught))
                    break;
            }
        }
        if (course.answer == DIALOGUE_MATCH)
            course.step++;
    }
    assert(course.sent_bytes <= dialogue->steps.len * SENT_BYTES_MAX);
    buf_clear(&caught.bytes);
    return course;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    JSON_AUTO json_t *steps = NULL;
    JSON_AUTO json_t *errors = NULL;
    AUTO(dialogue_free) struct dialogue *dialogue = NULL;
    struct str input;
    struct course whole;
    struct course split;

    if (size < 2 || size > 65536)
        return 0;
    input = str_n((const char *)data + 1, size - 1);
    steps = read_steps(&input);
    dialogue = dialogue_new(steps, "", &errors);
    assert((dialogue == NULL) == (errors != NULL));
    if (!dialogue || !input.ptr)
        return 0;

    whole = run(dialogue, input, input.len);
    if (has_whole_step(dialogue))
        return 0;
    split = run(dialogue, input, data[0] * input.len / 256);
    assert(whole.step == split.step);
    assert(whole.answer == split.answer);
    assert(whole.sent_bytes == split.sent_bytes);
    return 0;
}
