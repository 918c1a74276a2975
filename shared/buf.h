/*
 * struct buf: growing bytes, for text and frames going out and data coming in. Zeroed is empty and
 * valid. There is always a zero byte after the data, so `data` of a non-empty buf is a C string.
 * Callers keep the stated limits: a buf itself has none.
 *
 * Thread: the one that owns it.
 */
#pragma once

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "shared/attrs.h"
#include "shared/str.h"

struct buf {
    char *data;
    size_t len;
    size_t capacity;
};

void buf_clear(struct buf *buf); /* releases the memory; the buf is empty and usable */
void buf_reset(struct buf *buf); /* empties it and keeps the memory */

static inline void buf_clear_p(struct buf *buf)
{
    buf_clear(buf);
}

void buf_grow(struct buf *buf, size_t more); /* buf_reserve() calls it */

/* Makes room for `more` bytes after the data and returns where they go; add to `len` what was
 * written. */
static inline char *buf_reserve(struct buf *buf, size_t more)
{
    if (buf->len + more >= buf->capacity)
        buf_grow(buf, more);
    return buf->data + buf->len;
}

static inline void buf_append(struct buf *buf, const void *data, size_t len)
{
    char *end = buf_reserve(buf, len);

    if (len > 0)
        memcpy(end, data, len);
    end[len] = '\0';
    buf->len += len;
}

static inline void buf_append_str(struct buf *buf, struct str s)
{
    buf_append(buf, s.ptr, s.len);
}

static inline void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

static inline void buf_append_char(struct buf *buf, char c)
{
    buf_append(buf, &c, 1);
}

void buf_append_integer(struct buf *buf, int64_t number); /* in decimal digits */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *buf, const char *format, va_list arguments) PRINTF(2, 0);

/* Appends bytes of a target as printable text: control bytes and invalid UTF-8 as \xNN, at most
 * `limit` bytes out. */
void buf_append_escaped(struct buf *buf, struct str bytes, size_t limit);

/* Appends the bytes that pairs of hexadecimal digits stand for; what is no pair of them is the
 * caller's to refuse. */
void buf_append_hex(struct buf *buf, const char *hex);

/* Appends `s` as a JSON string with quotes. Invalid UTF-8 becomes U+FFFD. */
void buf_append_json_string(struct buf *buf, struct str s);

/* Appends bytes in base64 with its padding (RFC 4648). */
void buf_append_base64(struct buf *buf, struct str bytes);

/* Drops the first `len` bytes. */
void buf_drop(struct buf *buf, size_t len);

/* The data as a view; valid until the buf changes. */
static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data, buf->len};
}

/* The data as an owned C string; the buf is empty afterwards. */
char *buf_take_text(struct buf *buf);
