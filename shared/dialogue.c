/*
 * Two halves: steps are compiled (JSON or our own tables), and what has come is judged by one of them.
 * References to what was caught are resolved here to slots, so a run has only to fill and copy them.
 */
#include "shared/dialogue.h"

#include <assert.h>
#include <ctype.h>

#include "shared/json.h"

#define LINES_PER_CALL 64 /* each may cost up to the bound of an expression */

#define REFERENCE_FORMS "\\1 to \\9, \\g{name} or \\\\"

/* ---- life ---- */

struct dialogue *dialogue_new_empty(void)
{
    return NEW(struct dialogue);
}

static void clear_step(struct dialogue_step *step)
{
    buf_clear(&step->bytes);
    vec_clear(&step->pieces);
    regex_free(step->expected);
    regex_free(step->opening);
    regex_free(step->skip);
    regex_free(step->shown);
    regex_free(step->refusal);
}

void dialogue_free(struct dialogue *dialogue)
{
    if (!dialogue)
        return;
    for (size_t i = 0; i < dialogue->steps.len; i++)
        clear_step(&dialogue->steps.items[i]);
    vec_clear(&dialogue->steps);
    vec_clear(&dialogue->captures);
    free(dialogue);
}

static struct dialogue_step *add_step(struct dialogue *dialogue, enum dialogue_verb verb)
{
    vec_push(&dialogue->steps, (struct dialogue_step){
                                   .verb = verb,
                                   .mismatch = OUTCOME_ASSERT_FAILED,
                                   .refused = OUTCOME_ASSERT_FAILED,
                               });
    return &dialogue->steps.items[dialogue->steps.len - 1];
}

/* ---- texts with references ---- */

/* What reads one step of a JSON list. */
struct reader {
    struct dialogue *dialogue;
    const char *pointer; /* of the list */
    json_t **errors;
    size_t at;
};

static void complain(struct reader *reader, const char *field, const char *code, const char *format,
                     ...) PRINTF(4, 5);

static void complain(struct reader *reader, const char *field, const char *code, const char *format,
                     ...)
{
    CLEANUP(buf_clear_p) struct buf pointer = {0};
    CLEANUP(buf_clear_p) struct buf detail = {0};
    va_list arguments;

    buf_printf(&pointer, "%s/%zu/%s", reader->pointer, reader->at, field);
    va_start(arguments, format);
    buf_vprintf(&detail, format, arguments);
    va_end(arguments);
    json_add_error(reader->errors, pointer.data, code, "%s", detail.data);
}

/* The nearest expression before the step that has the group: by number, or by name when that is
 * not empty. -1 when there is none; `ret_group` is its number then. */
static int find_group(const struct reader *reader, struct str name, unsigned *ret_group)
{
    const struct dialogue *dialogue = reader->dialogue;

    for (size_t i = reader->at; i-- > 0;) {
        const struct regex *regex = dialogue->steps.items[i].expected;

        if (!regex)
            continue;
        if (name.len > 0)
            *ret_group = regex_group_number(regex, name);
        if (name.len == 0 && *ret_group > regex_group_count(regex))
            return -1;
        if (*ret_group > 0)
            return (int)i;
    }
    return -1;
}

