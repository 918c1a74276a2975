/* What types can be asked for, and how names and values are read. */
#include "control/api/listing.h"

#include <stdio.h>

#include "shared/attrs.h"
#include "shared/clock.h"
#include "shared/uuid.h"

#include "control/api/parameters.h"

#define OPERATOR_MARK  STR("__")
#define ATTRIBUTE_MARK STR("attributes.")
#define TAG            STR("tag")
#define ATTRIBUTE_MAX  100

#define BIT(op)  (1u << LISTING_##op)
#define SAME     (BIT(EQUAL) | BIT(NOT_EQUAL) | BIT(IN) | BIT(IS_NULL))
#define ORDERED  (BIT(LESS) | BIT(LESS_EQUAL) | BIT(GREATER) | BIT(GREATER_EQUAL))
#define MATCHING (BIT(CONTAINS) | BIT(STARTS_WITH))

static const char *const words[LISTING_OP_COUNT] = {
    [LISTING_EQUAL] = "",
    [LISTING_NOT_EQUAL] = "ne",
    [LISTING_LESS] = "lt",
    [LISTING_LESS_EQUAL] = "lte",
    [LISTING_GREATER] = "gt",
    [LISTING_GREATER_EQUAL] = "gte",
    [LISTING_IN] = "in",
    [LISTING_CONTAINS] = "contains",
    [LISTING_STARTS_WITH] = "startswith",
    [LISTING_IS_NULL] = "isnull",
    [LISTING_ALL] = "all",
};

static const unsigned ops_of[LISTING_TYPE_COUNT] = {
    [LISTING_TEXT] = SAME | ORDERED | MATCHING,
    [LISTING_UUID] = SAME,
    [LISTING_UUIDS] = BIT(EQUAL) | BIT(NOT_EQUAL) | BIT(IN) | BIT(ALL),
    [LISTING_INTEGER] = SAME | ORDERED,
    [LISTING_NUMBER] = SAME | ORDERED,
    [LISTING_BOOLEAN] = BIT(EQUAL) | BIT(NOT_EQUAL) | BIT(IS_NULL),
    [LISTING_TIME] = SAME | ORDERED,
    [LISTING_TAGS] = BIT(EQUAL) | BIT(NOT_EQUAL) | BIT(IN) | BIT(ALL),
    [LISTING_ATTRIBUTES] = SAME | ORDERED | MATCHING,
};

const char *listing_op_word(enum listing_op op)
{
    return words[op];
}

bool listing_type_has(enum listing_type type, enum listing_op op)
{
    return ops_of[type] >> op & 1;
}

const struct listing_field *listing_field_find(const struct listing *listing, struct str name)
{
    for (const struct listing_field *field = listing->fields; field->name; field++) {
        if (str_equal(name, str_of(field->name)))
            return field;
    }
    return NULL;
}

static const struct listing_field *field_of_type(const struct listing *listing,
                                                 enum listing_type type)
{
    for (const struct listing_field *field = listing->fields; field->name; field++) {
        if (field->type == type)
            return field;
    }
    return NULL;
}

/* Cuts the operator off a name; false when it has one that nobody knows. */
static bool take_op(struct str *name, enum listing_op *ret_op)
{
    *ret_op = LISTING_EQUAL;
    for (size_t at = name->len; at-- > 1;) {
        struct str word = str_sub(*name, at, name->len);

        if (!str_starts_with(word, OPERATOR_MARK))
            continue;
        word = str_sub(word, OPERATOR_MARK.len, word.len);
        *name = str_sub(*name, 0, at);
        for (int op = LISTING_EQUAL + 1; op < LISTING_OP_COUNT; op++) {
            if (str_equal(word, str_of(words[op]))) {
                *ret_op = (enum listing_op)op;
                return true;
            }
        }
        return false;
    }
    return true;
}

bool listing_condition_read(const struct listing *listing, struct str name,
                            struct listing_condition *ret_condition)
{
    struct listing_condition condition = {0};

    if (!take_op(&name, &condition.op))
        return false;
    if (str_equal(name, TAG)) {
        condition.field = field_of_type(listing, LISTING_TAGS);
    } else if (str_starts_with(name, ATTRIBUTE_MARK)) {
        condition.field = field_of_type(listing, LISTING_ATTRIBUTES);
        condition.attribute = str_sub(name, ATTRIBUTE_MARK.len, name.len);
        if (condition.attribute.len == 0 || condition.attribute.len > ATTRIBUTE_MAX ||
            !str_is_utf8(condition.attribute) ||
            memchr(condition.attribute.ptr, '\0', condition.attribute.len))
            return false;
    } else {
        condition.field = listing_field_find(listing, name);
        if (condition.field &&
            (condition.field->type == LISTING_TAGS || condition.field->type == LISTING_ATTRIBUTES))
            return false;
    }
    if (!condition.field || !listing_type_has(condition.field->type, condition.op))
        return false;
    *ret_condition = condition;
    return true;
}

/* ---- values ---- */

