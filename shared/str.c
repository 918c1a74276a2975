/* Views of text: comparison, cutting, numbers, UTF-8. */
#include "shared/str.h"

#include "shared/mem.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct str str_cut(struct str *rest, char separator)
{
    const char *found = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct str head = *rest;

    if (!found) {
        *rest = (struct str){NULL, 0};
        return head;
    }
    head.len = (size_t)(found - head.ptr);
    *rest = str_sub(*rest, head.len + 1, rest->len);
    return head;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)s.ptr[i] - '0';

        if (digit > 9 || number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

/* The six bits of a letter; -1 for what is none. */
static int bits_of(char letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter ? strchr(letters, letter) : NULL;

    return at ? (int)(at - letters) : -1;
}

/* The bytes in a group of four letters, 1 to 3; 0 when it is none. */
static size_t read_group(const char *group, bool is_last, uint8_t ret_bytes[3])
{
    size_t count = is_last && group[3] == '=' ? (group[2] == '=' ? 1 : 2) : 3;
    uint32_t three = 0;

    for (size_t i = 0; i < 4; i++) {
        int bits = i <= count ? bits_of(group[i]) : 0;

        if (bits < 0)
            return 0;
        three = three << 6 | (uint32_t)bits;
    }
    if (count < 3 && (three & (count == 1 ? 0xffffu : 0xffu)) != 0)
        return 0; /* bits that no byte has */
    for (size_t i = 0; i < 3; i++)
        ret_bytes[i] = (uint8_t)(three >> (16 - 8 * i));
    return count;
}

bool str_from_base64(struct str text, uint8_t *ret_bytes, size_t size, size_t *ret_len)
{
    size_t len = 0;

    if (text.len % 4 != 0)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        uint8_t bytes[3];
        size_t count = read_group(text.ptr + i, i + 4 == text.len, bytes);

        if (count == 0 || count > size - len)
            return false;
        memcpy(ret_bytes + len, bytes, count);
        len += count;
    }
    *ret_len = len;
    return true;
}

char *str_dup(struct str s)
{
    return xstrndup(s.ptr ? s.ptr : "", s.len);
}

size_t str_utf8_len(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.ptr;
    unsigned char first = s.len > 0 ? at[0] : 0xff;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t len;

    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        len = 2;
    else if (first >= 0xe0 && first <= 0xef)
        len = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        len = 4;
    else
        return 0;
    if (s.len < len)
        return 0;

    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    }
    return len;
}

bool str_is_utf8(struct str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t len = str_utf8_len(str_n(s.ptr + i, s.len - i));

        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
