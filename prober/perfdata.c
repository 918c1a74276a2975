/* Items are read one by one from a view; labels are unquoted into a small block. */
#include "prober/perfdata.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>

#include "shared/vec.h"

#define NUMBER_BYTES_MAX   64
#define INTEGER_DIGITS_MAX 18 /* more than fits into 64 bits is written as a real number */

struct item {
    char label[PERFDATA_LABEL_BYTES_MAX];
    size_t label_len;
    struct str value; /* empty: undetermined */
    struct str unit;
    struct str fields[4]; /* warn, crit, min, max; empty: absent */
};

static const char *const field_names[] = {"warn", "crit", "min", "max"};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The length of the decimal number that `text` begins with ("-1.5e3"); 0: none. JSON's own grammar,
 * but for a leading "+", ".5" and "5.", which plugins print. */
static size_t number_len(struct str text)
{
    size_t at = 0;
    size_t digits = 0;

    if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
        at++;
    for (; at < text.len && isdigit((unsigned char)text.ptr[at]); at++)
        digits++;
    if (at < text.len && text.ptr[at] == '.') {
        for (at++; at < text.len && isdigit((unsigned char)text.ptr[at]); at++)
            digits++;
    }
    if (digits == 0)
        return 0;
    if (at + 1 < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        size_t exponent = at + 1;

        if (text.ptr[exponent] == '-' || text.ptr[exponent] == '+')
            exponent++;
        if (exponent < text.len && isdigit((unsigned char)text.ptr[exponent])) {
            while (exponent < text.len && isdigit((unsigned char)text.ptr[exponent]))
                exponent++;
            at = exponent;
        }
    }
    return at;
}

/* JSON has no infinity. */
static bool is_finite(struct str number)
{
    char text[NUMBER_BYTES_MAX + 1];

    if (number.len > NUMBER_BYTES_MAX)
        return false;
    memcpy(text, number.ptr, number.len);
    text[number.len] = '\0';
    return isfinite(strtod(text, NULL));
}

static bool is_number(struct str text)
{
    return text.len > 0 && number_len(text) == text.len && is_finite(text);
}

/* Can stand in a JSON text as it is. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20)
            return false;
    }
    return str_is_utf8(text);
}

/* "10", "10:", "~:10", "10:20", each with "@" before it. */
static bool is_range(struct str text)
{
    struct str high = text;
    struct str low;

    if (high.len > 0 && high.ptr[0] == '@')
        high = str_sub(high, 1, high.len);
    low = str_cut(&high, ':');
    if (!high.ptr)
        return is_number(low);
    if (low.len > 0 && !is_number(low) && !str_equal(low, STR("~")))
        return false;
    return high.len == 0 ? low.len > 0 : is_number(high);
}

/* ---- reading ---- */

static void skip_blanks(struct str *text)
{
    size_t len = 0;

    while (len < text->len && is_blank(text->ptr[len]))
        len++;
    *text = str_sub(*text, len, text->len);
}

static bool add_to_label(struct item *item, char c)
{
    if (item->label_len == sizeof item->label)
        return false;
    item->label[item->label_len++] = c;
    return true;
}

/* Reads "'la bel'=" or "label=" and leaves what follows; false when it is none. */
static bool read_label(struct str *text, struct item *item)
{
    bool is_quoted = text->len > 0 && text->ptr[0] == '\'';
    size_t at = is_quoted ? 1 : 0;

    for (; at < text->len; at++) {
        char c = text->ptr[at];

        if (is_quoted && c == '\'') {
            if (at + 1 >= text->len || text->ptr[at + 1] != '\'')
                break;
            at++;
        } else if (!is_quoted && (c == '=' || c == '\'' || is_blank(c))) {
            break;
        }
        if (!add_to_label(item, c))
            return false;
    }
    if (is_quoted)
        at++;
    if (item->label_len == 0 || at >= text->len || text->ptr[at] != '=' ||
        !is_plain(str_n(item->label, item->label_len)))
        return false;
    *text = str_sub(*text, at + 1, text->len);
    return true;
}

static bool is_unit(struct str unit)
{
    if (!is_plain(unit))
        return false;
    for (size_t i = 0; i < unit.len; i++) {
        if (isdigit((unsigned char)unit.ptr[i]) || strchr(";'\"|", unit.ptr[i]))
            return false;
    }
    return true;
}

/* Reads what stands after the "=" of an item, up to the next blank. */
static bool read_values(struct str text, struct item *item)
{
    struct str value = str_cut(&text, ';');
    size_t len = number_len(value);

    if (len > 0) {
        item->value = str_sub(value, 0, len);
        item->unit = str_sub(value, len, value.len);
        if (!is_finite(item->value) || !is_unit(item->unit))
            return false;
    } else if (!str_equal(value, STR("U"))) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(item->fields) && text.ptr; i++) {
        item->fields[i] = str_cut(&text, ';');
        if (item->fields[i].len == 0)
            continue;
        if (i < 2 ? !is_range(item->fields[i]) : !is_number(item->fields[i]))
            return false;
    }
    return text.len == 0;
}

