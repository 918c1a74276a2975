/*
 * A set of schemas: files are parsed and turned into nodes, keyword by keyword; references are
 * resolved when all files are there, so they may point at each other. Mistakes are logged with file
 * and place, and all at once.
 */
#include "shared/json_schema.h"

#include <stdint.h>

#include "shared/json.h"
#include "shared/json_schema_node.h"
#include "shared/log.h"
#include "shared/map.h"

/* Something that references can name: "system.json" or "system.json#/$defs/owner". */
struct target {
    char *name;
    struct json_schema *schema;
    UT_hash_handle hh;
};

struct open_reference {
    struct json_schema *from;
    char *name;
    const char *file;
};

struct source_file {
    const struct embedded_file *file;
    json_t *json;
};

struct json_schemas {
    VEC(struct source_file) files;
    VEC(struct json_schema *) nodes; /* owns all nodes */
    VEC(struct open_reference) references;
    VEC(struct json_format) formats; /* further ones */
    struct target *targets;
    bool compiled;
    size_t mistakes;
};

/* Where the compiler is: for messages and for local references. */
struct place {
    struct json_schemas *schemas;
    const char *file;
    const char *keyword;
};

static struct json_schema *compile(struct place *place, const json_t *source);

struct json_schemas *json_schemas_new(void)
{
    return NEW(struct json_schemas);
}

static void free_node(struct json_schema *node)
{
    vec_clear(&node->properties);
    vec_clear(&node->prefix);
    vec_clear(&node->all_of);
    vec_clear(&node->any_of);
    vec_clear(&node->one_of);
    regex_free(node->pattern);
    free(node);
}

void json_schemas_free(struct json_schemas *schemas)
{
    struct target *target;
    struct target *next;

    if (!schemas)
        return;
    HASH_ITER (hh, schemas->targets, target, next) {
        HASH_DEL(schemas->targets, target);
        free(target->name);
        free(target);
    }
    for (size_t i = 0; i < schemas->nodes.len; i++)
        free_node(schemas->nodes.items[i]);
    for (size_t i = 0; i < schemas->files.len; i++)
        json_decref(schemas->files.items[i].json);
    for (size_t i = 0; i < schemas->references.len; i++)
        free(schemas->references.items[i].name);
    vec_clear(&schemas->nodes);
    vec_clear(&schemas->files);
    vec_clear(&schemas->references);
    vec_clear(&schemas->formats);
    free(schemas);
}

void json_schemas_add_format(struct json_schemas *schemas, const char *name, json_format_fn check)
{
    vec_push(&schemas->formats, (struct json_format){.name = name, .check = check});
}

void json_schemas_add(struct json_schemas *schemas, const struct embedded_file *files)
{
    for (const struct embedded_file *file = files; file->name; file++)
        vec_push(&schemas->files, (struct source_file){.file = file});
}

static void mistake(struct place *place, const char *what)
{
    log_error("schema.wrong", "file=%s keyword=%s reason=\"%s\"", place->file, place->keyword,
              what);
    place->schemas->mistakes++;
}

static void add_target(struct place *place, char *name, struct json_schema *schema)
{
    struct target *target;

    HASH_FIND_STR(place->schemas->targets, name, target);
    if (target) {
        mistake(place, "there is another schema of this name");
        free(name);
        return;
    }
    target = NEW(struct target);
    target->name = name;
    target->schema = schema;
    HASH_ADD_KEYPTR(hh, place->schemas->targets, target->name, strlen(target->name), target);
}

/* Keywords ------------------------------------------------------------------------------------ */

static unsigned type_bit(const char *word)
{
    static const struct {
        const char *word;
        unsigned bit;
    } types[] = {
        {"null", TYPE_NULL},     {"boolean", TYPE_BOOLEAN}, {"integer", TYPE_INTEGER},
        {"number", TYPE_NUMBER}, {"string", TYPE_STRING},   {"array", TYPE_ARRAY},
        {"object", TYPE_OBJECT},
    };

    for (size_t i = 0; word && i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].word, word) == 0)
            return types[i].bit;
    }
    return 0;
}

static void read_type(struct place *place, struct json_schema *node, const json_t *value)
{
    size_t i;
    json_t *word;

    if (json_is_string(value))
        node->types = type_bit(json_string_value(value));
    json_array_foreach((json_t *)value, i, word)
    {
        unsigned bit = type_bit(json_string_value(word));

        if (bit == 0)
            mistake(place, "there is no such type");
        node->types |= bit;
    }
    if (node->types == 0)
        mistake(place, "has to be one type or a list of types");
}

static void read_values(struct place *place, struct json_schema *node, const json_t *value)
{
    if (json_array_size(value) == 0)
        mistake(place, "has to be a list of values");
    node->values = value;
}

static void read_const(struct place *place, struct json_schema *node, const json_t *value)
{
    (void)place;
    node->constant = value;
}

