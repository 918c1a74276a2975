/*
 * PCRE2 behind our bounds. No count of steps says how long a match takes, because one step may scan
 * the whole text; so it is the time that is bounded, looked at in callouts. Almost all matches end
 * in the quick way: a callout at each place where the match is tried, and so few steps for each that
 * they cannot last. What needs more is tried again in the careful way, with a callout before every
 * item of the pattern, which costs ten times as much.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "shared/regex.h"

#include <pcre2.h>
#include <time.h>

#include "shared/buf.h"
#include "shared/mem.h"

#define CALLOUT "(?C1)"

/* Steps times bytes of the text in one try of the quick way: about 30 ms where each step scans the
 * whole text. */
#define QUICK_WORK        25000000
#define CAREFUL_STEPS_MAX 10000000 /* more than the time allows */
#define HEAP_LIMIT_KIB    4096
#define STACK_BYTES_FIRST (32 * 1024)
#define STACK_BYTES_MAX   (1024 * 1024)

#define REGEX_NAME_BYTES 33 /* PCRE2 allows 32 characters */

/* UTF, also where the text is not: targets send what they like. NEVER_BACKSLASH_C: it would split
 * characters. */
#define COMPILE_OPTIONS (PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C)

struct regex {
    pcre2_code *code;
    char *pattern; /* for the careful way */
    size_t len;
};

/* ---- time ---- */

static int64_t read_clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void begin(struct regex_time *time)
{
    if (time->cpu_until_us != 0)
        return;
    time->cpu_until_us = read_clock_us(CLOCK_THREAD_CPUTIME_ID) + REGEX_TIME_US;
    time->look_at_us = read_clock_us(CLOCK_MONOTONIC_COARSE) + REGEX_TIME_US;
}

/* The processor's clock is a system call, so the coarse wall clock, which cannot be slower, says
 * when to look at it. */
static bool is_over(struct regex_time *time)
{
    int64_t wall_us = read_clock_us(CLOCK_MONOTONIC_COARSE);
    int64_t left_us;

    if (wall_us < time->look_at_us)
        return false;
    left_us = time->cpu_until_us - read_clock_us(CLOCK_THREAD_CPUTIME_ID);
    time->look_at_us = wall_us + left_us;
    return left_us <= 0;
}

static int on_callout(pcre2_callout_block *block, void *context)
{
    (void)block;
    return is_over(context) ? PCRE2_ERROR_CALLOUT : 0;
}

/* ---- compiling ---- */

/* The options at the start of a pattern, "(*ANYCRLF)" and so on, have to stay there. */
static size_t leading_options(struct str pattern)
{
    size_t at = 0;

    while (pattern.len - at > 2 && memcmp(pattern.ptr + at, "(*", 2) == 0) {
        const char *end = memchr(pattern.ptr + at, ')', pattern.len - at);

        if (!end)
            return at;
        at = (size_t)(end - pattern.ptr) + 1;
    }
    return at;
}

enum err regex_new(struct str pattern, struct regex **ret_regex)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    size_t options = leading_options(pattern);
    struct regex *regex;
    pcre2_code *code;
    PCRE2_SIZE offset = 0;
    int error = 0;

    if (pattern.len > REGEX_BYTES_MAX)
        return fail(ERR_INVALID, "regex_invalid", "The pattern is longer than %d bytes.",
                    REGEX_BYTES_MAX);
    buf_append_str(&text, str_sub(pattern, 0, options));
    buf_append_text(&text, CALLOUT);
    buf_append_str(&text, str_sub(pattern, options, pattern.len));
    code = pcre2_compile((PCRE2_SPTR)text.data, text.len, COMPILE_OPTIONS, &error, &offset, NULL);
    if (!code && error == PCRE2_ERROR_HEAP_FAILED)
        out_of_memory(0);
    if (!code) {
        PCRE2_UCHAR reason[128] = {0};

        pcre2_get_error_message(error, reason, sizeof reason);
        if (offset >= options + strlen(CALLOUT))
            offset -= strlen(CALLOUT);
        return fail(ERR_INVALID, "regex_invalid", "%s at position %zu", (const char *)reason,
                    (size_t)offset);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without JIT it is merely slower */

    regex = NEW(struct regex);
    regex->code = code;
    regex->pattern = str_dup(pattern);
    regex->len = pattern.len;
    *ret_regex = regex;
    return OK;
}

