/* Text that was cut to a number of bytes may end inside of a character; text of a target may hold
 * anything. */
#include "prober/text.h"

static size_t sequence_len(unsigned char first)
{
    if (first >= 0xf0)
        return 4;
    if (first >= 0xe0)
        return 3;
    return first >= 0xc0 ? 2 : 1;
}

size_t utf8_cut(struct str text)
{
    size_t back = 0;

    while (back < 3 && back < text.len &&
           ((unsigned char)text.ptr[text.len - 1 - back] & 0xc0) == 0x80)
        back++;
    if (back == text.len)
        return text.len;
    return sequence_len((unsigned char)text.ptr[text.len - 1 - back]) > back + 1
               ? text.len - 1 - back
               : text.len;
}

/* The first `secret` in `bytes`; its end when there is none. */
static size_t find_secret(struct str bytes, struct str secret)
{
    const char *found = bytes.len > 0 ? memmem(bytes.ptr, bytes.len, secret.ptr, secret.len) : NULL;

    return found ? (size_t)(found - bytes.ptr) : bytes.len;
}

void text_append_foreign(struct buf *buf, struct str bytes, const char *secret, size_t limit)
{
    CLEANUP(buf_clear_p) struct buf shown = {0};
    struct str hidden = str_of(secret);

    while (hidden.len > 0 && shown.len < limit) {
        size_t before = find_secret(bytes, hidden);

        buf_append_str(&shown, str_sub(bytes, 0, before));
        if (before == bytes.len)
            break;
        buf_append_text(&shown, "***");
        bytes = str_sub(bytes, before + hidden.len, bytes.len);
    }
    buf_append_escaped(buf, hidden.len > 0 ? buf_str(&shown) : bytes, limit);
}
