/*
 * One operation per row. Schemas become components under their own names; references between files
 * turn into references between components.
 */
#include "control/api/openapi.h"

#include <stdio.h>

#include "shared/json.h"
#include "shared/json_schema.h"
#include "shared/mem.h"

#include "control/api/listing.h"
#include "control/api/openapi_example.h"
#include "control/api/parameters.h"
#include "control/api/reply.h"
#include "control/api/router.h"
#include "control/api/write.h"

#define DEFINITIONS "/$defs/"

/* "system.json#/$defs/owner" → "#/components/schemas/system.owner"; `file` is where the reference
 * stands. */
static json_t *component_reference(const char *reference, const char *file)
{
    struct str rest = str_of(reference);
    struct str name = str_cut(&rest, '#');
    CLEANUP(buf_clear_p) struct buf text = {0};

    if (name.len == 0)
        name = str_of(file);
    if (name.len > 5 && str_equal(str_sub(name, name.len - 5, 5), STR(".json")))
        name.len -= 5;
    buf_printf(&text, "#/components/schemas/" STR_FMT, STR_ARG(name));
    if (str_starts_with(rest, STR(DEFINITIONS)))
        buf_printf(&text, "." STR_FMT, STR_ARG(str_sub(rest, sizeof DEFINITIONS - 1, rest.len)));
    return json_string(text.data);
}

/* A copy of a schema as it may stand in the document. */
static json_t *component_of(const json_t *schema, const char *file)
{
    json_t *copy;
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_array(schema)) {
        copy = json_array();
        json_array_foreach((json_t *)schema, i, value)
            json_array_append_new(copy, component_of(value, file));
        return copy;
    }
    if (!json_is_object(schema))
        return json_deep_copy(schema);
    copy = json_object();
    json_object_foreach((json_t *)schema, key, value)
    {
        if (strcmp(key, "$ref") == 0 && json_is_string(value))
            json_object_set_new(copy, key, component_reference(json_string_value(value), file));
        else if (strcmp(key, "$schema") != 0 && strcmp(key, "$defs") != 0)
            json_object_set_new(copy, key, component_of(value, file));
    }
    return copy;
}

/* A file that is there for its parts. */
static bool is_only_definitions(const json_t *source)
{
    return json_object_get(source, "$defs") && !json_object_get(source, "type") &&
           !json_object_get(source, "$ref");
}

/* The parts of a file are components of their own, <file>.<part>. */
static void add_component(void *argument, const char *name, const json_t *source)
{
    const json_t *definitions = json_object_get(source, "$defs");
    json_t *components = argument;
    const char *definition;
    json_t *part;

    if (!is_only_definitions(source))
        json_object_set_new(components, name, component_of(source, name));
    json_object_foreach((json_t *)definitions, definition, part)
    {
        AUTO(xfree) char *part_name = xasprintf("%s.%s", name, definition);

        json_object_set_new(components, part_name, component_of(part, name));
    }
}

static json_t *reference_to(const char *schema)
{
    return json_pack("{s:o}", "$ref", component_reference(schema, ""));
}

static json_t *parameter_schema(const struct parameter *parameter)
{
    json_t *schema;

    switch (parameter->type) {
    case PARAMETER_UUID:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case PARAMETER_TIME:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    case PARAMETER_BOOLEAN:
        return json_pack("{s:s}", "type", "boolean");
    case PARAMETER_INTEGER:
        schema = json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                           (json_int_t)parameter->min, "maximum", (json_int_t)parameter->max);
        if (parameter->otherwise)
            json_object_set_new(schema, "default",
                                json_integer(strtoll(parameter->otherwise, NULL, 10)));
        return schema;
    case PARAMETER_BYTES:
        return json_pack("{s:s}", "type", "string");
    case PARAMETER_TEXT:
        return json_pack("{s:s, s:i}", "type", "string", "maxLength", PARAMETER_TEXT_MAX);
    case PARAMETER_WORD:
        return json_pack("{s:s, s:i}", "type", "string", "maxLength", PARAMETER_TEXT_MAX);
    case PARAMETER_CURSOR:
        return json_pack("{s:s, s:i}", "type", "string", "maxLength", PARAMETER_CURSOR_MAX);
    }
    return json_object();
}

static json_t *value_schema(enum listing_type type)
{
    switch (type) {
    case LISTING_UUID:
    case LISTING_UUIDS:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case LISTING_INTEGER:
        return json_pack("{s:s}", "type", "integer");
    case LISTING_NUMBER:
        return json_pack("{s:s}", "type", "number");
    case LISTING_BOOLEAN:
        return json_pack("{s:s}", "type", "boolean");
    case LISTING_TIME:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    case LISTING_TEXT:
    case LISTING_TAGS:
    case LISTING_ATTRIBUTES:
    case LISTING_OTHER:
    case LISTING_TYPE_COUNT:
        break;
    }
    return json_pack("{s:s, s:i}", "type", "string", "maxLength", PARAMETER_TEXT_MAX);
}

