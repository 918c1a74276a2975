/* The formats that schemas may name. What is written into `detail` follows the name of the value:
 * "must be …". */
#include <stdio.h>

#include "shared/clock.h"
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

static bool is_host(struct str host)
{
    bool bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

    if (bracketed)
        host = str_sub(host, 1, host.len - 2);
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool plain = is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';

        if (bracketed ? !plain && c != ':' && c != '%' : !plain && c != '_')
            return false;
    }
    return host.len > 0 && host.len <= 255;
}

/* "host", "host:port", "[v6]:port". */
static bool is_authority(struct str authority)
{
    size_t host_len = authority.len;
    uint64_t port;

    while (host_len > 0 && authority.ptr[host_len - 1] != ':' && authority.ptr[host_len - 1] != ']')
        host_len--;
    if (host_len == 0 || authority.ptr[host_len - 1] == ']')
        return is_host(authority) && (host_len == 0 || host_len == authority.len);
    return is_host(str_sub(authority, 0, host_len - 1)) &&
           str_to_u64(str_sub(authority, host_len, authority.len), 65535, &port) && port > 0;
}

static bool is_http_url(struct str text, char *detail, size_t detail_bytes)
{
    struct str rest;
    size_t end = 0;

    snprintf(detail, detail_bytes,
             "must be an absolute http or https URL without user and fragment");
    if (str_starts_with(text, STR("http://")))
        rest = str_sub(text, 7, text.len);
    else if (str_starts_with(text, STR("https://")))
        rest = str_sub(text, 8, text.len);
    else
        return false;
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] <= ' ' || rest.ptr[i] >= 0x7f || rest.ptr[i] == '#') {
            snprintf(detail, detail_bytes,
                     "must consist of visible ASCII without \"#\": percent-encode the rest");
            return false;
        }
    }
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    return is_authority(str_sub(rest, 0, end));
}

static bool is_status(struct str text, uint64_t *ret_status)
{
    return text.len == 3 && str_to_u64(text, 999, ret_status) && *ret_status >= 100;
}

static bool is_status_list(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes, "must be statuses and ranges such as \"200-299,401\"");
    if (text.len == 0)
        return false;
    while (text.ptr) {
        struct str to = str_trim(str_cut(&text, ','));
        struct str from = str_trim(str_cut(&to, '-'));
        uint64_t first;
        uint64_t last;

        if (!is_status(from, &first))
            return false;
        if (to.ptr && (!is_status(str_trim(to), &last) || last < first))
            return false;
    }
    return true;
}

static bool is_header_text(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes, "must have no line breaks and no other control characters");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
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

const struct json_format json_formats[] = {
    {"date-time", is_date_time},
    {"uuid", is_uuid},
    {"key", is_key},
    {"line", is_line},
    {"http-url", is_http_url},
    {"status-list", is_status_list},
    {"header-text", is_header_text},
    {"pcre2", is_pcre2},
    {0},
};
