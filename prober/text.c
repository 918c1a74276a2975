/* Text that was cut to a number of bytes may end inside of a character. */
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
