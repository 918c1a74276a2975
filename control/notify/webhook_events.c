/* The types of events: one for what health tells, one for where the journal ends, the others from
 * the journal, which has an action for each kind. */
#include "control/notify/webhook_events.h"

#include <stdio.h>

#include "contract/entity.h"

#include "shared/attrs.h"

#define TYPE_BYTES 64
#define INVENTORY  "created", "updated", "deleted", "restored"

/* By enum entity_kind: what is told of it. */
static const char *const *const actions_of[ENTITY_COUNT] = {
    [ENTITY_ORGANISATION] = (const char *const[]){INVENTORY, NULL},
    [ENTITY_BUSINESS_UNIT] = (const char *const[]){INVENTORY, NULL},
    [ENTITY_SYSTEM] = (const char *const[]){INVENTORY, NULL},
    [ENTITY_ENVIRONMENT_GROUP] = (const char *const[]){INVENTORY, NULL},
    [ENTITY_INSTANCE] = (const char *const[]){INVENTORY, NULL},
    [ENTITY_COMPONENT_DEFINITION] = (const char *const[]){INVENTORY, NULL},
    [ENTITY_COMPONENT] = (const char *const[]){INVENTORY, NULL},
    [ENTITY_CHECK] = (const char *const[]){INVENTORY, NULL},
    [ENTITY_MAINTENANCE_WINDOW] = (const char *const[]){"created", "ended", "deleted", NULL},
    [ENTITY_SETTINGS] = (const char *const[]){"updated", NULL},
    [ENTITY_API_KEY] = (const char *const[]){"created", "revoked", NULL},
    [ENTITY_WEBHOOK] = (const char *const[]){INVENTORY, "rotated", "disabled", "replayed", NULL},
};

const struct listing webhook_event_listing = {
    .name = "events",
    .fields =
        (const struct listing_field[]){
            {"type", LISTING_TEXT, NULL},
            {"kind", LISTING_TEXT, NULL},
            {"entity", LISTING_UUID, NULL},
            {"organisation", LISTING_UUID, NULL},
            {"scope", LISTING_UUIDS, NULL},
            {"key", LISTING_TEXT, NULL},
            {"name", LISTING_TEXT, NULL},
            {"actor", LISTING_TEXT, NULL},
            {"from", LISTING_TEXT, "base.from_state"},
            {"to", LISTING_TEXT, "base.to_state"},
            {"tags", LISTING_TAGS, NULL},
            {"attributes", LISTING_ATTRIBUTES, NULL},
            {0},
        },
};

/* Calls `visit` for each type until it says true; whether it did. */
static bool visit_types(bool (*visit)(void *context, const char *type, const char *description),
                        void *context)
{
    if (visit(context, WEBHOOK_STATUS_EVENT, "The state of something has changed."))
        return true;
    if (visit(context, WEBHOOK_HEAD_EVENT,
              "A chain of the journal has grown: where it ends, at most once an hour."))
        return true;
    for (int kind = 1; kind < ENTITY_COUNT; kind++) {
        for (const char *const *action = actions_of[kind]; action && *action; action++) {
            char type[TYPE_BYTES];
            char description[2 * TYPE_BYTES];

            snprintf(type, sizeof type, "%s.%s", entity_words[kind], *action);
            snprintf(description, sizeof description, "%s was %s.", entity_words[kind], *action);
            for (char *at = description; *at; at++)
                *at = *at == '_' ? ' ' : *at;
            description[0] = (char)(description[0] - 'a' + 'A');
            if (visit(context, type, description))
                return true;
        }
    }
    return false;
}

static bool add_type(void *context, const char *type, const char *description)
{
    json_array_append_new(context,
                          json_pack("{s:s, s:s}", "type", type, "description", description));
    return false;
}

json_t *webhook_event_types(void)
{
    json_t *types = json_array();

    visit_types(add_type, types);
    return types;
}

/* What stands before a "*" at the end; the whole when there is none. */
static bool is_prefix(struct str pattern, struct str *ret_prefix)
{
    bool has_star = pattern.len > 0 && pattern.ptr[pattern.len - 1] == '*';

    *ret_prefix = has_star ? str_sub(pattern, 0, pattern.len - 1) : pattern;
    return has_star;
}

static bool fits(struct str pattern, const char *type)
{
    struct str prefix;

    return is_prefix(pattern, &prefix) ? str_starts_with(str_of(type), prefix)
                                       : str_equal(str_of(type), pattern);
}

static bool fits_pattern(void *context, const char *type, const char *description)
{
    const struct str *pattern = context;

    (void)description;
    return fits(*pattern, type);
}

bool webhook_pattern_is_known(struct str pattern)
{
    struct str prefix;

    if (is_prefix(pattern, &prefix) && prefix.len > 0 && prefix.ptr[prefix.len - 1] != '.')
        return false;
    return visit_types(fits_pattern, &pattern);
}

permission_set webhook_pattern_permissions(struct str pattern)
{
    permission_set of_changes = PERMISSION_BIT(PERMISSION_JOURNAL_READ);
    permission_set of_status = PERMISSION_BIT(PERMISSION_HEALTH_READ);

    if (str_equal(pattern, STR("*")))
        return of_changes | of_status;
    return fits(pattern, WEBHOOK_STATUS_EVENT) ? of_status : of_changes;
}

void webhook_pattern_append_like(struct buf *out, struct str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];

        if (c == '_' || c == '%' || c == '\\')
            buf_append_char(out, '\\');
        buf_append_char(out, c == '*' ? '%' : c);
    }
}