/* The slot of a group, made when it is the first reference to it; -1 when there are too many. */
static int slot_of(struct dialogue *dialogue, size_t step, unsigned group)
{
    for (size_t i = 0; i < dialogue->captures.len; i++) {
        if (dialogue->captures.items[i].step == step && dialogue->captures.items[i].group == group)
            return (int)i;
    }
    if (dialogue->captures.len == DIALOGUE_CAPTURES_MAX)
        return -1;
    vec_push(&dialogue->captures, (struct dialogue_capture){step, group});
    return (int)dialogue->captures.len - 1;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The name of "g{name}…"; empty when it has not this form. */
static struct str name_of(struct str text)
{
    size_t len = 0;

    if (!str_starts_with(text, STR("g{")))
        return STR("");
    while (2 + len < text.len && is_name_char(text.ptr[2 + len]))
        len++;
    return 2 + len < text.len && text.ptr[2 + len] == '}' ? str_sub(text, 2, len) : STR("");
}

/* Resolves the reference that `text`, behind a backslash, begins with. Returns how long it is; 0 when
 * it is wrong, which has been said. */
static size_t read_reference(struct reader *reader, struct str text, int *ret_capture)
{
    struct str name = name_of(text);
    bool is_number = text.len > 0 && text.ptr[0] >= '1' && text.ptr[0] <= '9';
    size_t len = name.len > 0 ? name.len + 3 : 1;
    unsigned group = is_number ? (unsigned)(text.ptr[0] - '0') : 0;
    int step;

    if (name.len == 0 && !is_number) {
        complain(reader, "send", "reference_malformed",
                 "After a backslash stands one of " REFERENCE_FORMS
                 "; a backslash itself is written "
                 "as two.");
        return 0;
    }
    step = find_group(reader, name, &group);
    if (step < 0) {
        complain(reader, "send", "reference_unknown",
                 is_number ? "\\%.*s: the nearest expression before this step has no such group."
                           : "\\%.*s: no expression before this step has such a group.",
                 (int)len, text.ptr);
        return 0;
    }
    if (group >= REGEX_GROUPS_MAX) {
        complain(reader, "send", "reference_unknown",
                 "\\" STR_FMT " is group %u of its expression; the first %d can be sent.", (int)len,
                 text.ptr, group, REGEX_GROUPS_MAX - 1);
        return 0;
    }
    *ret_capture = slot_of(reader->dialogue, (size_t)step, group);
    if (*ret_capture < 0) {
        complain(reader, "send", "reference_too_many",
                 "More than %d different groups are sent in these steps.", DIALOGUE_CAPTURES_MAX);
        return 0;
    }
    return len;
}

static void add_piece(struct dialogue_step *step, size_t from, size_t len, int capture)
{
    vec_push(&step->pieces, (struct dialogue_piece){from, len, capture});
}

/* Adds literal bytes; two such pieces beside each other do no harm. */
static void add_bytes(struct dialogue_step *step, const char *bytes, size_t len)
{
    if (len == 0)
        return;
    add_piece(step, step->bytes.len, len, -1);
    buf_append(&step->bytes, bytes, len);
}

static void read_send(struct reader *reader, struct str text)
{
    struct dialogue_step *step = &reader->dialogue->steps.items[reader->at];

    while (text.len > 0) {
        const char *backslash = memchr(text.ptr, '\\', text.len);
        size_t plain = backslash ? (size_t)(backslash - text.ptr) : text.len;
        int capture = -1;
        size_t len;

        add_bytes(step, text.ptr, plain);
        text = str_sub(text, plain + (backslash ? 1 : 0), text.len);
        if (!backslash)
            return;
        if (text.len > 0 && text.ptr[0] == '\\') {
            add_bytes(step, "\\", 1);
            text = str_sub(text, 1, text.len);
            continue;
        }
        len = read_reference(reader, text, &capture);
        if (len == 0)
            return;
        add_piece(step, 0, 0, capture);
        step->has_captures = true;
        text = str_sub(text, len, text.len);
    }
}

/* ---- other steps ---- */

/* NULL for NULL; that it compiles, the schema has seen or we know. */
static struct regex *regex_of(const char *pattern)
{
    struct regex *regex = NULL;
    enum err err = pattern ? regex_new(str_of(pattern), &regex) : OK;

    assert(err == OK);
    return regex;
}

static void read_expect(struct reader *reader, const json_t *json)
{
    struct dialogue_step *step = &reader->dialogue->steps.items[reader->at];

    step->by_line = strcmp(json_text(json, "match", "line"), "line") == 0;
    step->expected = regex_of(json_text(json, "expect_regex", NULL));
    step->skip = regex_of(json_text(json, "skip_regex", NULL));
    if (step->skip && !step->by_line)
        complain(reader, "skip_regex", "not_by_line",
                 "Lines can only be skipped where \"match\" is \"line\".");
}

/* The field that says what a step does; the schema has seen that there is just one. */
static const struct {
    const char *field;
    enum dialogue_verb verb;
} verbs[] = {
    {"send", DIALOGUE_SEND},           {"send_hex", DIALOGUE_SEND},
    {"expect_regex", DIALOGUE_EXPECT}, {"expect_bytes_hex", DIALOGUE_EXPECT_BYTES},
    {"starttls", DIALOGUE_START_TLS},  {"half_close", DIALOGUE_HALF_CLOSE},
};

/* What comes too late: after TLS was started, or after our side was closed. */
static void check_order(struct reader *reader, const char *field, enum dialogue_verb verb)
{
    struct dialogue *dialogue = reader->dialogue;

    if (verb == DIALOGUE_START_TLS && dialogue->has_start_tls)
        complain(reader, field, "too_late", "TLS can be started once only.");
    if (dialogue->has_half_close && verb != DIALOGUE_EXPECT && verb != DIALOGUE_EXPECT_BYTES)
        complain(reader, field, "too_late", "After half_close nothing can be sent any more.");
    dialogue->has_start_tls |= verb == DIALOGUE_START_TLS;
    dialogue->has_half_close |= verb == DIALOGUE_HALF_CLOSE;
}

static void read_step(struct reader *reader, const json_t *json)
{
    struct dialogue_step *step;
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(verbs) && !json_has(json, verbs[i].field))
        i++;
    check_order(reader, verbs[i].field, verbs[i].verb);
    step = add_step(reader->dialogue, verbs[i].verb);
    step->timeout_ms = (uint32_t)json_integer_or(json, "timeout_ms", 0);
    buf_append_hex(&step->bytes, json_text(json, "send_hex", ""));
    buf_append_hex(&step->bytes, json_text(json, "expect_bytes_hex", ""));
    if (verbs[i].verb == DIALOGUE_EXPECT)
        read_expect(reader, json);
    else
        read_send(reader, str_of(json_text(json, "send", "")));
}

