/*
 * A reply is looked at in the order in which people would: status, TLS, headers, body. The first
 * thing that is wrong is told.
 */
#include "prober/kinds/http_expect.h"

#include <string.h>

#include "shared/http_text.h"
#include "shared/json.h"
#include "shared/tls.h"

#include "prober/kinds/http_mask.h"

#define QUOTED_BYTES_MAX 64

/* ---- reading ---- */

static struct regex *read_regex(const json_t *object, const char *key, const char *pointer,
                                json_t **errors)
{
    const char *pattern = json_text(object, key, NULL);
    struct regex *regex = NULL;

    if (pattern && regex_new(str_of(pattern), &regex) != OK) {
        CLEANUP(buf_clear_p) struct buf at = {0};

        buf_printf(&at, "%s/%s", pointer, key);
        json_add_error(errors, at.data, "regex_invalid", "%s", failure_last()->detail);
        failure_clear();
    }
    return regex;
}

static char *read_text(const json_t *object, const char *key)
{
    const char *text = json_text(object, key, NULL);

    return text ? xstrdup(text) : NULL;
}

static const char *const version_words[] = {
    [HTTP_ANY] = "", [HTTP_1_0] = "1.0", [HTTP_1_1] = "1.1", [HTTP_2] = "2"};

const char *http_version_word(enum http_version version)
{
    return version_words[version];
}

static enum http_version version_of(const char *word)
{
    size_t version = HTTP_ANY;

    while (strcmp(version_words[version], word) != 0)
        version++; /* the schema has seen that there is such a word */
    return (enum http_version)version;
}

static void read_status_list(struct status_list *list, const char *text, const char *pointer,
                             json_t **errors)
{
    if (!status_list_parse(str_of(text), list))
        json_add_error(
            errors, pointer, "status_list",
            "Statuses are given as numbers and ranges from 100 to 599: \"200-299,401\".");
}

static void read_headers(struct http_expect *expect, const json_t *rules, json_t **errors)
{
    json_t *json;
    size_t i;

    json_array_foreach((json_t *)rules, i, json)
    {
        CLEANUP(buf_clear_p) struct buf pointer = {0};
        struct http_header_rule rule = {0};

        buf_printf(&pointer, "/spec/expect/header/%zu", i);
        rule.name = read_text(json, "name");
        rule.is_absent = json_boolean_or(json, "absent", false);
        rule.regex = read_regex(json, "regex", pointer.data, errors);
        rule.not_regex = read_regex(json, "not_regex", pointer.data, errors);
        vec_push(&expect->headers, rule);
    }
}

static void read_json(struct http_expect *expect, const char *program, json_t **errors)
{
    if (!program || json_assert_new(str_of(program), &expect->json) == OK)
        return;
    json_add_error(errors, "/spec/expect/json", "jq_invalid", "%s", failure_last()->detail);
    failure_clear();
}

void http_expect_read(struct http_expect *expect, const json_t *json, json_t **errors)
{
    const char *degraded = json_text(json, "degraded_status", NULL);
    const char *version = json_text(json, "tls_version", NULL);

    expect->status_text = xstrdup(json_text(json, "status", "200-299"));
    read_status_list(&expect->status, expect->status_text, "/spec/expect/status", errors);
    if (degraded)
        read_status_list(&expect->degraded, degraded, "/spec/expect/degraded_status", errors);
    if (version)
        expect->tls_version = (uint16_t)(TLS_1_0 + (version[2] - '0'));
    expect->http_version = version_of(json_text(json, "http_version", ""));
    read_headers(expect, json_object_get(json, "header"), errors);
    expect->body_contains = read_text(json, "body_contains");
    expect->body_not_contains = read_text(json, "body_not_contains");
    expect->body_regex = read_regex(json, "body_regex", "/spec/expect", errors);
    expect->body_not_regex = read_regex(json, "body_not_regex", "/spec/expect", errors);
    read_json(expect, json_text(json, "json", NULL), errors);
}

