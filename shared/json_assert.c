/*
 * Evaluation with jq's semantics: every expression here gives one value or an error. What
 * json_compare() says of two values is jq's order: null, false, true, numbers, strings, arrays,
 * objects.
 */
#include "shared/json_assert.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "shared/json.h"
#include "shared/json_assert_private.h"
#include "shared/mem.h"
#include "shared/vec.h"

#define SHOWN_BYTES 60 /* of a value in a reason */

/* Documents ----------------------------------------------------------------------------------- */

/* Some servers begin their text with it. */
static struct str without_mark(struct str text)
{
    static const struct str mark = {"\xef\xbb\xbf", 3};

    return str_starts_with(text, mark) ? str_sub(text, mark.len, text.len) : text;
}

enum err json_assert_parse(struct str text, json_t **ret_document)
{
    static const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    struct str body = without_mark(text);
    json_error_t error;
    json_t *document;

    TRY(json_check_size(body));
    document = json_loadb(body.ptr ? body.ptr : "", body.len, flags, &error);
    /* Integers beyond 64 bits are doubles, as they are in jq, and then all are. */
    if (!document && json_error_code(&error) == json_error_numeric_overflow)
        document = json_loadb(body.ptr, body.len, flags | JSON_DECODE_INT_AS_REAL, &error);
    if (!document)
        return fail(ERR_INVALID, "json_malformed", "line %d, column %d: %s", error.line,
                    error.column, error.text);
    *ret_document = document;
    return OK;
}

/* Order --------------------------------------------------------------------------------------- */

static int rank_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return 0;
    case JSON_FALSE:
        return 1;
    case JSON_TRUE:
        return 2;
    case JSON_INTEGER:
    case JSON_REAL:
        return 3;
    case JSON_STRING:
        return 4;
    case JSON_ARRAY:
        return 5;
    case JSON_OBJECT:
        return 6;
    }
    return 0;
}

static int compare_numbers(const json_t *a, const json_t *b)
{
    double left = json_number_value(a);
    double right = json_number_value(b);

    if (json_is_integer(a) && json_is_integer(b))
        return (json_integer_value(a) > json_integer_value(b)) -
               (json_integer_value(a) < json_integer_value(b));
    return (left > right) - (left < right);
}

