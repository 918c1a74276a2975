/*
 * Assertions about a JSON document in jq's language, such as `.status == "ok"` or
 * `.items | length > 2`. The usual ones are evaluated here, at the cost of parsing the document;
 * all others are for libjq, in a process of its own (shared/jq.h).
 *
 * Here: `.`, `.a`, `."a b"`, `.["a"]`, `.[0]` and chains of them, JSON values as constants, the
 * filters `length`, `not` and `has("a")`, comparisons, `and`, `or`, `|`, parentheses. The answer is
 * jq's, but that integers of up to 64 bits are compared exactly where jq compares doubles. Not
 * taken, with a stated answer: documents of more than JSON_MAX_DEPTH levels or JSON_MAX_VALUES
 * values, real numbers that no double can hold, lone surrogates. Of keys that come twice the last
 * counts, as in jq.
 *
 * An assertion holds when it gives at least one value, and neither false nor null among them.
 *
 * Thread: any; an assertion may be used by several threads at once.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/err.h"
#include "shared/str.h"

#define JSON_ASSERT_BYTES_MAX    4096        /* of a program */
#define JSON_ASSERT_REASON_BYTES 200         /* of what is said about an answer */
#define JSON_ASSERT_QUICK_BYTES  (64 * 1024) /* of a document that is parsed on a loop */

struct json_assert;

enum json_answer {
    JSON_ANSWER_TRUE,
    JSON_ANSWER_FALSE, /* the reason says what it gave */
    JSON_ANSWER_ERROR, /* it cannot be evaluated for this document: jq's error */
    JSON_ANSWER_LIMIT, /* document or evaluation are beyond a bound */
    JSON_ANSWER_LOST,  /* there is none, for a reason that lies with this machine */
};

/* Compiles a program. One for libjq is looked through for what it may not use, no more: whether jq
 * understands it, jq_check() of shared/jq_check.h says.
 * @return ERR_INVALID "jq_invalid" with the reason. */
MUST_USE enum err json_assert_new(struct str program, struct json_assert **ret_assert);
void json_assert_free(struct json_assert *assertion);

DEFINE_AUTO(struct json_assert *, json_assert_free);

/* True when json_assert_holds() evaluates it; false when it is for libjq. */
bool json_assert_is_simple(const struct json_assert *assertion);

/* Whether it may be evaluated on an event loop, where it takes some ms at most; all else is for
 * jq_ask() of shared/jq.h. */
bool json_assert_is_quick(const struct json_assert *assertion, struct str document);

/* The program as it was given; borrowed. */
struct str json_assert_program(const struct json_assert *assertion);

/* Evaluates a simple assertion.
 * @param ret_reason what it gave, or what is wrong; appended, at most JSON_ASSERT_REASON_BYTES. */
enum json_answer json_assert_holds(const struct json_assert *assertion, struct str document,
                                   struct buf *ret_reason);

/* The value that a simple assertion gives; yours. NULL when it is an error, with the reason. */
json_t *json_assert_value(const struct json_assert *assertion, json_t *document,
                          struct buf *ret_reason);

/* Parses a document as assertions take it.
 * @return ERR_INVALID "json_malformed", ERR_LIMITED "json_too_large". */
MUST_USE enum err json_assert_parse(struct str text, json_t **ret_document);