void http_expect_clear(struct http_expect *expect)
{
    for (size_t i = 0; i < expect->headers.len; i++) {
        free(expect->headers.items[i].name);
        regex_free(expect->headers.items[i].regex);
        regex_free(expect->headers.items[i].not_regex);
    }
    vec_clear(&expect->headers);
    free(expect->status_text);
    free(expect->body_contains);
    free(expect->body_not_contains);
    regex_free(expect->body_regex);
    regex_free(expect->body_not_regex);
    json_assert_free(expect->json);
}

bool http_expect_wants_body(const struct http_expect *expect)
{
    return expect->body_contains || expect->body_not_contains || expect->body_regex ||
           expect->body_not_regex || expect->json;
}

bool http_expect_is_costly(const struct http_expect *expect)
{
    return expect->body_regex || expect->body_not_regex || expect->headers.len > 0 || expect->json;
}

/* ---- headers ---- */

static bool has_rule(const struct http_expect *expect, struct str name)
{
    for (size_t i = 0; i < expect->headers.len; i++) {
        if (str_equal_nocase(name, str_of(expect->headers.items[i].name)))
            return true;
    }
    return false;
}

/* A line is "name:value"; neither can have a line feed. */
void http_expect_keep_headers(const struct http_expect *expect, const struct http_head *head,
                              struct buf *kept)
{
    for (uint32_t i = 0; expect->headers.len > 0 && i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];

        if (!has_rule(expect, field->name))
            continue;
        buf_append_str(kept, field->name);
        buf_append_char(kept, ':');
        buf_append_str(kept, field->value);
        buf_append_char(kept, '\n');
    }
}

/* The next value of a header in the lines of `rest`; NULL in ptr when there is none. */
static struct str next_value(struct str *rest, const char *name)
{
    while (rest->len > 0) {
        struct str value = str_cut(rest, '\n');

        if (str_equal_nocase(str_cut(&value, ':'), str_of(name)))
            return value;
    }
    return (struct str){0};
}

static enum outcome too_costly(struct buf *why, const char *what)
{
    buf_printf(why, "an expression takes too long on %s", what);
    return OUTCOME_LIMIT_EXCEEDED;
}

/* Says what is wrong with a value. */
static enum outcome wrong_value(const struct http_header_rule *rule, struct str value,
                                struct buf *why, const char *what)
{
    buf_printf(why, "the header %s is \"", rule->name);
    if (http_is_secret_header(str_of(rule->name)))
        buf_append_text(why, HTTP_MASK);
    else
        buf_append_escaped(why, value, QUOTED_BYTES_MAX);
    buf_printf(why, "\", %s", what);
    return OUTCOME_ASSERT_FAILED;
}

/* One of the values. @param ret_matched set when it is what the rule wants. */
static enum outcome check_value(const struct http_header_rule *rule, struct str value,
                                struct regex_time *time, bool *ret_matched, struct buf *why)
{
    enum regex_answer unwanted =
        rule->not_regex ? regex_match_within(rule->not_regex, value, time) : REGEX_NO_MATCH;
    enum regex_answer wanted = REGEX_MATCH;

    if (rule->is_absent)
        return wrong_value(rule, value, why, "and must not be there");
    if (unwanted == REGEX_MATCH)
        return wrong_value(rule, value, why, "which must not match the expression");
    if (rule->regex && !*ret_matched)
        wanted = regex_match_within(rule->regex, value, time);
    if (unwanted == REGEX_LIMIT || wanted == REGEX_LIMIT)
        return too_costly(why, "a header");
    *ret_matched |= wanted == REGEX_MATCH;
    return OUTCOME_OK;
}

static enum outcome check_header(const struct http_header_rule *rule, struct str lines,
                                 struct regex_time *time, struct buf *why)
{
    bool must_be_there = !rule->is_absent && (rule->regex || !rule->not_regex);
    bool is_matched = false;
    struct str first = {0};

    for (struct str value; (value = next_value(&lines, rule->name)).ptr;) {
        enum outcome outcome = check_value(rule, value, time, &is_matched, why);

        if (outcome != OUTCOME_OK)
            return outcome;
        if (!first.ptr)
            first = value;
    }
    if (is_matched || (!first.ptr && !must_be_there))
        return OUTCOME_OK;
    if (first.ptr)
        return wrong_value(rule, first, why, "which does not match the expression");
    buf_printf(why, "there is no header %s", rule->name);
    return OUTCOME_ASSERT_FAILED;
}

