/* A document from outside against a schema with every keyword, and format after format. */
#include <assert.h>
#include <stdlib.h>

#include "shared/json.h"
#include "shared/json_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema[] =
    "{\"type\":[\"object\",\"array\",\"string\",\"number\",\"null\"],\"maxProperties\":20,"
    "\"propertyNames\":{\"maxLength\":20},\"required\":[\"key\"],\"properties\":{"
    "\"key\":{\"format\":\"key\"},\"url\":{\"format\":\"http-url\"},\"at\":{\"format\":\"date-"
    "time\"},"
    "\"id\":{\"format\":\"uuid\"},\"status\":{\"format\":\"status-list\"},"
    "\"header\":{\"format\":\"header-value\"},\"regex\":{\"format\":\"pcre2\",\"maxLength\":100},"
    "\"word\":{\"pattern\":\"^(a|b)+c$\",\"maxLength\":50},\"n\":{\"minimum\":-5,\"maximum\":5,"
    "\"multipleOf\":0.5},\"next\":{\"$ref\":\"#\"},\"one\":{\"oneOf\":[{\"type\":\"string\"},"
    "{\"type\":\"integer\"}]},\"any\":{\"anyOf\":[{\"const\":1},{\"enum\":[\"x\",null]}]},"
    "\"no\":{\"not\":{\"type\":\"boolean\"}}},\"additionalProperties\":false,"
    "\"items\":{\"$ref\":\"#\"},\"maxItems\":20,\"uniqueItems\":true}";

static const struct json_schema *compile(void)
{
    static const struct embedded_file files[] = {{"schema.json", schema, sizeof schema - 1}, {0}};
    static struct json_schemas *schemas;

    if (!schemas) {
        schemas = json_schemas_new();
        json_schemas_add(schemas, files);
        if (json_schemas_compile(schemas) != OK)
            abort();
    }
    return json_schemas_find(schemas, "schema");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct json_schema *compiled = compile();
    JSON_AUTO json_t *document = NULL;
    JSON_AUTO json_t *errors = NULL;
    enum err err;

    if (json_parse(str_n((const char *)data, size), &document) != OK) {
        failure_clear();
        return 0;
    }
    err = json_schema_check(compiled, document, "", &errors);
    assert((err == OK) == (errors == NULL));
    assert(json_array_size(errors) <= JSON_SCHEMA_ERRORS_MAX);
    return 0;
}
