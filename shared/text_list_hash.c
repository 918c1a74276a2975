/* The list is made first and hashed then: lists are short, and a wrong hash can be looked into. */
#include "shared/text_list_hash.h"

#include "shared/crypto.h"

void text_list_add(struct buf *list, struct str text)
{
    if (!text.ptr) {
        buf_append_text(list, "-,");
        return;
    }
    buf_printf(list, "%zu:", text.len);
    buf_append_str(list, text);
    buf_append_char(list, ',');
}

void text_list_hash(const struct buf *list, char ret_hex[TEXT_LIST_HASH_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_BYTES];

    sha256(buf_str(list), digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        ret_hex[2 * i] = digits[digest[i] >> 4];
        ret_hex[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_hex[TEXT_LIST_HASH_BYTES - 1] = '\0';
}
