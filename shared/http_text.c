/* Characters, one by one. */
#include "shared/http_text.h"

#include <ctype.h>

#include "shared/attrs.h"

bool http_is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\0' || (!isalnum((unsigned char)c) && !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return text.len > 0;
}

bool http_is_field_value(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool http_is_framing_header(struct str name)
{
    static const char *const names[] = {
        "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_equal_nocase(name, str_of(names[i])))
            return true;
    }
    return false;
}