/* Where a quoted label ends: after its closing quote, or at 0 when there is none. */
static size_t quoted_len(struct str text)
{
    for (size_t at = 1; at < text.len; at++) {
        if (text.ptr[at] != '\'')
            continue;
        if (at + 1 == text.len || text.ptr[at + 1] != '\'')
            return at + 1;
        at++;
    }
    return 0;
}

/* The part up to the next blank outside of a quoted label, which is cut off. An open quote reaches
 * no further than a blank does: it spoils its own item only. */
static struct str cut_word(struct str *text)
{
    size_t len = text->len > 0 && text->ptr[0] == '\'' ? quoted_len(*text) : 0;
    struct str word;

    while (len < text->len && !is_blank(text->ptr[len]))
        len++;
    word = str_sub(*text, 0, len);
    *text = str_sub(*text, len, text->len);
    return word;
}

/* ---- writing ---- */

/* A number as JSON has it: no "+", digits on both sides of the point. */
static void append_number(struct buf *buf, struct str number)
{
    bool is_integer = true;
    size_t at = 0;
    size_t zeros;

    if (number.ptr[at] == '-')
        buf_append_char(buf, '-');
    if (number.ptr[at] == '-' || number.ptr[at] == '+')
        at++;
    if (number.ptr[at] == '.')
        buf_append_char(buf, '0');
    for (zeros = at; zeros + 1 < number.len && number.ptr[zeros] == '0' &&
                     isdigit((unsigned char)number.ptr[zeros + 1]);)
        zeros++;
    for (at = zeros; at < number.len; at++) {
        is_integer = is_integer && isdigit((unsigned char)number.ptr[at]);
        buf_append_char(buf, number.ptr[at]);
        if (number.ptr[at] == '.' &&
            (at + 1 == number.len || !isdigit((unsigned char)number.ptr[at + 1])))
            buf_append_char(buf, '0');
    }
    if (is_integer && number.len - zeros > INTEGER_DIGITS_MAX)
        buf_append_text(buf, ".0");
}

static void append_item(struct buf *buf, const struct item *item)
{
    buf_append_json_string(buf, str_n(item->label, item->label_len));
    buf_append_text(buf, ":{\"value\":");
    if (item->value.len > 0)
        append_number(buf, item->value);
    else
        buf_append_text(buf, "null");
    if (item->unit.len > 0) {
        buf_append_text(buf, ",\"uom\":");
        buf_append_json_string(buf, item->unit);
    }
    for (size_t i = 0; i < ARRAY_LEN(item->fields); i++) {
        if (item->fields[i].len == 0)
            continue;
        buf_printf(buf, ",\"%s\":", field_names[i]);
        if (i < 2)
            buf_append_json_string(buf, item->fields[i]);
        else
            append_number(buf, item->fields[i]);
    }
    buf_append_char(buf, '}');
}

/* Whether the label stands among those written before. */
static bool is_known(const struct item *items, size_t count, const struct item *item)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(str_n(items[i].label, items[i].label_len),
                      str_n(item->label, item->label_len)))
            return true;
    }
    return false;
}

struct perfdata_counts perfdata_write(struct buf *buf, struct str text, size_t limit)
{
    struct perfdata_counts counts = {0};
    VEC(struct item) items = {0};
    size_t end = buf->len + limit;

    buf_append_char(buf, '{');
    skip_blanks(&text);
    for (; text.len > 0; skip_blanks(&text)) {
        struct str word = cut_word(&text);
        struct item item = {0};
        size_t before = buf->len;

        if (items.len == PERFDATA_ITEMS_MAX || !read_label(&word, &item) ||
            !read_values(word, &item) || is_known(items.items, items.len, &item)) {
            counts.dropped++;
            continue;
        }
        if (items.len > 0)
            buf_append_char(buf, ',');
        append_item(buf, &item);
        if (buf->len + 1 > end) {
            buf->len = before;
            counts.dropped++;
            continue;
        }
        vec_push(&items, item);
        counts.items++;
    }
    buf_append_char(buf, '}');
    vec_clear(&items);
    return counts;
}

void plugin_output_split(struct str output, struct plugin_output *ret_parts)
{
    struct str rest = output;
    struct str first = str_cut(&rest, '\n');
    struct str after = first;

    *ret_parts = (struct plugin_output){.message = str_trim(str_cut(&after, '|'))};
    if (after.ptr)
        buf_append_str(&ret_parts->perfdata, after);
    if (!rest.ptr)
        return;

    /* In the long output, everything after a "|" is performance data, to the very end. */
    ret_parts->details = str_cut(&rest, '|');
    if (rest.ptr) {
        buf_append_char(&ret_parts->perfdata, ' ');
        buf_append_str(&ret_parts->perfdata, rest);
    }
}

void plugin_output_clear(struct plugin_output *parts)
{
    buf_clear(&parts->perfdata);
}
