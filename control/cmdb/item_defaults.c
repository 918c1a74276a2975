/* Looks through the schemas once; a `default` beside a $ref goes before that of the file it
 * names. */
#include "control/cmdb/item_defaults.h"

#include <string.h>

#include "shared/json.h"
#include "shared/json_schema.h"
#include "shared/mem.h"

#include "control/cmdb/cmdb.h"
#include "control/cmdb/item.h"

/* Objects of field → default, by kind; written once. */
static json_t *defaults[ENTITY_COUNT];

/* The schema that {"$ref": "field_key.json"} names. */
static const json_t *referred(const struct json_schemas *schemas, const char *file)
{
    char name[64] = "";
    const char *dot = strchr(file, '.');
    const struct json_schema *schema;

    if (dot && (size_t)(dot - file) < sizeof name)
        memcpy(name, file, (size_t)(dot - file));
    schema = json_schemas_find(schemas, name);
    return schema ? json_schema_source(schema) : NULL;
}

static json_t *default_of(const struct json_schemas *schemas, const json_t *property)
{
    const char *file = json_text(property, "$ref", NULL);
    json_t *value = json_object_get(property, "default");

    if (!value && file)
        value = json_object_get(referred(schemas, file), "default");
    return value;
}

static enum err read_defaults(const struct json_schemas *schemas, const struct item_type *type)
{
    AUTO(xfree) char *name = xasprintf("%s_new", type->word);
    const struct json_schema *schema = json_schemas_find(schemas, name);
    const char *field;
    json_t *property;

    if (!schema)
        return fail(ERR_BUG, "schema_missing", "There is no schema %s.", name);
    defaults[type->kind] = json_object();
    json_object_foreach(json_object_get(json_schema_source(schema), "properties"), field, property)
    {
        json_t *value = default_of(schemas, property);

        if (value && !json_is_null(value))
            json_object_set_new(defaults[type->kind], field, json_deep_copy(value));
    }
    return OK;
}

enum err item_defaults_init(void)
{
    AUTO(json_schemas_free) struct json_schemas *schemas = json_schemas_new();

    json_schemas_add(schemas, cmdb_schemas);
    json_schemas_add(schemas, check_kind_schemas);
    json_schemas_add(schemas, check_part_schemas);
    TRY(json_schemas_compile(schemas));
    for (size_t i = 0; i < item_type_count; i++)
        TRY(read_defaults(schemas, &item_types[i]));
    return OK;
}

void item_defaults_fill(const struct item_type *type, json_t *fields)
{
    const char *field;
    json_t *value;

    json_object_foreach(defaults[type->kind], field, value)
    {
        if (!json_has(fields, field))
            json_object_set_new(fields, field, json_deep_copy(value));
    }
}
