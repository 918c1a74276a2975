/* PCRE2 behind our bounds: what a match may cost is limited in steps, depth and memory, so no
 * pattern can hang us. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "shared/regex.h"

#include <pcre2.h>

#include "shared/mem.h"

#define MATCH_LIMIT    200000 /* steps of the matcher: about 10 ms here */
#define DEPTH_LIMIT    10000
#define HEAP_LIMIT_KIB 4096

#define REGEX_NAME_BYTES 33 /* PCRE2 allows 32 characters */

struct regex {
    pcre2_code *code;
    pcre2_match_context *limits; /* constant after regex_new() */
};

enum err regex_new(struct str pattern, struct regex **ret_regex)
{
    struct regex *regex;
    pcre2_code *code;
    PCRE2_SIZE offset = 0;
    int error = 0;

    if (pattern.len > REGEX_BYTES_MAX)
        return fail(ERR_INVALID, "regex_invalid", "The pattern is longer than %d bytes.",
                    REGEX_BYTES_MAX);
    /* MATCH_INVALID_UTF: what targets send is not always UTF-8. NEVER_BACKSLASH_C: it would split
     * characters. */
    code = pcre2_compile((PCRE2_SPTR)(pattern.ptr ? pattern.ptr : ""), pattern.len,
                         PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &error,
                         &offset, NULL);
    if (!code && error == PCRE2_ERROR_HEAP_FAILED)
        out_of_memory(0);
    if (!code) {
        PCRE2_UCHAR reason[128] = {0};

        pcre2_get_error_message(error, reason, sizeof reason);
        return fail(ERR_INVALID, "regex_invalid", "%s at position %zu", (const char *)reason,
                    (size_t)offset);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without JIT it is merely slower */

    regex = NEW(struct regex);
    regex->code = code;
    regex->limits = pcre2_match_context_create(NULL);
    if (!regex->limits)
        out_of_memory(0);
    pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KIB);
    *ret_regex = regex;
    return OK;
}

void regex_free(struct regex *regex)
{
    if (!regex)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_code_free(regex->code);
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

enum regex_answer regex_find(const struct regex *regex, struct str text,
                             struct regex_groups *ret_groups)
{
    pcre2_match_data *data = pcre2_match_data_create(REGEX_GROUPS_MAX, NULL);
    const PCRE2_SIZE *ends;
    int matched;

    if (!data)
        out_of_memory(0);
    matched = pcre2_match(regex->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0, data,
                          regex->limits);
    ends = pcre2_get_ovector_pointer(data);
    *ret_groups = (struct regex_groups){0};
    for (int i = 0; i < (matched == 0 ? REGEX_GROUPS_MAX : matched); i++) {
        /* \K in a lookahead makes a match that begins after its end */
        if (ends[2 * i] != PCRE2_UNSET && ends[2 * i] <= ends[2 * i + 1])
            ret_groups->texts[i] = str_sub(text, ends[2 * i], ends[2 * i + 1] - ends[2 * i]);
    }
    pcre2_match_data_free(data);
    if (matched == PCRE2_ERROR_NOMEMORY)
        out_of_memory(0);
    if (matched >= 0)
        return REGEX_MATCH;
    return matched == PCRE2_ERROR_NOMATCH ? REGEX_NO_MATCH : REGEX_LIMIT;
}

enum regex_answer regex_match(const struct regex *regex, struct str text)
{
    struct regex_groups groups;

    return regex_find(regex, text, &groups);
}
