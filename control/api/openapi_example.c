/* Members that say nothing of themselves are known by their names. */
#include "control/api/openapi_example.h"

#include <string.h>

#include "shared/attrs.h"
#include "shared/json.h"

#define DEPTH_MAX  8 /* below that, lists are empty */
#define COMPONENTS "#/components/schemas/"

static const struct {
    const char *name;
    const char *text;
} known_texts[] = {
    {"action", "update"},
    {"actor", "administrator"},
    {"address", "192.0.2.10:443"},
    {"api_key", "em_key_…"},
    {"code", "body_invalid"},
    {"description", "Takes the money."},
    {"detail", "Some fields are not right."},
    {"hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    {"key", "payments"},
    {"kind", "system"},
    {"location", "default"},
    {"message", "connection refused by 192.0.2.10:443"},
    {"name", "Payments"},
    {"pointer", "/name"},
    {"reason", "Planned upgrade"},
    {"request_id", "0199a1b27c3d7e4f"},
    {"scope", "inventory.read"},
    {"type", "system.updated"},
    {"url", "https://payments.example/"},
    {"version", "1"},
};

struct maker {
    const json_t *components;
    int depth;
};

static json_t *make(struct maker *maker, const char *name, const json_t *schema);

static const json_t *referred(const struct maker *maker, const json_t *schema)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));

    if (!reference || strncmp(reference, COMPONENTS, strlen(COMPONENTS)) != 0)
        return NULL;
    return json_object_get(maker->components, reference + strlen(COMPONENTS));
}

/* What the schema itself shows; NULL: nothing. */
static json_t *shown(const json_t *schema)
{
    json_t *list = json_object_get(schema, "examples");
    json_t *options = json_object_get(schema, "enum");
    json_t *value;
    size_t i;

    if (json_array_size(list) > 0)
        return json_incref(json_array_get(list, 0));
    if (json_object_get(schema, "const"))
        return json_incref(json_object_get(schema, "const"));
    if (json_object_get(schema, "default"))
        return json_incref(json_object_get(schema, "default"));
    json_array_foreach(options, i, value)
    {
        if (json_is_null(value))
            return json_null();
    }
    return options ? json_incref(json_array_get(options, 0)) : NULL;
}

static json_t *make_text(const char *name, const json_t *schema)
{
    static const struct {
        const char *format;
        const char *text;
    } formats[] = {
        {"uuid", "0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"},
        {"date-time", "2026-11-20T10:00:00.000Z"},
        {"http-url", "https://payments.example/"},
        {"ip", "192.0.2.10"},
    };

    const char *format = json_loose_text(schema, "format", "");

    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].format, format) == 0)
            return json_string(formats[i].text);
    }
    for (size_t i = 0; name && i < ARRAY_LEN(known_texts); i++) {
        if (strcmp(known_texts[i].name, name) == 0)
            return json_string(known_texts[i].text);
    }
    return json_string(name ? name : "text");
}

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *required = json_object_get(schema, "required");
    json_t *one;
    size_t i;

    json_array_foreach((json_t *)required, i, one)
    {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* All that it must have, and one of what it may have when it must have nothing. */
static json_t *make_object(struct maker *maker, const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties");
    size_t wanted = (size_t)json_loose_integer(schema, "minProperties", 0);
    json_t *object = json_object();
    const char *name;
    json_t *property;

    json_object_foreach((json_t *)properties, name, property)
    {
        if (is_required(schema, name))
            json_object_set_new(object, name, make(maker, name, property));
    }
    json_object_foreach((json_t *)properties, name, property)
    {
        if (json_object_size(object) >= wanted)
            break;
        if (!json_object_get(object, name))
            json_object_set_new(object, name, make(maker, name, property));
    }
    return object;
}

static json_t *make_array(struct maker *maker, const char *name, const json_t *schema)
{
    const json_t *items = json_object_get(schema, "items");
    json_t *array = json_array();

    if (items && (maker->depth < DEPTH_MAX || json_loose_integer(schema, "minItems", 0) > 0))
        json_array_append_new(array, make(maker, name, items));
    return array;
}

static json_t *make_of_type(struct maker *maker, const char *name, const char *type,
                            const json_t *schema)
{
    if (strcmp(type, "object") == 0)
        return make_object(maker, schema);
    if (strcmp(type, "array") == 0)
        return make_array(maker, name, schema);
    if (strcmp(type, "string") == 0)
        return make_text(name, schema);
    if (strcmp(type, "boolean") == 0)
        return json_true();
    if (strcmp(type, "integer") == 0)
        return json_integer(json_loose_integer(schema, "minimum", 1));
    if (strcmp(type, "number") == 0)
        return json_real(json_loose_number(schema, "minimum", 0.5));
    return json_null();
}

/* The type of a schema; of several the first. */
static const char *type_of(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");

    if (json_is_array(type))
        type = json_array_get(type, 0);
    if (type)
        return json_string_value(type);
    return json_object_get(schema, "properties") ? "object" : "null";
}

/* One that is put together: of its first choice, or of all parts. */
static json_t *make_combined(struct maker *maker, const char *name, const json_t *schema)
{
    const json_t *choices = json_object_get(schema, "oneOf");
    const json_t *parts = json_object_get(schema, "allOf");
    json_t *whole;
    json_t *part;
    size_t i;

    if (!choices)
        choices = json_object_get(schema, "anyOf");
    if (choices)
        return make(maker, name, json_array_get(choices, 0));
    whole = make_of_type(maker, name, type_of(schema), schema);
    json_array_foreach((json_t *)parts, i, part)
    {
        JSON_AUTO json_t *more = make(maker, name, part);

        if (json_is_object(whole) && json_is_object(more))
            json_object_update_missing(whole, more);
    }
    return whole;
}

static json_t *make(struct maker *maker, const char *name, const json_t *schema)
{
    json_t *example = shown(schema);
    const json_t *target = referred(maker, schema);

    if (example || maker->depth > 2 * DEPTH_MAX)
        return example ? example : json_null();
    maker->depth++;
    example = target ? make(maker, name, target) : make_combined(maker, name, schema);
    maker->depth--;
    return example;
}

json_t *openapi_example(const json_t *components, const json_t *schema)
{
    struct maker maker = {.components = components};

    return make(&maker, NULL, schema);
}