static void read_properties(struct place *place, struct json_schema *node, const json_t *value)
{
    const char *name;
    json_t *schema;

    if (!json_is_object(value))
        mistake(place, "has to be an object");
    json_object_foreach((json_t *)value, name, schema)
    {
        struct schema_property property = {name, compile(place, schema)};

        vec_push(&node->properties, property);
    }
}

static void read_required(struct place *place, struct json_schema *node, const json_t *value)
{
    size_t i;
    json_t *name;

    if (!json_is_array(value))
        mistake(place, "has to be a list of names");
    json_array_foreach((json_t *)value, i, name)
    {
        if (!json_is_string(name))
            mistake(place, "has to be a list of names");
    }
    node->required = value;
}

static void read_additional(struct place *place, struct json_schema *node, const json_t *value)
{
    node->additional = compile(place, value);
}

static void read_names(struct place *place, struct json_schema *node, const json_t *value)
{
    node->names = compile(place, value);
}

static void read_items(struct place *place, struct json_schema *node, const json_t *value)
{
    node->items = compile(place, value);
}

static void read_unique(struct place *place, struct json_schema *node, const json_t *value)
{
    (void)place;
    node->unique = json_is_true(value);
}

static size_t read_count(struct place *place, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        mistake(place, "has to be a whole number");
        return 0;
    }
    return (size_t)json_integer_value(value);
}

#define READ_COUNT(keyword, member)                                                                \
    static void read_##keyword(struct place *place, struct json_schema *node, const json_t *value) \
    {                                                                                              \
        node->member = read_count(place, value);                                                   \
    }

READ_COUNT(minLength, min_length)
READ_COUNT(maxLength, max_length)
READ_COUNT(minItems, min_items)
READ_COUNT(maxItems, max_items)
READ_COUNT(minProperties, min_members)
READ_COUNT(maxProperties, max_members)

#define READ_BOUND(keyword, member)                                                                \
    static void read_##keyword(struct place *place, struct json_schema *node, const json_t *value) \
    {                                                                                              \
        if (!json_is_number(value))                                                                \
            mistake(place, "has to be a number");                                                  \
        node->member = value;                                                                      \
    }

READ_BOUND(minimum, minimum)
READ_BOUND(maximum, maximum)
READ_BOUND(exclusiveMinimum, above)
READ_BOUND(exclusiveMaximum, below)
READ_BOUND(multipleOf, multiple)

static void read_pattern(struct place *place, struct json_schema *node, const json_t *value)
{
    struct str pattern = {json_string_value(value), json_string_length(value)};

    if (!pattern.ptr || regex_new(pattern, &node->pattern) != OK) {
        mistake(place, pattern.ptr ? failure_last()->detail : "has to be a text");
        failure_clear();
    }
    node->pattern_text = pattern.ptr;
}

static const struct json_format *find_format(const struct json_format *formats, const char *name)
{
    while (formats->name && strcmp(formats->name, name) != 0)
        formats++;
    return formats->name ? formats : NULL;
}

static void read_format(struct place *place, struct json_schema *node, const json_t *value)
{
    const char *name = json_is_string(value) ? json_string_value(value) : "";

    node->format = find_format(json_formats, name);
    if (!node->format)
        node->format = find_format(json_formats_network, name);
    if (!node->format)
        node->format = find_format(json_formats_parts, name);
    for (size_t i = 0; i < place->schemas->formats.len; i++) {
        if (strcmp(place->schemas->formats.items[i].name, name) == 0)
            node->format = &place->schemas->formats.items[i];
    }
    if (!node->format)
        mistake(place, "there is no such format");
}

static void read_list(struct place *place, schema_vec *list, const json_t *value)
{
    size_t i;
    json_t *schema;

    if (json_array_size(value) == 0)
        mistake(place, "has to be a list of schemas");
    json_array_foreach((json_t *)value, i, schema) vec_push(list, compile(place, schema));
}

static void read_all_of(struct place *place, struct json_schema *node, const json_t *value)
{
    read_list(place, &node->all_of, value);
}

static void read_prefix(struct place *place, struct json_schema *node, const json_t *value)
{
    read_list(place, &node->prefix, value);
}

static void read_any_of(struct place *place, struct json_schema *node, const json_t *value)
{
    read_list(place, &node->any_of, value);
}

static void read_one_of(struct place *place, struct json_schema *node, const json_t *value)
{
    read_list(place, &node->one_of, value);
}

static void read_not(struct place *place, struct json_schema *node, const json_t *value)
{
    node->not = compile(place, value);
}

static void read_reference(struct place *place, struct json_schema *node, const json_t *value)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    struct open_reference reference = {.from = node, .file = place->file};

    if (strcmp(text, "#") == 0)
        reference.name = xstrdup(place->file);
    else
        reference.name = text[0] == '#' ? xasprintf("%s%s", place->file, text) : xstrdup(text);
    vec_push(&place->schemas->references, reference);
}

static void read_definitions(struct place *place, struct json_schema *node, const json_t *value)
{
    const char *name;
    json_t *schema;

    (void)node;
    json_object_foreach((json_t *)value, name, schema)
    {
        struct json_schema *compiled = compile(place, schema);

        add_target(place, xasprintf("%s#/$defs/%s", place->file, name), compiled);
    }
}

