/* Walks a document along a compiled schema and gathers everything that is wrong with it. */
#include <math.h>
#include <stdio.h>

#include "shared/json.h"
#include "shared/json_schema_errors.h"
#include "shared/json_schema_node.h"

static void check_value(struct schema_check *check, const struct json_schema *schema,
                        const json_t *value);

static unsigned bits_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return TYPE_OBJECT;
    case JSON_ARRAY:
        return TYPE_ARRAY;
    case JSON_STRING:
        return TYPE_STRING;
    case JSON_INTEGER:
        return TYPE_INTEGER | TYPE_NUMBER;
    case JSON_REAL:
        return TYPE_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return TYPE_BOOLEAN;
    case JSON_NULL:
        return TYPE_NULL;
    }
    return 0;
}

static void complain_type(struct schema_check *check, const struct json_schema *schema,
                          const json_t *value)
{
    static const struct {
        unsigned bit;
        const char *words;
    } names[] = {
        {TYPE_OBJECT, "an object"}, {TYPE_ARRAY, "an array"},     {TYPE_STRING, "a text"},
        {TYPE_NUMBER, "a number"},  {TYPE_INTEGER, "an integer"}, {TYPE_BOOLEAN, "true or false"},
        {TYPE_NULL, "null"},
    };
    CLEANUP(buf_clear_p) struct buf text = {0};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (schema->types & names[i].bit)
            buf_printf(&text, "%s%s", text.len > 0 ? " or " : "", names[i].words);
    }
    if (!schema->secret) {
        buf_append_text(&text, ", is ");
        schema_show_value(value, &text);
    }
    schema_complain(check, "type", "must be %s", text.data);
}

static bool is_one_of(const json_t *values, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (json_equal(json_array_get(values, i), value))
            return true;
    }
    return false;
}

static void check_choice(struct schema_check *check, const struct json_schema *schema,
                         const json_t *value)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    if (schema->values && !is_one_of(schema->values, value)) {
        for (size_t i = 0; i < json_array_size(schema->values); i++) {
            if (i > 0)
                buf_append_text(&text, ", ");
            schema_show_value(json_array_get(schema->values, i), &text);
        }
        buf_append_text(&text, "; is ");
        schema_show_value(value, &text);
        schema_complain(check, "enum", "must be one of %s", text.data);
    }
    if (schema->constant && !json_equal(schema->constant, value)) {
        buf_reset(&text);
        schema_show_value(schema->constant, &text);
        schema_complain(check, "const", "must be %s", text.data);
    }
}

/* -1, 0 or 1; exact for two integers. */
static int compare_numbers(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t left = json_integer_value(a);
        json_int_t right = json_integer_value(b);

        return (left > right) - (left < right);
    }
    return (json_number_value(a) > json_number_value(b)) -
           (json_number_value(a) < json_number_value(b));
}

static void check_range(struct schema_check *check, const struct json_schema *schema,
                        const json_t *value)
{
    bool low = schema->minimum && compare_numbers(value, schema->minimum) < 0;
    bool high = schema->maximum && compare_numbers(value, schema->maximum) > 0;
    CLEANUP(buf_clear_p) struct buf text = {0};

    if (!low && !high)
        return;
    if (schema->minimum && schema->maximum) {
        buf_append_text(&text, "between ");
        json_write(schema->minimum, &text);
        buf_append_text(&text, " and ");
        json_write(schema->maximum, &text);
    } else {
        buf_append_text(&text, low ? "at least " : "at most ");
        json_write(low ? schema->minimum : schema->maximum, &text);
    }
    buf_append_text(&text, ", is ");
    json_write(value, &text);
    schema_complain(check, low ? "minimum" : "maximum", "must be %s", text.data);
}

static void check_number(struct schema_check *check, const struct json_schema *schema,
                         const json_t *value)
{
    check_range(check, schema, value);
    if (schema->above && compare_numbers(value, schema->above) <= 0)
        schema_complain(check, "minimum", "must be more than %g, is %g",
                        json_number_value(schema->above), json_number_value(value));
    if (schema->below && compare_numbers(value, schema->below) >= 0)
        schema_complain(check, "maximum", "must be less than %g, is %g",
                        json_number_value(schema->below), json_number_value(value));
    if (schema->multiple &&
        fmod(json_number_value(value), json_number_value(schema->multiple)) != 0.0)
        schema_complain(check, "multiple", "must be a multiple of %g, is %g",
                        json_number_value(schema->multiple), json_number_value(value));
}

