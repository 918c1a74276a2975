/* The limits that JSON Schema cannot say (bytes, not characters) and the rules between fields. */
#include "control/cmdb/item_rules.h"

#include <math.h>
#include <stdio.h>

#include "shared/buf.h"
#include "shared/json.h"
#include "shared/uuid.h"

/* Of a key made from a name, so that "-1000" fits behind it. */
#define STEM_BYTES_MAX 56

static void check_bytes(const json_t *fields, const char *field, size_t max, json_t **errors)
{
    const json_t *value = json_object_get(fields, field);
    char pointer[32];

    if (!json_is_string(value) || json_string_length(value) <= max)
        return;
    snprintf(pointer, sizeof pointer, "/%s", field);
    json_add_error(errors, pointer, "too_long", "It takes %zu bytes, at most %zu fit.",
                   json_string_length(value), max);
}

/* Beyond these, readers of JSON disagree on what a number is: 2^53, and a size that takes no room
 * in decimal digits. */
static bool is_common_number(const json_t *value)
{
    double size = fabs(json_number_value(value));

    return size == 0 || (size >= 1e-15 && size < 9007199254740992.0);
}

/* Finds numbers at any depth; nesting is bounded by what was parsed. */
static bool has_odd_number(const json_t *value)
{
    const char *key;
    json_t *inner;
    size_t i;

    if (json_is_number(value))
        return !is_common_number(value);
    json_object_foreach((json_t *)value, key, inner) if (has_odd_number(inner)) return true;
    json_array_foreach(value, i, inner) if (has_odd_number(inner)) return true;
    return false;
}

static void check_attributes(const json_t *fields, json_t **errors)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    const json_t *attributes = json_object_get(fields, "attributes");

    if (!json_is_object(attributes))
        return;
    json_write(attributes, &text);
    if (text.len > ITEM_ATTRIBUTES_BYTES_MAX)
        json_add_error(errors, "/attributes", "too_long",
                       "They take %zu bytes as JSON, at most %d fit.", text.len,
                       ITEM_ATTRIBUTES_BYTES_MAX);
    if (has_odd_number(attributes))
        json_add_error(errors, "/attributes", "number_out_of_range",
                       "Numbers of 2^53 and more, or under 1e-15, have to be written as text.");
}

/* A reference is an id or a key path, so a key that looks like an id could not be found. */
static void check_key(const json_t *fields, json_t **errors)
{
    struct uuid uuid;

    if (uuid_parse(str_of(json_loose_text(fields, "key", "")), &uuid))
        json_add_error(errors, "/key", "looks_like_id", "A key must not have the form of an id.");
}

void item_rules_common(const json_t *fields, json_t **errors)
{
    check_key(fields, errors);
    check_bytes(fields, "name", ITEM_NAME_BYTES_MAX, errors);
    check_bytes(fields, "description", ITEM_DESCRIPTION_BYTES_MAX, errors);
    check_attributes(fields, errors);
}

void item_rules_propagation(const json_t *fields, json_t **errors)
{
    const char *policy = json_loose_text(fields, "policy", "worst");
    double operational_at =
        json_loose_number(fields, "operational_at", ITEM_OPERATIONAL_AT_DEFAULT);
    double down_below = json_loose_number(fields, "down_below", ITEM_DOWN_BELOW_DEFAULT);

    if (str_equal(str_of(policy), STR("quorum")) && !json_has(fields, "min_up"))
        json_add_error(errors, "/min_up", "required", "The policy quorum needs it.");
    if (down_below > operational_at)
        json_add_error(errors, "/down_below", "above_operational_at",
                       "It must not be above operational_at, which is %g.", operational_at);
}

void item_key_from_name(struct str name, const char *otherwise, char ret_key[ITEM_KEY_BYTES])
{
    size_t len = 0;
    bool gap = false;

    for (size_t i = 0; i < name.len && len < STEM_BYTES_MAX; i++) {
        char c = name.ptr[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            gap = true;
            continue;
        }
        if (gap && len > 0)
            ret_key[len++] = '-';
        gap = false;
        ret_key[len++] = c;
    }
    ret_key[len] = '\0';
    if (len == 0)
        snprintf(ret_key, ITEM_KEY_BYTES, "%s", otherwise);
}
