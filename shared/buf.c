/* Growing bytes: doubles its room, always ends with a zero byte. */
#include "shared/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/mem.h"

#define FIRST_BYTES 256

void buf_clear(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_grow(struct buf *buf, size_t more)
{
    size_t needed = buf->len + more + 1;
    size_t capacity = buf->capacity ? buf->capacity : FIRST_BYTES;

    while (capacity < needed)
        capacity *= 2;
    buf->data = xrealloc(buf->data, capacity);
    buf->capacity = capacity;
}

void buf_append_integer(struct buf *buf, int64_t number)
{
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    buf_append(buf, digits + at, sizeof digits - at);
}

void buf_vprintf(struct buf *buf, const char *format, va_list arguments)
{
    va_list again;
    size_t room = buf->capacity > buf->len ? buf->capacity - buf->len : 0;
    int len;

    va_copy(again, arguments);
    len = vsnprintf(room ? buf->data + buf->len : NULL, room, format, arguments);
    if (len > 0 && (size_t)len >= room)
        vsnprintf(buf_reserve(buf, (size_t)len), (size_t)len + 1, format, again);
    va_end(again);
    if (len > 0)
        buf->len += (size_t)len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    buf_vprintf(buf, format, arguments);
    va_end(arguments);
}

/* The length of a valid multi-byte UTF-8 sequence at `at`, else 0. */
static size_t multibyte_at(struct str bytes, size_t at)
{
    for (size_t len = 2; len <= 4 && at + len <= bytes.len; len++) {
        if (str_is_utf8(str_sub(bytes, at, len)))
            return len;
    }
    return 0;
}

void buf_append_escaped(struct buf *buf, struct str bytes, size_t limit)
{
    size_t end = buf->len + limit;

    for (size_t i = 0; i < bytes.len;) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        size_t sequence = c >= 0x80 ? multibyte_at(bytes, i) : 1;
        bool printable = c >= 0x20 && c != 0x7f && sequence > 0;

        if (buf->len + (printable ? sequence : 4) > end)
            return;
        if (printable) {
            buf_append(buf, bytes.ptr + i, sequence);
            i += sequence;
        } else {
            buf_printf(buf, "\\x%02x", c);
            i++;
        }
    }
}

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

void buf_append_hex(struct buf *buf, const char *hex)
{
    for (; hex[0] && hex[1]; hex += 2)
        buf_append_char(buf, (char)(digit_of(hex[0]) << 4 | digit_of(hex[1])));
}

static void append_json_char(struct buf *buf, unsigned char c)
{
    switch (c) {
    case '"':
        buf_append(buf, "\\\"", 2);
        break;
    case '\\':
        buf_append(buf, "\\\\", 2);
        break;
    case '\n':
        buf_append(buf, "\\n", 2);
        break;
    case '\r':
        buf_append(buf, "\\r", 2);
        break;
    case '\t':
        buf_append(buf, "\\t", 2);
        break;
    default:
        buf_printf(buf, "\\u%04x", c);
    }
}

void buf_append_json_string(struct buf *buf, struct str s)
{
    size_t plain = 0; /* start of the run that needs no change */

    buf_append_char(buf, '"');
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t sequence = c >= 0x80 ? multibyte_at(s, i) : 1;

        if (c >= 0x20 && c != '"' && c != '\\' && sequence > 0) {
            i += sequence;
            continue;
        }
        buf_append(buf, s.ptr + plain, i - plain);
        if (sequence == 0)
            buf_append(buf, "\xef\xbf\xbd", 3);
        else
            append_json_char(buf, c);
        plain = ++i;
    }
    buf_append(buf, s.ptr ? s.ptr + plain : "", s.len - plain);
    buf_append_char(buf, '"');
}

void buf_append_base64(struct buf *buf, struct str bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t three = (uint32_t)(unsigned char)bytes.ptr[i] << 16;

        if (i + 1 < bytes.len)
            three |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
        if (i + 2 < bytes.len)
            three |= (unsigned char)bytes.ptr[i + 2];
        buf_append_char(buf, letters[three >> 18]);
        buf_append_char(buf, letters[three >> 12 & 63]);
        buf_append_char(buf, i + 1 < bytes.len ? letters[three >> 6 & 63] : '=');
        buf_append_char(buf, i + 2 < bytes.len ? letters[three & 63] : '=');
    }
}

void buf_drop(struct buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf_reset(buf);
        return;
    }
    memmove(buf->data, buf->data + len, buf->len - len + 1);
    buf->len -= len;
}

char *buf_take_text(struct buf *buf)
{
    char *text = buf->data ? buf->data : xstrdup("");

    *buf = (struct buf){0};
    return text;
}