/* ---- body ---- */

static bool contains(struct str body, const char *text)
{
    return memmem(body.ptr ? body.ptr : "", body.len, text, strlen(text)) != NULL;
}

static enum outcome check_texts(const struct http_expect *expect, const struct http_reply *reply,
                                struct buf *why)
{
    const char *cut = reply->is_cut ? " in the part that was read" : "";

    if (expect->body_contains && !contains(reply->body, expect->body_contains)) {
        buf_printf(why, "the body does not contain \"%s\"%s", expect->body_contains, cut);
        return OUTCOME_ASSERT_FAILED;
    }
    if (expect->body_not_contains && contains(reply->body, expect->body_not_contains)) {
        buf_printf(why, "the body contains \"%s\"", expect->body_not_contains);
        return OUTCOME_ASSERT_FAILED;
    }
    return OUTCOME_OK;
}

static enum outcome check_expressions(const struct http_expect *expect,
                                      const struct http_reply *reply, struct regex_time *time,
                                      struct buf *why)
{
    enum regex_answer wanted = expect->body_regex
                                   ? regex_match_within(expect->body_regex, reply->body, time)
                                   : REGEX_MATCH;
    enum regex_answer unwanted = expect->body_not_regex
                                     ? regex_match_within(expect->body_not_regex, reply->body, time)
                                     : REGEX_NO_MATCH;

    if (wanted == REGEX_LIMIT || unwanted == REGEX_LIMIT)
        return too_costly(why, "this body");
    if (wanted == REGEX_NO_MATCH) {
        buf_printf(why, "the body does not match the expression%s",
                   reply->is_cut ? " in the part that was read" : "");
        return OUTCOME_ASSERT_FAILED;
    }
    if (unwanted == REGEX_MATCH) {
        buf_append_text(why, "the body matches the expression that it must not match");
        return OUTCOME_ASSERT_FAILED;
    }
    return OUTCOME_OK;
}

/* ---- all of it ---- */

static enum outcome check_tls(const struct http_expect *expect, const struct http_reply *reply,
                              struct buf *why)
{
    if (!expect->tls_version || expect->tls_version == reply->tls_version)
        return OUTCOME_OK;
    if (reply->tls_version)
        buf_printf(why, "TLS 1.%d", reply->tls_version - TLS_1_0);
    else
        buf_append_text(why, "plain text");
    buf_printf(why, ", expected TLS 1.%d", expect->tls_version - TLS_1_0);
    return OUTCOME_ASSERT_FAILED;
}

static enum outcome check_http(const struct http_expect *expect, const struct http_reply *reply,
                               struct buf *why)
{
    if (!expect->http_version || expect->http_version == reply->http_version)
        return OUTCOME_OK;
    buf_printf(why, "HTTP/%s, expected HTTP/%s", http_version_word(reply->http_version),
               http_version_word(expect->http_version));
    return OUTCOME_ASSERT_FAILED;
}

enum outcome http_expect_check(const struct http_expect *expect, const struct http_reply *reply,
                               struct buf *why)
{
    struct regex_time time = {0};
    enum outcome outcome;

    if (!status_list_has(&expect->status, reply->status) &&
        !status_list_has(&expect->degraded, reply->status)) {
        buf_printf(why, "status %u, expected %s", reply->status, expect->status_text);
        return OUTCOME_STATUS_MISMATCH;
    }
    if ((outcome = check_tls(expect, reply, why)) != OUTCOME_OK ||
        (outcome = check_http(expect, reply, why)) != OUTCOME_OK)
        return outcome;
    for (size_t i = 0; i < expect->headers.len; i++) {
        outcome = check_header(&expect->headers.items[i], reply->headers, &time, why);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    if ((outcome = check_texts(expect, reply, why)) != OUTCOME_OK)
        return outcome;
    return check_expressions(expect, reply, &time, why);
}
