/* A value is a line; a bulk text is a line with its length, and the text. */
#include "prober/kinds/resp.h"

#include "shared/attrs.h"

/* The line without its first byte and its end; both are bytes of `ret_used`. */
static enum resp_status read_line(struct str input, struct str *ret_line, size_t *ret_used,
                                  const char **ret_why)
{
    struct str searched = str_sub(input, 0, RESP_LINE_BYTES_MAX);
    const char *end = memchr(searched.ptr, '\n', searched.len);

    if (!end && searched.len < RESP_LINE_BYTES_MAX)
        return RESP_NEED_MORE;
    if (!end) {
        *ret_why = "a line is longer than 4 KiB";
        return RESP_TOO_LARGE;
    }
    if (end - input.ptr < 2 || end[-1] != '\r') {
        *ret_why = "a line does not end as it has to";
        return RESP_MALFORMED;
    }
    *ret_line = str_n(input.ptr + 1, (size_t)(end - input.ptr) - 2);
    *ret_used = (size_t)(end - input.ptr) + 1;
    return RESP_VALUE;
}

static bool is_integer(struct str text)
{
    struct str digits = str_starts_with(text, STR("-")) ? str_sub(text, 1, text.len) : text;
    uint64_t number;

    return str_to_u64(digits, (uint64_t)INT64_MAX + 1, &number);
}

/* A length or a count: RESP_VALUE with the number, RESP_VALUE and `type` nil for -1. */
static enum resp_status read_size(struct str line, uint64_t max, struct resp_value *value,
                                  uint64_t *ret_size, const char **ret_why)
{
    if (str_equal(line, STR("-1"))) {
        value->type = RESP_NIL;
        *ret_size = 0;
        return RESP_VALUE;
    }
    if (!str_to_u64(line, UINT64_MAX, ret_size)) {
        *ret_why = "a length is no number";
        return RESP_MALFORMED;
    }
    return *ret_size > max ? RESP_TOO_LARGE : RESP_VALUE;
}

static enum resp_status read_bulk(struct str input, struct str line, struct resp_value *value,
                                  size_t *used, const char **ret_why)
{
    enum resp_status status;
    uint64_t len;

    *ret_why = "a text is longer than 64 KiB";
    status = read_size(line, RESP_BULK_BYTES_MAX, value, &len, ret_why);
    if (status != RESP_VALUE || value->type == RESP_NIL)
        return status;
    if (input.len - *used < len + 2)
        return RESP_NEED_MORE;
    value->text = str_sub(input, *used, len);
    *used += len + 2;
    if (memcmp(value->text.ptr + len, "\r\n", 2) != 0) {
        *ret_why = "a text does not end where its length says";
        return RESP_MALFORMED;
    }
    return RESP_VALUE;
}

static enum resp_status read_array(struct str line, struct resp_value *value, const char **ret_why)
{
    enum resp_status status;
    uint64_t count;

    *ret_why = "an array has more than 1024 values";
    status = read_size(line, RESP_ARRAY_MAX, value, &count, ret_why);
    value->count = status == RESP_VALUE ? (uint32_t)count : 0;
    return status;
}

static enum resp_status read_typed(char type, struct str input, struct str line,
                                   struct resp_value *value, size_t *used, const char **ret_why)
{
    switch (type) {
    case '+':
    case '-':
        value->type = type == '+' ? RESP_TEXT : RESP_ERROR;
        value->text = line;
        return RESP_VALUE;
    case ':':
        value->type = RESP_INTEGER;
        value->text = line;
        *ret_why = "an integer is no number";
        return is_integer(line) ? RESP_VALUE : RESP_MALFORMED;
    case '$':
        value->type = RESP_TEXT;
        return read_bulk(input, line, value, used, ret_why);
    default:
        value->type = RESP_ARRAY;
        return read_array(line, value, ret_why);
    }
}

enum resp_status resp_read(struct str input, struct resp_value *ret_value, size_t *ret_used,
                           const char **ret_why)
{
    struct resp_value value = {0};
    enum resp_status status;
    struct str line;
    size_t used;

    if (input.len == 0)
        return RESP_NEED_MORE;
    if (input.ptr[0] == '\0' || !strchr("+-:$*", input.ptr[0])) {
        *ret_why = "a value begins with none of + - : $ *";
        return RESP_MALFORMED;
    }
    status = read_line(input, &line, &used, ret_why);
    if (status == RESP_VALUE)
        status = read_typed(input.ptr[0], input, line, &value, &used, ret_why);
    if (status == RESP_VALUE) {
        *ret_value = value;
        *ret_used = used;
    }
    return status;
}
