/* The table of query parameters and the checks of their types. */
#include "control/api/parameters.h"

#include <stdio.h>

#include "shared/attrs.h"
#include "shared/clock.h"
#include "shared/uuid.h"

#include "control/api/request.h"

/* clang-format off */
static const struct parameter parameters[] = {
    { "limit",                PARAMETER_INTEGER, "How many items a page has at most", .min = 1, .max = PAGE_LIMIT_MAX, .otherwise = "50" },
    { "cursor",               PARAMETER_CURSOR,  "Where the page begins: `next` of the page before it" },
    { "count",                PARAMETER_BOOLEAN, "Whether to add the `total`" },
    { "sort",                 PARAMETER_WORD,    "Fields to sort by, descending with a leading `-`" },
    { "fields",               PARAMETER_WORD,    "The fields to answer with" },
    { "include",              PARAMETER_WORD,    "Related objects to add" },
    { "as_of",                PARAMETER_TIME,    "Answer as it stood then" },
    { "q",                    PARAMETER_TEXT,    "Words to look for in key, name and description" },
    { "key",                  PARAMETER_TEXT,    "Only the one with this key" },
    { "tag",                  PARAMETER_TEXT,    "Only those with this tag" },
    { "id",                   PARAMETER_UUID,    "Only this one" },
    { "organisation",         PARAMETER_UUID,    "Only those of this organisation" },
    { "chain",                PARAMETER_UUID,    "Only this chain: an organisation's id; that of the installation as a whole without it" },
    { "after",                PARAMETER_INTEGER, "Only what has a higher sequence", .min = 0, .max = INT64_MAX, .otherwise = "0" },
    { "business_unit",        PARAMETER_UUID,    "Only those of this business unit" },
    { "parent",               PARAMETER_UUID,    "Only those directly below this one" },
    { "system",               PARAMETER_UUID,    "Only those of this system" },
    { "environment_group",    PARAMETER_UUID,    "Only those of this environment group" },
    { "instance",             PARAMETER_UUID,    "Only those of this instance" },
    { "definition",           PARAMETER_UUID,    "Only those of this component definition" },
    { "component",            PARAMETER_UUID,    "Only those of this component" },
    { "check",                PARAMETER_UUID,    "Only those of this check" },
    { "scope",                PARAMETER_UUID,    "This one and everything below it" },
    { "root",                 PARAMETER_UUID,    "Where to begin" },
    { "depth",                PARAMETER_INTEGER, "How many levels below the root", .min = 0, .max = 32 },
    { "kind",                 PARAMETER_WORD,    "Only those of this kind" },
    { "state",                PARAMETER_WORD,    "Only those in this state" },
    { "from",                 PARAMETER_TIME,    "Not before this time" },
    { "to",                   PARAMETER_TIME,    "Before this time" },
    { "cascade",              PARAMETER_BOOLEAN, "Whether to take what is below with it" },
    { "dry_run",              PARAMETER_BOOLEAN, "Whether to try it only: the answer is what it would be, and nothing is changed" },
    { "enabled",              PARAMETER_BOOLEAN, "Only those that are, or are not, enabled" },
    { "status",               PARAMETER_WORD,    "How it went: ok, warn or fail" },
    { "message",              PARAMETER_BYTES,   "What people should know of it; cut after 512 bytes" },
    { "duration_ms",          PARAMETER_INTEGER, "How long it took", .min = 0, .max = 31622400000 },
    { "exit_code",            PARAMETER_INTEGER, "What the job ended with: 0 is ok, anything else fail", .min = 0, .max = UINT32_MAX },
};
/* clang-format on */

static const struct parameter plain_text = {.name = "", .type = PARAMETER_TEXT};

const struct parameter *parameter_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
        if (strcmp(parameters[i].name, name) == 0)
            return &parameters[i];
    }
    return &plain_text;
}

bool parameter_permission(const char *name, enum permission *ret_permission)
{
    struct str wanted = str_of(name);

    if (!str_starts_with(wanted, STR("may_")))
        return false;
    wanted = str_sub(wanted, 4, wanted.len);
    for (int permission = 0; permission < PERMISSION_COUNT; permission++) {
        struct str word = str_of(permission_words[permission]);
        struct str rest = word;
        struct str resource = str_cut(&rest, '.');

        if (rest.ptr && word.len == wanted.len && str_starts_with(wanted, resource) &&
            wanted.ptr[resource.len] == '_' &&
            str_equal(str_sub(wanted, resource.len + 1, wanted.len), rest)) {
            *ret_permission = (enum permission)permission;
            return true;
        }
    }
    return false;
}

static bool consists_of(struct str value, const char *further)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!plain && (c == '\0' || !strchr(further, c)))
            return false;
    }
    return value.len > 0;
}

static bool is_integer(const struct parameter *parameter, struct str value)
{
    uint64_t number;

    return str_to_u64(value, INT64_MAX, &number) && (int64_t)number >= parameter->min &&
           (int64_t)number <= parameter->max;
}

bool parameter_is_valid(const struct parameter *parameter, struct str value, char *detail,
                        size_t detail_bytes)
{
    struct uuid uuid;
    int64_t wall_ms;

    switch (parameter->type) {
    case PARAMETER_TEXT:
        snprintf(detail, detail_bytes, "must be UTF-8 text of at most %d bytes",
                 PARAMETER_TEXT_MAX);
        return value.len <= PARAMETER_TEXT_MAX && str_is_utf8(value) &&
               !memchr(value.ptr, '\0', value.len);
    case PARAMETER_UUID:
        snprintf(detail, detail_bytes, "must be a UUID");
        return uuid_parse(value, &uuid);
    case PARAMETER_INTEGER:
        snprintf(detail, detail_bytes, "must be a number from %lld to %lld",
                 (long long)parameter->min, (long long)parameter->max);
        return is_integer(parameter, value);
    case PARAMETER_BOOLEAN:
        snprintf(detail, detail_bytes, "must be true or false");
        return str_equal(value, STR("true")) || str_equal(value, STR("false"));
    case PARAMETER_TIME:
        snprintf(detail, detail_bytes, "must be a time such as 2026-11-20T10:00:00Z");
        return timestamp_parse(value, &wall_ms);
    case PARAMETER_WORD:
        snprintf(detail, detail_bytes, "must be one or several words, separated by commas");
        return value.len <= PARAMETER_TEXT_MAX && consists_of(value, "_-.,");
    case PARAMETER_BYTES:
        return true;
    case PARAMETER_CURSOR:
        snprintf(detail, detail_bytes, "must be what a page gave as `next`");
        return value.len <= PARAMETER_CURSOR_MAX &&
               consists_of(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.:=");
    }
    return false;
}