static int compare_bytes(struct str a, struct str b)
{
    int order = memcmp(a.ptr, b.ptr, MIN(a.len, b.len));

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static struct str text_of(const json_t *string)
{
    return str_n(json_string_value(string), json_string_length(string));
}

static int compare(json_t *a, json_t *b);

static int compare_arrays(const json_t *a, const json_t *b)
{
    size_t len = MIN(json_array_size(a), json_array_size(b));
    int order = 0;

    for (size_t i = 0; i < len && order == 0; i++)
        order = compare(json_array_get(a, i), json_array_get(b, i));
    if (order)
        return order;
    return (json_array_size(a) > len) - (json_array_size(b) > len);
}

static int by_bytes(const void *a, const void *b)
{
    return compare_bytes(*(const struct str *)a, *(const struct str *)b);
}

/* The keys in order; yours to free. */
static struct str *sorted_keys(json_t *object)
{
    struct str *keys = xcalloc(json_object_size(object) + 1, sizeof *keys);
    size_t count = 0;

    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
        keys[count++] = str_n(json_object_iter_key(at), json_object_iter_key_len(at));
    qsort(keys, count, sizeof *keys, by_bytes);
    return keys;
}

/* Their sets of keys first, then the values key by key. */
static int compare_objects(json_t *a, json_t *b)
{
    AUTO(xfree) struct str *left = sorted_keys(a);
    AUTO(xfree) struct str *right = sorted_keys(b);
    size_t len = MIN(json_object_size(a), json_object_size(b));
    int order = 0;

    for (size_t i = 0; i < len && order == 0; i++)
        order = compare_bytes(left[i], right[i]);
    if (order == 0)
        order = (json_object_size(a) > len) - (json_object_size(b) > len);
    for (size_t i = 0; i < len && order == 0; i++)
        order = compare(json_object_getn(a, left[i].ptr, left[i].len),
                        json_object_getn(b, left[i].ptr, left[i].len));
    return order;
}

static int compare(json_t *a, json_t *b)
{
    int order = rank_of(a) - rank_of(b);

    if (order)
        return order;
    if (json_is_number(a))
        return compare_numbers(a, b);
    if (json_is_string(a))
        return compare_bytes(text_of(a), text_of(b));
    if (json_is_array(a))
        return compare_arrays(a, b);
    return json_is_object(a) ? compare_objects(a, b) : 0;
}

/* What is said of values ---------------------------------------------------------------------- */

static const char *kind_of(const json_t *value)
{
    static const char *const words[] = {"null",   "boolean", "boolean", "number",
                                        "string", "array",   "object"};

    return words[rank_of(value)];
}

/* As JSON, cut when it is long. */
static void show(const json_t *value, struct buf *text)
{
    CLEANUP(buf_clear_p) struct buf json = {0};

    if (json_object_size(value) + json_array_size(value) > SHOWN_BYTES)
        buf_printf(&json, "%s of %zu values", json_is_array(value) ? "an array" : "an object",
                   json_object_size(value) + json_array_size(value));
    else
        json_write(value, &json);
    buf_append_escaped(text, buf_str(&json), SHOWN_BYTES);
    if (json.len > SHOWN_BYTES)
        buf_append_text(text, "…");
}

static bool is_true(const json_t *value)
{
    return !json_is_null(value) && !json_is_false(value);
}

/* Evaluation ---------------------------------------------------------------------------------- */

struct evaluation {
    struct buf *reason; /* of an error */
    struct buf because; /* the last comparison that was false */
};

static json_t *evaluate(const struct assert_node *node, json_t *input, struct evaluation *state);

static json_t *index_of(const struct assert_node *node, json_t *base, struct evaluation *state)
{
    const json_t *key = node->value;
    json_t *found = NULL;

    if (json_is_object(base) && json_is_string(key)) {
        found = json_object_getn(base, json_string_value(key), json_string_length(key));
    } else if (json_is_array(base) && json_is_integer(key)) {
        json_int_t at = json_integer_value(key);

        at += at < 0 ? (json_int_t)json_array_size(base) : 0;
        found = at < 0 ? NULL : json_array_get(base, (size_t)at);
    } else if (!json_is_null(base)) {
        buf_printf(state->reason, "Cannot index %s with %s", kind_of(base), kind_of(key));
        if (json_is_string(key)) {
            buf_append_char(state->reason, ' ');
            show(key, state->reason);
        }
        return NULL;
    }
    return found ? json_incref(found) : json_null();
}

static json_t *has(const struct assert_node *node, json_t *input, struct evaluation *state)
{
    const json_t *key = node->value;

    if (json_is_null(input))
        return json_false();
    if (json_is_object(input) && json_is_string(key))
        return json_boolean(
            json_object_getn(input, json_string_value(key), json_string_length(key)) != NULL);
    if (json_is_array(input) && json_is_integer(key))
        return json_boolean(json_integer_value(key) >= 0 &&
                            json_integer_value(key) < (json_int_t)json_array_size(input));
    buf_printf(state->reason, "Cannot check whether %s has a %s key", kind_of(input), kind_of(key));
    return NULL;
}

/* Characters are counted, not bytes. */
static json_t *string_length(struct str text)
{
    json_int_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return json_integer(count);
}

static json_t *length(json_t *input, struct evaluation *state)
{
    switch (json_typeof(input)) {
    case JSON_NULL:
        return json_integer(0);
    case JSON_INTEGER:
        if (json_integer_value(input) == INT64_MIN)
            return json_real(-(double)INT64_MIN);
        return json_integer(llabs(json_integer_value(input)));
    case JSON_REAL:
        return json_real(fabs(json_real_value(input)));
    case JSON_STRING:
        return string_length(text_of(input));
    case JSON_ARRAY:
        return json_integer((json_int_t)json_array_size(input));
    case JSON_OBJECT:
        return json_integer((json_int_t)json_object_size(input));
    case JSON_TRUE:
    case JSON_FALSE:
        break;
    }
    buf_printf(state->reason, "boolean (%s) has no length", json_is_true(input) ? "true" : "false");
    return NULL;
}

static bool is_met(enum assert_operator operator, int order)
{
    switch (operator) {
    case OPERATOR_EQUAL:
        return order == 0;
    case OPERATOR_UNEQUAL:
        return order != 0;
    case OPERATOR_LESS:
        return order < 0;
    case OPERATOR_AT_MOST:
        return order <= 0;
    case OPERATOR_MORE:
        return order > 0;
    case OPERATOR_AT_LEAST:
        return order >= 0;
    }
    return false;
}

static void note_false(struct evaluation *state, enum assert_operator operator, const json_t * left,
                       const json_t *right)
{
    static const char *const words[] = {"==", "!=", "<", "<=", ">", ">="};

    buf_reset(&state->because);
    show(left, &state->because);
    buf_printf(&state->because, " %s ", words[operator]);
    show(right, &state->because);
    buf_append_text(&state->because, " is false");
}

/* The right side first, as jq does: it matters when both are errors. */
static json_t *compare_sides(const struct assert_node *node, json_t *input,
                             struct evaluation *state)
{
    JSON_AUTO json_t *right = evaluate(node->right, input, state);
    JSON_AUTO json_t *left = right ? evaluate(node->left, input, state) : NULL;
    bool met;

    if (!left)
        return NULL;
    met = is_met(node->operator, compare(left, right));
    if (!met)
        note_false(state, node->operator, left, right);
    return json_boolean(met);
}

/* `stop_at` is the value of the left side that decides. */
static json_t *join(const struct assert_node *node, json_t *input, struct evaluation *state,
                    bool stop_at)
{
    JSON_AUTO json_t *left = evaluate(node->left, input, state);
    JSON_AUTO json_t *right = NULL;

    if (!left)
        return NULL;
    if (is_true(left) == stop_at)
        return json_boolean(stop_at);
    right = evaluate(node->right, input, state);
    return right ? json_boolean(is_true(right)) : NULL;
}

static json_t *evaluate_left(const struct assert_node *node, json_t *input,
                             struct evaluation *state)
{
    JSON_AUTO json_t *left = evaluate(node->left, input, state);

    if (!left)
        return NULL;
    return node->kind == NODE_PIPE ? evaluate(node->right, left, state)
                                   : index_of(node, left, state);
}

/* The value, yours; NULL for an error, which then stands in the reason. */
static json_t *evaluate(const struct assert_node *node, json_t *input, struct evaluation *state)
{
    switch (node->kind) {
    case NODE_INPUT:
        return json_incref(input);
    case NODE_CONSTANT:
        return json_incref(node->value);
    case NODE_INDEX:
    case NODE_PIPE:
        return evaluate_left(node, input, state);
    case NODE_AND:
        return join(node, input, state, false);
    case NODE_OR:
        return join(node, input, state, true);
    case NODE_COMPARE:
        return compare_sides(node, input, state);
    case NODE_LENGTH:
        return length(input, state);
    case NODE_NOT:
        return json_boolean(!is_true(input));
    case NODE_HAS:
        return has(node, input, state);
    }
    assert(!"a node has one of these kinds");
    return NULL;
}

json_t *json_assert_value(const struct json_assert *assertion, json_t *document,
                          struct buf *ret_reason)
{
    struct evaluation state = {.reason = ret_reason};
    json_t *value;

    assert(assertion->root);
    value = evaluate(assertion->root, document, &state);
    buf_clear(&state.because);
    return value;
}

static enum json_answer answer_of(const struct assert_node *root, json_t *document,
                                  struct buf *ret_reason)
{
    CLEANUP(buf_clear_p) struct buf reason = {0};
    struct evaluation state = {.reason = &reason};
    JSON_AUTO json_t *value = evaluate(root, document, &state);
    enum json_answer answer = JSON_ANSWER_TRUE;

    if (!value) {
        answer = JSON_ANSWER_ERROR;
    } else if (!is_true(value)) {
        answer = JSON_ANSWER_FALSE;
        if (state.because.len > 0) {
            buf_append_str(&reason, buf_str(&state.because));
        } else {
            buf_append_text(&reason, "it gives ");
            show(value, &reason);
        }
    }
    buf_append_escaped(ret_reason, buf_str(&reason), JSON_ASSERT_REASON_BYTES);
    buf_clear(&state.because);
    return answer;
}

enum json_answer json_assert_holds(const struct json_assert *assertion, struct str document,
                                   struct buf *ret_reason)
{
    JSON_AUTO json_t *parsed = NULL;
    enum err err = json_assert_parse(document, &parsed);

    assert(assertion->root);
    if (err == OK)
        return answer_of(assertion->root, parsed, ret_reason);
    buf_append_escaped(ret_reason, str_of(failure_last()->detail), JSON_ASSERT_REASON_BYTES);
    failure_clear();
    return err == ERR_LIMITED ? JSON_ANSWER_LIMIT : JSON_ANSWER_ERROR;
}

/* Life ---------------------------------------------------------------------------------------- */

enum err json_assert_new(struct str program, struct json_assert **ret_assert)
{
    AUTO(json_assert_free) struct json_assert *assertion = NEW(struct json_assert);

    if (program.len > JSON_ASSERT_BYTES_MAX)
        return fail(ERR_INVALID, "jq_invalid", "The program is longer than %d bytes.",
                    JSON_ASSERT_BYTES_MAX);
    assertion->program = str_dup(program);
    assertion->root = assert_node_parse(program);
    if (!assertion->root)
        TRY(jq_words_check(program));
    *ret_assert = TAKE(assertion);
    return OK;
}

void json_assert_free(struct json_assert *assertion)
{
    if (!assertion)
        return;
    assert_node_free(assertion->root);
    free(assertion->program);
    free(assertion);
}

bool json_assert_is_simple(const struct json_assert *assertion)
{
    return assertion->root != NULL;
}

bool json_assert_is_quick(const struct json_assert *assertion, struct str document)
{
    return assertion->root && document.len <= JSON_ASSERT_QUICK_BYTES;
}

struct str json_assert_program(const struct json_assert *assertion)
{
    return str_of(assertion->program);
}
