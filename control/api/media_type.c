/* The few types that somebody here can read. */
#include "control/api/media_type.h"

#include "shared/attrs.h"

static const struct {
    const char *name;
    enum media_type type;
} names[] = {
    {"application/json", MEDIA_JSON},
    {"application/merge-patch+json", MEDIA_JSON},
    {"application/x-www-form-urlencoded", MEDIA_FORM},
    {"text/plain", MEDIA_TEXT},
    {"application/x-ndjson", MEDIA_LINES},
    {"application/jsonl", MEDIA_LINES},
};

/* Whether none of the parameters says that the text is not UTF-8. */
static bool is_utf8(struct str parameters)
{
    while (parameters.ptr) {
        struct str parameter = str_trim(str_cut(&parameters, ';'));
        struct str charset;

        if (parameter.len <= 8 || !str_equal_nocase(str_sub(parameter, 0, 8), STR("charset=")))
            continue;
        charset = str_sub(parameter, 8, parameter.len);
        if (!str_equal_nocase(charset, STR("utf-8")) &&
            !str_equal_nocase(charset, STR("\"utf-8\"")))
            return false;
    }
    return true;
}

enum media_type media_type_of(struct str field)
{
    struct str name = field.ptr ? str_trim(str_cut(&field, ';')) : field;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        enum media_type type = names[i].type;

        if (!str_equal_nocase(name, str_of(names[i].name)))
            continue;
        return (type == MEDIA_JSON || type == MEDIA_LINES) && !is_utf8(field) ? MEDIA_OTHER : type;
    }
    return MEDIA_OTHER;
}