static void read_secret(struct place *place, struct json_schema *node, const json_t *value)
{
    (void)place;
    node->secret = json_is_true(value);
}

static void read_nothing(struct place *place, struct json_schema *node, const json_t *value)
{
    (void)place;
    (void)node;
    (void)value;
}

static const struct {
    const char *name;
    void (*read)(struct place *place, struct json_schema *node, const json_t *value);
} keywords[] = {
    {"$ref", read_reference},
    {"$defs", read_definitions},
    {"type", read_type},
    {"enum", read_values},
    {"const", read_const},
    {"properties", read_properties},
    {"required", read_required},
    {"additionalProperties", read_additional},
    {"propertyNames", read_names},
    {"items", read_items},
    {"prefixItems", read_prefix},
    {"uniqueItems", read_unique},
    {"minLength", read_minLength},
    {"maxLength", read_maxLength},
    {"minItems", read_minItems},
    {"maxItems", read_maxItems},
    {"minProperties", read_minProperties},
    {"maxProperties", read_maxProperties},
    {"minimum", read_minimum},
    {"maximum", read_maximum},
    {"exclusiveMinimum", read_exclusiveMinimum},
    {"exclusiveMaximum", read_exclusiveMaximum},
    {"multipleOf", read_multipleOf},
    {"pattern", read_pattern},
    {"format", read_format},
    {"allOf", read_all_of},
    {"anyOf", read_any_of},
    {"oneOf", read_one_of},
    {"not", read_not},
    {"$schema", read_nothing},
    {"$id", read_nothing},
    {"$comment", read_nothing},
    {"title", read_nothing},
    {"description", read_nothing},
    {"default", read_nothing},
    {"examples", read_nothing},
    {"deprecated", read_nothing},
    {"readOnly", read_nothing},
    {"writeOnly", read_secret},
};

static void read_keyword(struct place *place, struct json_schema *node, const char *name,
                         const json_t *value)
{
    const char *outer = place->keyword;

    place->keyword = name;
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        if (strcmp(keywords[i].name, name) == 0) {
            keywords[i].read(place, node, value);
            place->keyword = outer;
            return;
        }
    }
    mistake(place, "there is no such keyword");
    place->keyword = outer;
}

static struct json_schema *compile(struct place *place, const json_t *source)
{
    struct json_schema *node = NEW(struct json_schema);
    const char *name;
    json_t *value;

    vec_push(&place->schemas->nodes, node);
    node->source = source;
    node->max_length = node->max_items = node->max_members = SIZE_MAX;
    node->nothing = json_is_false(source);
    if (!json_is_object(source) && !json_is_boolean(source))
        mistake(place, "a schema is an object, true or false");
    json_object_foreach((json_t *)source, name, value) read_keyword(place, node, name, value);
    return node;
}

/* Sets ---------------------------------------------------------------------------------------- */

static void compile_file(struct json_schemas *schemas, struct source_file *source)
{
    struct place place = {.schemas = schemas, .file = source->file->name, .keyword = ""};
    json_error_t error;

    source->json = json_loadb(source->file->text, source->file->len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!source->json) {
        mistake(&place, error.text);
        return;
    }
    add_target(&place, xstrdup(source->file->name), compile(&place, source->json));
}

static void resolve_references(struct json_schemas *schemas)
{
    for (size_t i = 0; i < schemas->references.len; i++) {
        const struct open_reference *reference = &schemas->references.items[i];
        struct target *target;

        HASH_FIND_STR(schemas->targets, reference->name, target);
        if (target) {
            reference->from->reference = target->schema;
        } else {
            log_error("schema.wrong", "file=%s reference=%s reason=\"there is no such schema\"",
                      reference->file, reference->name);
            schemas->mistakes++;
        }
    }
}

enum err json_schemas_compile(struct json_schemas *schemas)
{
    for (size_t i = 0; i < schemas->files.len; i++)
        compile_file(schemas, &schemas->files.items[i]);
    resolve_references(schemas);
    if (schemas->mistakes > 0)
        return fail(ERR_BUG, "schema_wrong", "%zu mistakes in the schemas", schemas->mistakes);
    return OK;
}

const struct json_schema *json_schemas_find(const struct json_schemas *schemas, const char *name)
{
    struct target *target;
    char *file = xasprintf("%s.json", name);

    HASH_FIND_STR(schemas->targets, file, target);
    free(file);
    return target ? target->schema : NULL;
}

void json_schemas_each(const struct json_schemas *schemas,
                       void (*each)(void *argument, const char *name, const json_t *source),
                       void *argument)
{
    for (size_t i = 0; i < schemas->files.len; i++) {
        const struct source_file *source = &schemas->files.items[i];
        char *name = xstrndup(source->file->name, strlen(source->file->name) - strlen(".json"));

        each(argument, name, source->json);
        free(name);
    }
}

const json_t *json_schema_source(const struct json_schema *schema)
{
    return schema->source;
}
