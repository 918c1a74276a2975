/*
 * What a check expects of a reply: status, TLS version, headers, body. Pure: no probe, no clock but
 * that of expressions.
 *
 * Thread: made on any, then read by one loop.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/outcome.h"

#include "shared/buf.h"
#include "shared/http_parse.h"
#include "shared/json_assert.h"
#include "shared/regex.h"
#include "shared/status_list.h"
#include "shared/vec.h"

enum http_version { HTTP_ANY, HTTP_1_0, HTTP_1_1, HTTP_2 };

/* Of a header that comes several times, one value has to match `regex`, none `not_regex`. */
struct http_header_rule {
    char *name;
    bool is_absent;      /* it must not be there */
    struct regex *regex; /* NULL: it has to be there, unless something below is wanted */
    struct regex *not_regex;
};

struct http_expect {
    char *status_text;
    struct status_list status;
    struct status_list degraded; /* these warn */
    enum http_version http_version;
    uint16_t tls_version; /* TLS_1_…; 0: any, or none */
    VEC(struct http_header_rule) headers;
    char *body_contains; /* NULL: off, as the next three */
    char *body_not_contains;
    struct regex *body_regex;
    struct regex *body_not_regex;
    struct json_assert *json; /* NULL: off; judged by http_json.c */
};

/* What there is to judge. */
struct http_reply {
    unsigned status;
    enum http_version http_version;
    uint16_t tls_version; /* 0: it came in plain text */
    struct str headers;   /* as http_expect_keep_headers() left them */
    struct str body;
    bool is_cut; /* there was more of it */
};

/* "1.1"; "" for HTTP_ANY. */
const char *http_version_word(enum http_version version);

/* Reads a spec's `expect` (or NULL) that the schema has accepted; adds to `errors` what is still
 * wrong. */
void http_expect_read(struct http_expect *expect, const json_t *json, json_t **errors);
void http_expect_clear(struct http_expect *expect);

/* Whether the body has to be kept. */
bool http_expect_wants_body(const struct http_expect *expect);

/* Whether the check may take as long as expressions may. */
bool http_expect_is_costly(const struct http_expect *expect);

/* Appends what the rules are about of a head's fields, as lines. */
void http_expect_keep_headers(const struct http_expect *expect, const struct http_head *head,
                              struct buf *kept);

/* OUTCOME_OK when the reply fails in nothing; else what of it fails, with one sentence in `why`.
 * What merely warns is not looked at. */
enum outcome http_expect_check(const struct http_expect *expect, const struct http_reply *reply,
                               struct buf *why);
