/* jansson behind our limits. */
#include "shared/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "shared/mem.h"

/* Out of memory aborts, here too: jansson would call a document malformed. */
__attribute__((constructor)) static void use_our_memory(void)
{
    json_set_alloc_funcs(xmalloc, free);
}

/* By looking at the punctuation outside of strings: cheap, and before any allocation. */
enum err json_check_size(struct str text)
{
    size_t values = 1;
    int depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"')
            in_string = true;
        else if (c == '[' || c == '{') {
            depth++;
            values++;
        } else if (c == ']' || c == '}')
            depth--;
        else if (c == ',' || c == ':')
            values++;
        if (depth > JSON_MAX_DEPTH)
            return fail(ERR_LIMITED, "json_too_large",
                        "The document is nested more than %d levels deep.", JSON_MAX_DEPTH);
        if (values > JSON_MAX_VALUES)
            return fail(ERR_LIMITED, "json_too_large", "The document has more than %d values.",
                        JSON_MAX_VALUES);
    }
    return OK;
}

enum err json_parse(struct str text, json_t **ret_json)
{
    json_error_t error;
    json_t *json;

    TRY(json_check_size(text));
    json = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                      &error);
    if (!json)
        return fail(ERR_INVALID, "json_malformed",
                    "The JSON is malformed at line %d, column %d: %s.", error.line, error.column,
                    error.text);
    *ret_json = json;
    return OK;
}

static int append_chunk(const char *data, size_t len, void *buf)
{
    buf_append(buf, data, len);
    return 0;
}

void json_write(const json_t *json, struct buf *buf)
{
    int failed = json_dump_callback(json, append_chunk, buf, JSON_COMPACT | JSON_ENCODE_ANY);

    assert(!failed);
    (void)failed;
}

bool json_has(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return value && !json_is_null(value);
}

const char *json_text(const json_t *object, const char *key, const char *otherwise)
{
    const json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return otherwise;
    assert(json_is_string(value));
    return json_string_value(value);
}

int64_t json_integer_or(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return otherwise;
    assert(json_is_integer(value));
    return json_integer_value(value);
}

double json_number_or(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return otherwise;
    assert(json_is_number(value));
    return json_number_value(value);
}

bool json_boolean_or(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return otherwise;
    assert(json_is_boolean(value));
    return json_is_true(value);
}

const char *json_loose_text(const json_t *object, const char *key, const char *otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_string(value) ? json_string_value(value) : otherwise;
}

int64_t json_loose_integer(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

double json_loose_number(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : otherwise;
}

void json_add_error(json_t **errors, const char *pointer, const char *code, const char *format, ...)
{
    va_list arguments;
    char detail[512];

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    if (!*errors)
        *errors = json_array();
    json_array_append_new(
        *errors, json_pack("{s:s, s:s, s:s}", "pointer", pointer, "code", code, "detail", detail));
}