static bool is_integer(struct str value)
{
    uint64_t number;

    if (value.len > 0 && value.ptr[0] == '-')
        value = str_sub(value, 1, value.len);
    return str_to_u64(value, INT64_MAX, &number);
}

/* Digits with at most one point among them; PostgreSQL's numeric takes as many as there may be. */
static bool is_number(struct str value)
{
    struct str after = value;
    struct str before = str_cut(&after, '.');
    uint64_t number;

    return value.len <= 40 && is_integer(before) &&
           (!after.ptr || (after.len > 0 && str_to_u64(after, UINT64_MAX, &number)));
}

static bool is_text(struct str value)
{
    return value.len <= PARAMETER_TEXT_MAX && str_is_utf8(value) &&
           !memchr(value.ptr, '\0', value.len);
}

static bool is_boolean(struct str value)
{
    return str_equal(value, STR("true")) || str_equal(value, STR("false"));
}

static bool is_of_type(enum listing_type type, struct str value)
{
    struct uuid uuid;
    int64_t wall_ms;

    switch (type) {
    case LISTING_UUID:
    case LISTING_UUIDS:
        return uuid_parse(value, &uuid);
    case LISTING_INTEGER:
        return is_integer(value);
    case LISTING_NUMBER:
        return is_number(value);
    case LISTING_BOOLEAN:
        return is_boolean(value);
    case LISTING_TIME:
        return timestamp_parse(value, &wall_ms);
    case LISTING_TEXT:
    case LISTING_TAGS:
    case LISTING_ATTRIBUTES:
    case LISTING_OTHER:
    case LISTING_TYPE_COUNT:
        break;
    }
    return is_text(value);
}

static const char *what_it_must_be(enum listing_type type)
{
    switch (type) {
    case LISTING_UUID:
    case LISTING_UUIDS:
        return "must be a UUID";
    case LISTING_INTEGER:
        return "must be a whole number";
    case LISTING_NUMBER:
        return "must be a number such as 0.5";
    case LISTING_BOOLEAN:
        return "must be true or false";
    case LISTING_TIME:
        return "must be a time such as 2026-11-20T10:00:00Z";
    case LISTING_TEXT:
    case LISTING_TAGS:
    case LISTING_ATTRIBUTES:
    case LISTING_OTHER:
    case LISTING_TYPE_COUNT:
        break;
    }
    return "must be UTF-8 text of at most 500 bytes";
}

static enum listing_type value_type(const struct listing_condition *condition)
{
    if (condition->op == LISTING_IS_NULL)
        return LISTING_BOOLEAN;
    if (condition->field->type == LISTING_ATTRIBUTES && ORDERED >> condition->op & 1)
        return LISTING_NUMBER;
    return condition->field->type;
}

bool listing_value_is_valid(const struct listing_condition *condition, struct str value,
                            char *detail, size_t detail_bytes)
{
    enum listing_type type = value_type(condition);

    snprintf(detail, detail_bytes, "%s", what_it_must_be(type));
    if (condition->op != LISTING_IN)
        return is_of_type(type, value);
    while (value.ptr) {
        if (!is_of_type(type, str_cut(&value, ',')))
            return false;
    }
    return true;
}

/* ---- names ---- */

static bool sorts_by(enum listing_type type)
{
    return type != LISTING_UUIDS && type != LISTING_TAGS && type != LISTING_ATTRIBUTES &&
           type != LISTING_OTHER;
}

bool listing_names_are_valid(const struct listing *listing, struct str names, bool sorts,
                             char *detail, size_t detail_bytes)
{
    unsigned count = 0;

    while (names.ptr) {
        struct str name = str_cut(&names, ',');
        struct str plain = name;
        const struct listing_field *field;

        if (sorts && plain.len > 0 && plain.ptr[0] == '-')
            plain = str_sub(plain, 1, plain.len);
        field = listing_field_find(listing, plain);
        if (!field || (sorts && !sorts_by(field->type))) {
            snprintf(detail, detail_bytes, "has \"%.*s\", which is no field %s",
                     (int)MIN(plain.len, (size_t)40), plain.ptr, sorts ? "to sort by" : "of this");
            return false;
        }
        if (sorts && ++count > LISTING_SORT_MAX) {
            snprintf(detail, detail_bytes, "may have at most %d fields", LISTING_SORT_MAX);
            return false;
        }
    }
    return true;
}

const struct listing_include *listing_include_find(const struct listing *listing, struct str name)
{
    for (const struct listing_include *include = listing->includes; include && include->name;
         include++) {
        if (str_equal(str_of(include->name), name))
            return include;
    }
    return NULL;
}

bool listing_includes_are_valid(const struct listing *listing, struct str names, char *detail,
                                size_t detail_bytes)
{
    while (names.ptr) {
        struct str name = str_cut(&names, ',');

        if (!listing_include_find(listing, name)) {
            snprintf(detail, detail_bytes, "has \"%.*s\", which cannot be included here",
                     (int)MIN(name.len, (size_t)40), name.ptr);
            return false;
        }
    }
    return true;
}
