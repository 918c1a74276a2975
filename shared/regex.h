/*
 * Regular expressions: PCRE2 with JIT, UTF, and a bound on the time that a match may take, whatever
 * the pattern and the text. The only file that includes PCRE2.
 *
 * Thread: any; a compiled expression may be used by several threads at once.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"

#define REGEX_BYTES_MAX 4096

/* What a match may take of the processor, so that a busy machine does not end one that is not
 * costly; a few scans of a large text may come on top. */
#define REGEX_TIME_US 50000

struct regex;

enum regex_answer {
    REGEX_MATCH,
    REGEX_NO_MATCH,
    REGEX_LIMIT, /* the match was given up at its bound */
};

/* The bound of several matches together; zeroed: nothing is used up. */
struct regex_time {
    int64_t cpu_until_us; /* of the thread's processor time; 0: not begun */
    int64_t look_at_us;   /* by the wall clock it is not over before that */
};

/* Compiles a pattern. @return ERR_INVALID "regex_invalid" with the place and the reason. */
MUST_USE enum err regex_new(struct str pattern, struct regex **ret_regex);

void regex_free(struct regex *regex);

DEFINE_AUTO(struct regex *, regex_free);

/* How many groups the pattern has. */
unsigned regex_group_count(const struct regex *regex);

/* The number of a group by its name; 0 when there is none. */
unsigned regex_group_number(const struct regex *regex, struct str name);

/* Whether the pattern matches anywhere in the text. Bytes that are not UTF-8 match nothing but do
 * no harm. */
enum regex_answer regex_match(const struct regex *regex, struct str text);

/* The same, within what others have left of `time`. */
enum regex_answer regex_match_within(const struct regex *regex, struct str text,
                                     struct regex_time *time);

/* What the groups of a match have caught: views into the text, empty for those that took no part.
 * The first is the whole match. */
#define REGEX_GROUPS_MAX 10

struct regex_groups {
    struct str texts[REGEX_GROUPS_MAX];
};

/* As regex_match(); on a match `ret_groups` has the whole and the groups 1 to 9. */
enum regex_answer regex_find(const struct regex *regex, struct str text,
                             struct regex_groups *ret_groups);
