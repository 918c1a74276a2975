/*
 * struct str: a view of text that somebody else owns; not ended by a zero byte. Text comes in as
 * views and goes out through struct buf. Print with STR_FMT and STR_ARG.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).len, (s).ptr

/* The view of a string literal. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

static inline struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline struct str str_n(const char *text, size_t len)
{
    return (struct str){text, len};
}

static inline bool str_is_empty(struct str s)
{
    return s.len == 0;
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* The part from byte `from`, at most `len` bytes; never past the end. */
static inline struct str str_sub(struct str s, size_t from, size_t len)
{
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    return (struct str){from > 0 ? s.ptr + from : s.ptr, len};
}

/* Equal without regard to the case of ASCII letters. */
bool str_equal_nocase(struct str a, struct str b);

/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* Cuts `rest` at the first `separator`: returns what is before it and leaves what is after it in
 * `rest`; without a separator returns all and leaves `rest` empty with a NULL pointer. */
struct str str_cut(struct str *rest, char separator);

/* A decimal number without sign, at most `max`; false for anything else. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret_number);

/* The bytes of a base64 text (RFC 4648), at most `size`. Strict: whole groups with their padding, no
 * line breaks, no stray bits; false for anything else, and for more bytes than fit. */
bool str_from_base64(struct str text, uint8_t *ret_bytes, size_t size, size_t *ret_len);

/* An owned copy ended by a zero byte. */
char *str_dup(struct str s);

/* How many bytes the first character of valid UTF-8 has; 0 when the text begins with none. */
size_t str_utf8_len(struct str s);

/* Whether the bytes are valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);