struct dialogue *dialogue_new(const json_t *steps, const char *pointer, json_t **errors)
{
    AUTO(dialogue_free) struct dialogue *dialogue = dialogue_new_empty();
    struct reader reader = {dialogue, pointer, errors, 0};
    size_t before = json_array_size(*errors);

    for (; reader.at < json_array_size(steps); reader.at++)
        read_step(&reader, json_array_get(steps, reader.at));
    return json_array_size(*errors) == before ? TAKE(dialogue) : NULL;
}

void dialogue_add_send(struct dialogue *dialogue, struct str text)
{
    buf_append_str(&add_step(dialogue, DIALOGUE_SEND)->bytes, text);
}

void dialogue_add_start_tls(struct dialogue *dialogue)
{
    add_step(dialogue, DIALOGUE_START_TLS);
    dialogue->has_start_tls = true;
}

void dialogue_add_expect(struct dialogue *dialogue, const struct dialogue_expectation *expectation)
{
    struct dialogue_step *step = add_step(dialogue, DIALOGUE_EXPECT);

    step->what = expectation->what;
    step->by_line = expectation->by_line;
    step->expected = regex_of(expectation->expected);
    step->opening = regex_of(expectation->opening);
    step->skip = regex_of(expectation->skip);
    step->shown = regex_of(expectation->shown);
    step->refusal = regex_of(expectation->refusal);
    step->missing = expectation->missing;
    step->mismatch = expectation->mismatch;
    step->refused = expectation->refused;
}

/* ---- deciding ---- */

/* What a line that is not the expected one means. */
static enum dialogue_answer judge_other_line(const struct dialogue_step *step,
                                             const struct dialogue_progress *progress)
{
    const struct regex *allowed =
        progress->line_at == 0 && step->opening ? step->opening : step->skip;

    if (!allowed)
        return DIALOGUE_MORE;
    switch (regex_match(allowed, progress->line)) {
    case REGEX_MATCH:
        return DIALOGUE_MORE;
    case REGEX_NO_MATCH:
        return DIALOGUE_MISMATCH;
    case REGEX_LIMIT:
        break;
    }
    return DIALOGUE_COSTLY;
}

static enum dialogue_answer judge_line(const struct dialogue_step *step,
                                       struct dialogue_progress *progress)
{
    if (step->shown && regex_match(step->shown, progress->line) == REGEX_MATCH)
        progress->is_shown = true;
    switch (regex_find(step->expected, progress->line, &progress->groups)) {
    case REGEX_MATCH:
        return step->shown && !progress->is_shown ? DIALOGUE_MISSING : DIALOGUE_MATCH;
    case REGEX_NO_MATCH:
        return judge_other_line(step, progress);
    case REGEX_LIMIT:
        break;
    }
    return DIALOGUE_COSTLY;
}

