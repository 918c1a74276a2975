/* Walks a document along its schema, for the texts that are writeOnly. What an alternative would
 * hide is hidden whether the document has that form or not. */
#include "shared/buf.h"
#include "shared/json_schema_errors.h"
#include "shared/json_schema_node.h"

struct walk {
    struct schema_check at;
    json_schema_secret_fn replace;
    void *context;
};

static json_t *visit(struct walk *walk, const struct json_schema *schema, json_t *value);

static void visit_members(struct walk *walk, const struct json_schema *schema, json_t *object)
{
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at);
        const struct json_schema *member = json_schema_member(schema, name);
        size_t before;
        json_t *other;

        if (!member)
            continue;
        before = schema_step_into(&walk->at, name);
        other = visit(walk, member, json_object_iter_value(at));
        if (other)
            json_object_iter_set_new(object, at, other);
        schema_step_out(&walk->at, before);
    }
}

static void visit_items(struct walk *walk, const struct json_schema *schema, json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const struct json_schema *item = json_schema_item(schema, i);
        char index[24];
        size_t before;
        json_t *other;

        if (!item)
            return;
        snprintf(index, sizeof index, "%zu", i);
        before = schema_step_into(&walk->at, index);
        other = visit(walk, item, json_array_get(array, i));
        if (other)
            json_array_set_new(array, i, other);
        schema_step_out(&walk->at, before);
    }
}

static json_t *visit_each(struct walk *walk, const schema_vec *schemas, json_t *value)
{
    json_t *other = NULL;

    for (size_t i = 0; i < schemas->len && !other; i++)
        other = visit(walk, schemas->items[i], value);
    return other;
}

/* What is to stand in place of the value; NULL: it stays, changed or not. */
static json_t *visit(struct walk *walk, const struct json_schema *schema, json_t *value)
{
    json_t *other = NULL;

    if (walk->at.depth == JSON_SCHEMA_DEPTH_MAX)
        return NULL;
    if (schema->secret && json_is_string(value))
        return walk->replace(walk->context, walk->at.pointer.data, value);
    walk->at.depth++;
    if (json_is_object(value))
        visit_members(walk, schema, value);
    else if (json_is_array(value))
        visit_items(walk, schema, value);
    if (schema->reference)
        other = visit(walk, schema->reference, value);
    if (!other)
        other = visit_each(walk, &schema->all_of, value);
    if (!other)
        other = visit_each(walk, &schema->any_of, value);
    if (!other)
        other = visit_each(walk, &schema->one_of, value);
    walk->at.depth--;
    return other;
}

void json_schema_secrets(const struct json_schema *schema, json_t *document,
                         json_schema_secret_fn replace, void *context)
{
    struct walk walk = {.replace = replace, .context = context};

    buf_append_text(&walk.at.pointer, "");
    json_decref(visit(&walk, schema, document));
    buf_clear(&walk.at.pointer);
}
