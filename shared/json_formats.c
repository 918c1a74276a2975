/* The formats that schemas may name. What is written into `detail` follows the name of the value:
 * "must be …". */
#include <stdio.h>

#include "shared/clock.h"
#include "shared/jq_check.h"
#include "shared/json_schema_node.h"
#include "shared/uuid.h"

static bool is_date_time(struct str text, char *detail, size_t detail_bytes)
{
    int64_t wall_ms;

    snprintf(detail, detail_bytes, "must be a time such as \"2026-11-20T10:00:00Z\"");
    return timestamp_parse(text, &wall_ms);
}

static bool is_uuid(struct str text, char *detail, size_t detail_bytes)
{
    struct uuid uuid;

    snprintf(detail, detail_bytes, "must be a UUID");
    return uuid_parse(text, &uuid);
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_key(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes,
             "must be 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begin "
             "with a letter or digit");
    if (text.len == 0 || text.len > 63 || !is_lower_or_digit(text.ptr[0]))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.ptr[i];

        if (!is_lower_or_digit(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

static bool is_line(struct str text, char *detail, size_t detail_bytes)
{
    bool blank = true;

    snprintf(detail, detail_bytes, "must be one line of text that is not blank");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c == 0x7f)
            return false;
        blank = blank && c == ' ';
    }
    return !blank;
}

static bool is_pcre2(struct str text, char *detail, size_t detail_bytes)
{
    struct regex *regex;

    if (regex_new(text, &regex) != OK) {
        snprintf(detail, detail_bytes, "must be a regular expression (PCRE2): %s",
                 failure_last()->detail);
        failure_clear();
        return false;
    }
    regex_free(regex);
    return true;
}

/* clang-format off */
const struct json_format json_formats[] = {
    {"date-time", is_date_time},
    {"uuid", is_uuid},
    {"key", is_key},
    {"line", is_line},
    {"pcre2", is_pcre2},
    {"jq", jq_check_format},
    {0},
};
/* clang-format on */
