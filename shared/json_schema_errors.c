/* Texts are cut at characters: a half one would not be JSON. */
#include "shared/json_schema_errors.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/json.h"
#include "shared/json_schema.h"

#define SHOWN_BYTES 60 /* of a value, in a message */

void schema_complain(struct schema_check *check, const char *code, const char *format, ...)
{
    char detail[512];
    va_list arguments;

    if (json_array_size(*check->errors) >= JSON_SCHEMA_ERRORS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    /* A cut in the middle of a character would not be JSON. */
    for (size_t len = strlen(detail); !str_is_utf8(str_n(detail, len)); len--)
        detail[len - 1] = '\0';
    json_add_error(check->errors, check->pointer.data ? check->pointer.data : "", code, "%s",
                   detail);
}

size_t schema_step_into(struct schema_check *check, const char *name)
{
    size_t before = check->pointer.len;

    buf_append_char(&check->pointer, '/');
    for (; *name; name++) {
        if (*name == '~')
            buf_append_text(&check->pointer, "~0");
        else if (*name == '/')
            buf_append_text(&check->pointer, "~1");
        else
            buf_append_char(&check->pointer, *name);
    }
    return before;
}

void schema_step_out(struct schema_check *check, size_t before)
{
    check->pointer.len = before;
    check->pointer.data[before] = '\0';
}

void schema_show_value(const json_t *value, struct buf *out)
{
    switch (json_typeof(value)) {
    case JSON_STRING: {
        struct str text = {json_string_value(value), json_string_length(value)};
        size_t shown = MIN(text.len, (size_t)SHOWN_BYTES);

        while (shown > 0 && shown < text.len && ((unsigned char)text.ptr[shown] & 0xc0) == 0x80)
            shown--;
        buf_append_json_string(out, str_sub(text, 0, shown));
        if (shown < text.len)
            buf_append_text(out, "…");
        break;
    }
    case JSON_OBJECT:
        buf_append_text(out, "an object");
        break;
    case JSON_ARRAY:
        buf_append_text(out, "an array");
        break;
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        json_write(value, out);
        break;
    }
}