/* The ways to ask for a field, other than by its plain name. */
static json_t *operators_of(enum listing_type type)
{
    json_t *operators = json_array();

    for (int op = LISTING_EQUAL + 1; op < LISTING_OP_COUNT; op++) {
        if (listing_type_has(type, (enum listing_op)op))
            json_array_append_new(operators, json_string(listing_op_word((enum listing_op)op)));
    }
    return operators;
}

/* One parameter for each field; its operators are names of their own, <name>__<operator>. */
static void append_filters(const struct listing *listing, json_t *parameters)
{
    for (const struct listing_field *field = listing->fields; field->name; field++) {
        bool is_attributes = field->type == LISTING_ATTRIBUTES;
        json_t *schema;

        if (field->type == LISTING_OTHER)
            continue;
        schema =
            json_pack("{s:s, s:o}", "type", is_attributes ? "object" : "array",
                      is_attributes ? "additionalProperties" : "items", value_schema(field->type));
        json_array_append_new(
            parameters,
            json_pack("{s:s, s:s, s:s, s:b, s:s, s:o, s:o}", "name",
                      field->type == LISTING_TAGS ? "tag" : field->name, "in", "query", "style",
                      is_attributes ? "deepObject" : "form", "explode", 1, "description",
                      is_attributes ? "As attributes.<name>=: those with this attribute"
                                    : "One of the values that are given",
                      "schema", schema, "x-filter-operators", operators_of(field->type)));
    }
}

static json_t *parameters_of(const struct routed *routed)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < routed->parameter_count; i++) {
        AUTO(xfree) char *name = str_dup(routed->parameter_names[i]);

        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", "path",
                                              "required", 1, "schema",
                                              parameter_schema(parameter_find(name))));
    }
    for (const char *const *name = routed->query; *name; name++) {
        const struct parameter *parameter = parameter_find(*name);
        json_t *entry = json_pack("{s:s, s:s, s:o}", "name", *name, "in", "query", "schema",
                                  parameter_schema(parameter));

        if (parameter->description)
            json_object_set_new(entry, "description", json_string(parameter->description));
        json_array_append_new(list, entry);
    }
    if (routed->route->run == ROUTE_LIST)
        append_filters(routed->route->listing, list);
    if (routed->route->method == METHOD_PATCH || routed->route->method == METHOD_DELETE)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:{s:s}, s:s}", "name", "If-Match", "in", "header",
                            "schema", "type", "string", "description",
                            "The ETag that was read: refused with 412 when it has changed"));
    if (routed->route->is_write && routed->route->method == METHOD_POST)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:{s:s, s:i, s:i}, s:s}", "name", "Idempotency-Key", "in",
                            "header", "schema", "type", "string", "minLength", 1, "maxLength",
                            IDEMPOTENCY_KEY_BYTES_MAX, "description",
                            "Sent again within 24 hours it gets the first answer, and changes "
                            "nothing twice"));
    if (routed->route->is_write)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:{s:s}, s:s}", "name", "X-EM-Reason", "in", "header",
                            "schema", "type", "string", "description",
                            "Why, for the journal: one line of at most 500 characters, as "
                            "percent-encoded UTF-8"));
    return list;
}

static bool is_any(const struct routed *routed)
{
    (void)routed;
    return true;
}

static bool is_for_the_known(const struct routed *routed)
{
    return routed->route->permission != PERMISSION_PUBLIC;
}

static bool needs_permission(const struct routed *routed)
{
    return is_for_the_known(routed) && routed->route->permission != PERMISSION_SIGNED_IN;
}

static bool names_something(const struct routed *routed)
{
    return routed->parameter_count > 0;
}

static bool takes_body(const struct routed *routed)
{
    return routed->body != NULL;
}

static bool may_conflict(const struct routed *routed)
{
    return routed->route->is_write;
}

static bool takes_version(const struct routed *routed)
{
    return routed->route->method == METHOD_PATCH || routed->route->method == METHOD_DELETE;
}

/* What a request may be refused for; anything else is `default`. */
static const struct {
    const char *status;
    bool (*holds)(const struct routed *routed);
} refusals[] = {
    {"400", is_any},          {"401", is_for_the_known}, {"403", needs_permission},
    {"404", names_something}, {"409", may_conflict},     {"412", takes_version},
    {"413", takes_body},      {"415", takes_body},       {"422", takes_body},
    {"429", is_any},          {"default", is_any},
};

static json_t *responses_of(const struct routed *routed)
{
    const struct route *route = routed->route;
    char status[8];
    json_t *responses = json_object();
    json_t *success = json_pack("{s:s}", "description", route->summary);

    if (strcmp(route->reply, "none") != 0)
        json_object_set_new(success, "content",
                            json_pack("{s:{s:o}}",
                                      route->is_lines ? REPLY_LINES_TYPE : "application/json",
                                      "schema", reference_to(route->reply)));
    snprintf(status, sizeof status, "%u", route->status);
    json_object_set_new(responses, status, success);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].holds(routed))
            json_object_set_new(responses, refusals[i].status,
                                json_pack("{s:s}", "$ref", "#/components/responses/problem"));
    }
    return responses;
}