static size_t count_characters(struct str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

/* Texts, arrays and objects alike: how many there may be of what. */
static void check_count(struct schema_check *check, size_t count, size_t min, size_t max,
                        const char *what)
{
    if (count >= min && count <= max)
        return;
    if (min == max)
        schema_complain(check, count < min ? "too_short" : "too_long", "must have %zu %s, has %zu",
                        min, what, count);
    else if (count < min)
        schema_complain(check, "too_short", "must have at least %zu %s, has %zu", min, what, count);
    else
        schema_complain(check, "too_long", "must have at most %zu %s, has %zu", max, what, count);
}

static void check_string(struct schema_check *check, const struct json_schema *schema,
                         const json_t *value)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    size_t characters = count_characters(text);
    CLEANUP(buf_clear_p) struct buf shown = {0};
    char detail[256];

    check_count(check, characters, schema->min_length, schema->max_length,
                schema->min_length == 1 && characters < 1 ? "character" : "characters");
    if (schema->secret)
        buf_append_text(&shown, "not shown");
    else
        schema_show_value(value, &shown);
    /* What is too long is not looked at any further: patterns have their price. */
    if (characters > schema->max_length)
        return;
    if (schema->pattern && regex_match(schema->pattern, text) != REGEX_MATCH)
        schema_complain(check, "pattern", "must match %s, is %s", schema->pattern_text, shown.data);
    if (schema->format && schema->format->check &&
        !schema->format->check(text, detail, sizeof detail))
        schema_complain(check, "format", "%s; is %s", detail, shown.data);
}

const struct json_schema *json_schema_item(const struct json_schema *schema, size_t index)
{
    return index < schema->prefix.len ? schema->prefix.items[index] : schema->items;
}

static void check_array(struct schema_check *check, const struct json_schema *schema,
                        const json_t *value)
{
    size_t count = json_array_size(value);
    char index[24];

    check_count(check, count, schema->min_items, schema->max_items, "items");
    if (count > schema->max_items)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct json_schema *item = json_schema_item(schema, i);
        size_t before;

        if (!item)
            break;
        snprintf(index, sizeof index, "%zu", i);
        before = schema_step_into(check, index);
        check_value(check, item, json_array_get(value, i));
        schema_step_out(check, before);
    }
    for (size_t i = 0; schema->unique && i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (json_equal(json_array_get(value, i), json_array_get(value, j))) {
                schema_complain(check, "duplicate", "must have no equal items: %zu and %zu are", j,
                                i);
                return;
            }
        }
    }
}

const struct json_schema *json_schema_member(const struct json_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->properties.len; i++) {
        if (strcmp(schema->properties.items[i].name, name) == 0)
            return schema->properties.items[i].schema;
    }
    return schema->additional;
}

static void complain_unknown(struct schema_check *check, const struct json_schema *schema)
{
    CLEANUP(buf_clear_p) struct buf known = {0};

    for (size_t i = 0; i < schema->properties.len; i++)
        buf_printf(&known, "%s%s", i > 0 ? ", " : "", schema->properties.items[i].name);
    if (known.len > 0)
        schema_complain(check, "unknown_field", "is not a field here; there are: %s", known.data);
    else
        schema_complain(check, "unknown_field", "is not a field here");
}

static void check_member(struct schema_check *check, const struct json_schema *schema,
                         const char *name, const json_t *value)
{
    const struct json_schema *member = json_schema_member(schema, name);
    size_t before = schema_step_into(check, name);

    if (schema->names) {
        json_t *text = json_string(name);

        check_value(check, schema->names, text);
        json_decref(text);
    }
    if (member && member == schema->additional && member->nothing)
        complain_unknown(check, schema);
    else if (member)
        check_value(check, member, value);
    schema_step_out(check, before);
}

static void check_object(struct schema_check *check, const struct json_schema *schema,
                         const json_t *value)
{
    const char *name;
    json_t *member;

    check_count(check, json_object_size(value), schema->min_members, schema->max_members, "fields");
    if (json_object_size(value) > schema->max_members)
        return;
    for (size_t i = 0; i < json_array_size(schema->required); i++) {
        const char *wanted = json_string_value(json_array_get(schema->required, i));

        if (!json_object_get(value, wanted)) {
            size_t before = schema_step_into(check, wanted);

            schema_complain(check, "required", "is missing");
            schema_step_out(check, before);
        }
    }
    json_object_foreach((json_t *)value, name, member) check_member(check, schema, name, member);
}

/* Whether the value fits, without a word about it. */
static bool fits(const struct json_schema *schema, const json_t *value, size_t depth)
{
    json_t *errors = NULL;
    struct schema_check check = {.errors = &errors, .depth = depth};
    bool fit;

    check_value(&check, schema, value);
    fit = errors == NULL;
    json_decref(errors);
    buf_clear(&check.pointer);
    return fit;
}

