/* YAML is written with every text in double quotes, as JSON writes it: so no text is taken for a
 * number, a date or a mark. */
#include "cli/output.h"

#include <inttypes.h>
#include <string.h>

#include "shared/json.h"
#include "shared/mem.h"
#include "shared/str.h"

#define COLUMNS_MAX 16

enum err output_format_read(const char *word, enum output_format *ret_format)
{
    static const char *const words[] = {
        [OUTPUT_TABLE] = "table", [OUTPUT_JSON] = "json", [OUTPUT_YAML] = "yaml"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i], word) == 0) {
            *ret_format = (enum output_format)i;
            return OK;
        }
    }
    return fail(ERR_INVALID, "option_invalid", "--output has to be table, json or yaml, not \"%s\"",
                word);
}

/* Table ----------------------------------------------------------------------------------------- */

static void append_cell(struct buf *out, const json_t *value)
{
    size_t start = out->len;

    if (!value || json_is_null(value))
        buf_append_char(out, '-');
    else if (json_is_string(value))
        buf_append_text(out, json_string_value(value));
    else
        json_write(value, out);
    for (size_t i = start; i < out->len; i++) {
        if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
            out->data[i] = '?';
    }
}

/* Characters, as far as one byte of UTF-8 begins each. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void append_padded(struct buf *out, const char *text, size_t width, bool is_last)
{
    buf_append_text(out, text);
    for (size_t at = width_of(text); !is_last && at < width + 2; at++)
        buf_append_char(out, ' ');
}

static size_t column_width(const json_t *rows, const struct output_column *column)
{
    size_t width = strlen(column->title);

    for (size_t i = 0; i < json_array_size(rows); i++) {
        CLEANUP(buf_clear_p) struct buf cell = {0};

        append_cell(&cell, json_object_get(json_array_get(rows, i), column->member));
        width = MAX(width, cell.data ? width_of(cell.data) : 0);
    }
    return width;
}

void output_table(const json_t *rows, const struct output_column *columns, struct buf *out)
{
    size_t widths[COLUMNS_MAX];
    size_t count = 0;

    for (; columns[count].title && count < COLUMNS_MAX; count++)
        widths[count] = column_width(rows, &columns[count]);
    for (size_t column = 0; column < count; column++)
        append_padded(out, columns[column].title, widths[column], column + 1 == count);
    buf_append_char(out, '\n');
    for (size_t row = 0; row < json_array_size(rows); row++) {
        for (size_t column = 0; column < count; column++) {
            CLEANUP(buf_clear_p) struct buf cell = {0};

            append_cell(&cell, json_object_get(json_array_get(rows, row), columns[column].member));
            append_padded(out, cell.data ? cell.data : "", widths[column], column + 1 == count);
        }
        buf_append_char(out, '\n');
    }
}

/* YAML ------------------------------------------------------------------------------------------ */

static void append_yaml(const json_t *value, int depth, bool is_item, struct buf *out);

static bool is_block(const json_t *value)
{
    return json_object_size(value) > 0 || json_array_size(value) > 0;
}

static void indent(int depth, struct buf *out)
{
    for (int i = 0; i < depth; i++)
        buf_append_text(out, "  ");
}

/* The value behind "key:" or "-". */
static void append_value(const json_t *value, int depth, bool is_item, struct buf *out)
{
    if (is_block(value)) {
        append_yaml(value, depth, is_item, out);
        return;
    }
    buf_append_char(out, ' ');
    json_write(value, out);
    buf_append_char(out, '\n');
}

/* @param is_item the first line goes on behind "-". */
static void append_yaml(const json_t *value, int depth, bool is_item, struct buf *out)
{
    const char *key;
    json_t *member;
    bool goes_on = is_item;

    if (!is_item && depth > 0)
        buf_append_char(out, '\n');
    json_object_foreach((json_t *)value, key, member)
    {
        if (goes_on)
            buf_append_char(out, ' ');
        else
            indent(depth, out);
        goes_on = false;
        buf_append_json_string(out, str_of(key));
        buf_append_char(out, ':');
        append_value(member, depth + 1, false, out);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (goes_on)
            buf_append_char(out, '\n');
        goes_on = false;
        indent(depth, out);
        buf_append_char(out, '-');
        append_value(json_array_get(value, i), depth + 1, true, out);
    }
}

void output_yaml(const json_t *document, struct buf *out)
{
    if (is_block(document)) {
        append_yaml(document, 0, false, out);
        return;
    }
    json_write(document, out);
    buf_append_char(out, '\n');
}

void output_write(enum output_format format, const json_t *document, const json_t *rows,
                  const struct output_column *columns, struct buf *out)
{
    switch (format) {
    case OUTPUT_TABLE:
        output_table(rows, columns, out);
        break;
    case OUTPUT_JSON:
        json_write(document, out);
        buf_append_char(out, '\n');
        break;
    case OUTPUT_YAML:
        output_yaml(document, out);
        break;
    }
}