/* The first word of the path after the version, as the group of the operation. */
static json_t *tag_of(const struct route *route)
{
    struct str rest = str_of(route->path + 1);
    struct str segment = str_cut(&rest, '/');

    if (str_equal(segment, STR("hooks")))
        return json_string("hooks");
    if (!str_equal(segment, STR("api")))
        return json_string("service");
    str_cut(&rest, '/');
    segment = str_cut(&rest, '/');
    if (str_equal(segment, STR("openapi.json")))
        return json_string("service");
    return json_stringn(segment.ptr, segment.len);
}

static json_t *body_of(const struct route *route)
{
    json_t *content =
        json_pack("{s:{s:o}}", route->is_upload ? REPLY_LINES_TYPE : "application/json", "schema",
                  reference_to(route->body));

    if (route->is_hook)
        json_object_set_new(content, "text/plain",
                            json_pack("{s:{s:s}}", "schema", "type", "string"));
    return json_pack("{s:b, s:o}", "required", !route->is_hook, "content", content);
}

static json_t *operation_of(const struct routed *routed)
{
    const struct route *route = routed->route;
    json_t *parameters = parameters_of(routed);
    json_t *operation =
        json_pack("{s:s, s:s, s:[o], s:o}", "operationId", route->operation, "summary",
                  route->summary, "tags", tag_of(route), "parameters", parameters);

    if (json_array_size(parameters) == 0)
        json_object_del(operation, "parameters");
    if (routed->body)
        json_object_set_new(operation, "requestBody", body_of(route));
    json_object_set_new(operation, "responses", responses_of(routed));
    if (route->permission == PERMISSION_PUBLIC)
        json_object_set_new(operation, "security", json_array());
    else if (route->permission != PERMISSION_SIGNED_IN)
        json_object_set_new(operation, "x-permission",
                            json_string(permission_words[route->permission]));
    return operation;
}

static void add_operation(json_t *paths, const struct routed *routed)
{
    static const char *const words[METHOD_COUNT] = {"get", "head",   "post",   "patch",
                                                    "put", "delete", "options"};
    json_t *path = json_object_get(paths, routed->route->path);

    if (!path) {
        path = json_object();
        json_object_set_new(paths, routed->route->path, path);
    }
    json_object_set_new(path, words[routed->route->method], operation_of(routed));
}

static json_t *components_of(const struct router *router)
{
    json_t *schemas = json_object();

    json_schemas_each(router_schemas(router), add_component, schemas);
    return json_pack("{s:o, s:{s:{s:s, s:{s:{s:o}}}}, s:{s:{s:s, s:s}, s:{s:s, s:s, s:s}}}",
                     "schemas", schemas, "responses", "problem", "description",
                     "What went wrong, and where", "content", "application/problem+json", "schema",
                     reference_to("problem"), "securitySchemes", "key", "type", "http", "scheme",
                     "bearer", "session", "type", "apiKey", "in", "cookie", "name", "em_session");
}

/* An example beside each schema of a content, where the schema has none of its own. */
static void add_content_examples(const json_t *components, json_t *content)
{
    const char *type;
    json_t *media;

    json_object_foreach(content, type, media) json_object_set_new(
        media, "example", openapi_example(components, json_object_get(media, "schema")));
}

static void add_examples(json_t *paths, const json_t *components)
{
    const char *path;
    const char *method;
    const char *status;
    json_t *methods;
    json_t *operation;
    json_t *response;

    json_object_foreach(paths, path, methods)
    {
        json_object_foreach(methods, method, operation)
        {
            json_t *responses = json_object_get(operation, "responses");

            add_content_examples(
                components, json_object_get(json_object_get(operation, "requestBody"), "content"));
            json_object_foreach(responses, status, response)
                add_content_examples(components, json_object_get(response, "content"));
        }
    }
}

void openapi_write(const struct router *router, bool readable, struct buf *out)
{
    json_t *paths = json_object();
    json_t *components = components_of(router);
    json_t *document;
    char *text;

    for (size_t i = 0; i < router_count(router); i++)
        add_operation(paths, router_at(router, i));
    add_examples(paths, json_object_get(components, "schemas"));
    document = json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o, s:o}",
        "openapi", "3.1.0", "info", "title", "Environment Manager", "version", "1", "description",
        "What exists, how it is, and who may use it. Errors are problem documents (RFC 9457).",
        "license", "name", "Apache 2.0", "identifier", "Apache-2.0", "servers", "url", "/",
        "security", "key", "session", "paths", paths, "components", components);
    text = json_dumps(document, readable ? JSON_INDENT(2) : JSON_COMPACT);
    buf_append_text(out, text);
    if (readable)
        buf_append_char(out, '\n');
    free(text);
    json_decref(document);
}