/* The alternative that the value was most likely meant for: the only one whose type it has. */
static const struct json_schema *likely(const schema_vec *alternatives, const json_t *value)
{
    const struct json_schema *found = NULL;

    for (size_t i = 0; i < alternatives->len; i++) {
        const struct json_schema *schema = alternatives->items[i];

        while (schema->reference && schema->types == 0)
            schema = schema->reference;
        if (schema->types != 0 && !(schema->types & bits_of(value)))
            continue;
        if (found)
            return NULL;
        found = alternatives->items[i];
    }
    return found;
}

/* The titles of the alternatives that have one, in brackets. */
static void append_titles(struct buf *text, const schema_vec *alternatives)
{
    for (size_t i = 0; i < alternatives->len; i++) {
        const char *title = json_text(alternatives->items[i]->source, "title", NULL);

        if (title)
            buf_printf(text, "%s%s", text->len > 0 ? ", " : " (", title);
    }
    buf_append_text(text, text->len > 0 ? ")" : "");
}

static void check_alternatives(struct schema_check *check, const schema_vec *alternatives,
                               bool exactly_one, const json_t *value)
{
    CLEANUP(buf_clear_p) struct buf titles = {0};
    const struct json_schema *meant;
    size_t fitting = 0;

    for (size_t i = 0; i < alternatives->len; i++)
        fitting += fits(alternatives->items[i], value, check->depth);
    if (fitting == 1 || (fitting > 1 && !exactly_one))
        return;
    meant = fitting == 0 ? likely(alternatives, value) : NULL;
    if (meant) {
        check_value(check, meant, value);
        return;
    }
    append_titles(&titles, alternatives);
    schema_complain(check, "alternatives", "must have %s of %zu allowed forms%s, has %zu",
                    exactly_one ? "exactly one" : "one", alternatives->len, titles.data, fitting);
}

static void check_combinations(struct schema_check *check, const struct json_schema *schema,
                               const json_t *value)
{
    const struct json_schema *refused = schema->not ;

    if (schema->reference)
        check_value(check, schema->reference, value);
    for (size_t i = 0; i < schema->all_of.len; i++)
        check_value(check, schema->all_of.items[i], value);
    if (schema->any_of.len > 0)
        check_alternatives(check, &schema->any_of, false, value);
    if (schema->one_of.len > 0)
        check_alternatives(check, &schema->one_of, true, value);
    if (refused && fits(refused, value, check->depth))
        schema_complain(
            check, "not", "%s",
            json_text(refused->source, "description", "has a form that is not allowed here"));
}

static void check_typed(struct schema_check *check, const struct json_schema *schema,
                        const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        check_object(check, schema, value);
        break;
    case JSON_ARRAY:
        check_array(check, schema, value);
        break;
    case JSON_STRING:
        check_string(check, schema, value);
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        check_number(check, schema, value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
}

/* The parts by themselves first, then how they belong together. */
static void check_parts(struct schema_check *check, const struct json_schema *schema,
                        const json_t *value)
{
    size_t before = json_array_size(*check->errors);

    check_choice(check, schema, value);
    check_typed(check, schema, value);
    check_combinations(check, schema, value);
    if (schema->format && schema->format->check_value && !json_is_string(value) &&
        !json_is_null(value) && json_array_size(*check->errors) == before)
        schema->format->check_value(value, check->pointer.data ? check->pointer.data : "",
                                    check->errors);
}

static void check_value(struct schema_check *check, const struct json_schema *schema,
                        const json_t *value)
{
    if (check->depth == JSON_SCHEMA_DEPTH_MAX) {
        schema_complain(check, "too_deep", "is nested more than %d levels deep",
                        JSON_SCHEMA_DEPTH_MAX);
        return;
    }
    check->depth++;
    if (schema->nothing)
        schema_complain(check, "not", "must not be here");
    else if (schema->types != 0 && !(schema->types & bits_of(value)))
        complain_type(check, schema, value);
    else
        check_parts(check, schema, value);
    check->depth--;
}

enum err json_schema_check(const struct json_schema *schema, const json_t *document,
                           const char *base, json_t **errors)
{
    json_t *found = NULL;
    struct schema_check check = {.errors = &found};

    buf_append_text(&check.pointer, base);
    check_value(&check, schema, document);
    buf_clear(&check.pointer);
    if (!found)
        return OK;
    while (json_array_size(found) > JSON_SCHEMA_ERRORS_MAX)
        json_array_remove(found, JSON_SCHEMA_ERRORS_MAX);
    if (!*errors)
        *errors = json_array();
    json_array_extend(*errors, found);
    json_decref(found);
    return ERR_INVALID;
}