static enum dialogue_answer more(struct str received)
{
    return received.len >= DIALOGUE_BUFFER_BYTES ? DIALOGUE_FULL : DIALOGUE_MORE;
}

static enum dialogue_answer match_lines(const struct dialogue_step *step, struct str received,
                                        bool at_end, struct dialogue_progress *progress)
{
    for (unsigned lines = 0; lines < LINES_PER_CALL; lines++) {
        struct str rest = str_sub(received, progress->line_at, received.len);
        const char *end = rest.len > 0 ? memchr(rest.ptr, '\n', rest.len) : NULL;
        enum dialogue_answer answer;

        if (!end && (!at_end || rest.len == 0))
            return more(received);
        progress->line = end ? str_n(rest.ptr, (size_t)(end - rest.ptr)) : rest;
        progress->used = progress->line_at + progress->line.len + (end ? 1 : 0);
        if (end && progress->line.len > 0 && end[-1] == '\r')
            progress->line.len--;
        answer = judge_line(step, progress);
        if (answer != DIALOGUE_MORE)
            return answer;
        progress->line_at = progress->used;
    }
    return DIALOGUE_AGAIN;
}

static enum dialogue_answer match_whole(const struct dialogue_step *step, struct str received,
                                        struct dialogue_progress *progress)
{
    const struct str *whole = &progress->groups.texts[0];

    progress->line = received;
    switch (regex_find(step->expected, received, &progress->groups)) {
    case REGEX_MATCH:
        progress->used = whole->ptr ? (size_t)(whole->ptr - received.ptr) + whole->len : 0;
        return DIALOGUE_MATCH;
    case REGEX_NO_MATCH:
        return more(received);
    case REGEX_LIMIT:
        break;
    }
    return DIALOGUE_COSTLY;
}

static enum dialogue_answer match_bytes(const struct dialogue_step *step, struct str received,
                                        struct dialogue_progress *progress)
{
    struct str wanted = buf_str(&step->bytes);

    progress->line = str_sub(received, 0, wanted.len);
    if (!str_starts_with(wanted, progress->line))
        return DIALOGUE_MISMATCH;
    progress->used = wanted.len;
    return received.len >= wanted.len ? DIALOGUE_MATCH : DIALOGUE_MORE;
}

enum dialogue_answer dialogue_match(const struct dialogue_step *step, struct str received,
                                    bool at_end, struct dialogue_progress *progress)
{
    if (received.len == 0)
        return DIALOGUE_MORE;
    if (step->verb == DIALOGUE_EXPECT_BYTES)
        return match_bytes(step, received, progress);
    assert(step->verb == DIALOGUE_EXPECT);
    return step->by_line ? match_lines(step, received, at_end, progress)
                         : match_whole(step, received, progress);
}

bool dialogue_keep(const struct dialogue *dialogue, size_t at, const struct regex_groups *groups,
                   struct dialogue_caught *caught)
{
    for (size_t i = 0; i < dialogue->captures.len; i++) {
        const struct dialogue_capture *capture = &dialogue->captures.items[i];
        struct str text;

        if (capture->step != at)
            continue;
        text = groups->texts[capture->group];
        if (text.len > DIALOGUE_CAPTURE_BYTES_MAX)
            return false;
        caught->texts[i].from = (uint32_t)caught->bytes.len;
        caught->texts[i].len = (uint32_t)text.len;
        buf_append_str(&caught->bytes, text);
    }
    return true;
}

struct str dialogue_text(const struct dialogue_step *step, const struct dialogue_caught *caught,
                         struct buf *scratch)
{
    if (!step->has_captures)
        return buf_str(&step->bytes);
    buf_reset(scratch);
    for (size_t i = 0; i < step->pieces.len; i++) {
        const struct dialogue_piece *piece = &step->pieces.items[i];

        if (piece->capture < 0)
            buf_append(scratch, step->bytes.data + piece->from, piece->len);
        else if (caught->texts[piece->capture].len > 0)
            buf_append(scratch, caught->bytes.data + caught->texts[piece->capture].from,
                       caught->texts[piece->capture].len);
    }
    return buf_str(scratch);
}
