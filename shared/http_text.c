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

bool http_is_host(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c <= ' ' || c >= 0x7f || strchr("/?#@,\\\"<>", c))
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

/* Whether `part`, in lower case, is in the text. */
static bool has_part(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (str_equal_nocase(str_sub(text, i, part.len), part))
            return true;
    }
    return false;
}

bool http_is_secret_header(struct str name)
{
    static const char *const names[] = {"authorization", "proxy-authorization", "cookie",
                                        "set-cookie"};
    static const char *const parts[] = {"token",  "secret",     "password", "api-key",
                                        "apikey", "access-key", "auth-key"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_equal_nocase(name, str_of(names[i])))
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (has_part(name, str_of(parts[i])))
            return true;
    }
    return false;
}