void regex_free(struct regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    free(regex->pattern);
    free(regex);
}

unsigned regex_group_count(const struct regex *regex)
{
    uint32_t count = 0;

    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &count);
    return count;
}

unsigned regex_group_number(const struct regex *regex, struct str name)
{
    char text[REGEX_NAME_BYTES];
    int number;

    if (name.len >= sizeof text)
        return 0;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    number = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)text);
    return number > 0 ? (unsigned)number : 0;
}

/* ---- matching ---- */

/* One match: what it may cost, and what is wanted of it. */
struct match {
    struct str text;
    struct regex_time *time;
    struct regex_groups *groups; /* NULL: they are of no interest */
};

static void take_groups(const struct match *match, pcre2_match_data *data, int count)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);

    *match->groups = (struct regex_groups){0};
    for (int i = 0; i < (count == 0 ? REGEX_GROUPS_MAX : count); i++) {
        /* \K in a lookahead makes a match that begins after its end */
        if (ends[2 * i] != PCRE2_UNSET && ends[2 * i] <= ends[2 * i + 1])
            match->groups->texts[i] =
                str_sub(match->text, ends[2 * i], ends[2 * i + 1] - ends[2 * i]);
    }
}

/* @param stack NULL: the machine's. */
static int run(const struct match *match, const pcre2_code *code, uint32_t steps_max,
               pcre2_jit_stack *stack)
{
    pcre2_match_data *data = pcre2_match_data_create(match->groups ? REGEX_GROUPS_MAX : 1, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    int matched;

    if (!data || !limits)
        out_of_memory(0);
    pcre2_set_match_limit(limits, steps_max);
    pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
    pcre2_set_callout(limits, on_callout, match->time);
    if (stack)
        pcre2_jit_stack_assign(limits, NULL, stack);
    matched = pcre2_match(code, (PCRE2_SPTR)(match->text.ptr ? match->text.ptr : ""),
                          match->text.len, 0, 0, data, limits);
    if (match->groups)
        take_groups(match, data, matched);
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    if (matched == PCRE2_ERROR_NOMEMORY)
        out_of_memory(0);
    return matched;
}

static int run_carefully(const struct match *match, const struct regex *regex)
{
    PCRE2_SIZE offset = 0;
    int error = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)regex->pattern, regex->len,
                                     COMPILE_OPTIONS | PCRE2_AUTO_CALLOUT, &error, &offset, NULL);
    pcre2_jit_stack *stack = pcre2_jit_stack_create(STACK_BYTES_FIRST, STACK_BYTES_MAX, NULL);
    int matched = PCRE2_ERROR_MATCHLIMIT;

    if (!code && error == PCRE2_ERROR_HEAP_FAILED)
        out_of_memory(0);
    /* A pattern may be too large with its callouts: then the quick way has said all. */
    if (code) {
        pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
        matched = run(match, code, CAREFUL_STEPS_MAX, stack);
    }
    pcre2_jit_stack_free(stack);
    pcre2_code_free(code);
    return matched;
}

static enum regex_answer find(const struct regex *regex, const struct match *match)
{
    size_t steps_max = (size_t)QUICK_WORK / (match->text.len + 1) + 1;
    int matched;

    begin(match->time);
    matched = run(match, regex->code, (uint32_t)steps_max, NULL);
    if (matched < 0 && matched != PCRE2_ERROR_NOMATCH && matched != PCRE2_ERROR_CALLOUT)
        matched = run_carefully(match, regex);
    if (matched >= 0)
        return REGEX_MATCH;
    return matched == PCRE2_ERROR_NOMATCH ? REGEX_NO_MATCH : REGEX_LIMIT;
}

enum regex_answer regex_match(const struct regex *regex, struct str text)
{
    struct regex_time time = {0};

    return find(regex, &(struct match){.text = text, .time = &time});
}

enum regex_answer regex_match_within(const struct regex *regex, struct str text,
                                     struct regex_time *time)
{
    return find(regex, &(struct match){.text = text, .time = time});
}

enum regex_answer regex_find(const struct regex *regex, struct str text,
                             struct regex_groups *ret_groups)
{
    struct regex_time time = {0};

    return find(regex, &(struct match){.text = text, .time = &time, .groups = ret_groups});
}
