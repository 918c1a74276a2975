/* What a schema is compiled into; shared by json_schema.c, which makes it, and json_schema_check.c,
 * which walks it. */
#pragma once

#include "shared/json_schema.h"
#include "shared/regex.h"
#include "shared/vec.h"

/* Bits of json_schema.types. */
enum type_bit {
    TYPE_NULL = 1 << 0,
    TYPE_BOOLEAN = 1 << 1,
    TYPE_INTEGER = 1 << 2,
    TYPE_NUMBER = 1 << 3, /* integers too */
    TYPE_STRING = 1 << 4,
    TYPE_ARRAY = 1 << 5,
    TYPE_OBJECT = 1 << 6,
};

struct json_format {
    const char *name;
    json_format_fn check;             /* of texts; NULL: any text will do */
    json_value_format_fn check_value; /* of all else; NULL: anything will do */
};

struct schema_property {
    const char *name; /* borrowed from the source */
    const struct json_schema *schema;
};

typedef VEC(const struct json_schema *) schema_vec;

struct json_schema {
    const json_t *source;
    bool nothing;           /* the schema `false` */
    unsigned types;         /* 0: any */
    const json_t *values;   /* enum */
    const json_t *constant; /* const */
    const struct json_schema *reference;

    VEC(struct schema_property) properties;
    const json_t *required;
    const struct json_schema *additional; /* NULL: anything */
    const struct json_schema *names;
    const struct json_schema *items;
    schema_vec prefix; /* of the first items, each its own */
    bool unique;

    /* Bounds as they were written; NULL: none. */
    const json_t *minimum;
    const json_t *maximum;
    const json_t *above;
    const json_t *below;
    const json_t *multiple;
    size_t min_length; /* characters, items and members; 0 and SIZE_MAX: none */
    size_t max_length;
    size_t min_items;
    size_t max_items;
    size_t min_members;
    size_t max_members;

    const char *pattern_text;
    struct regex *pattern;
    const struct json_format *format;
    bool secret; /* writeOnly: texts are not shown in errors */

    schema_vec all_of;
    schema_vec any_of;
    schema_vec one_of;
    const struct json_schema * not ;
};

/* What a member or an item has to be; NULL: anything. */
const struct json_schema *json_schema_member(const struct json_schema *schema, const char *name);
const struct json_schema *json_schema_item(const struct json_schema *schema, size_t index);

/* The formats that every set knows, each list ended by a zero row. */
extern const struct json_format json_formats[];
extern const struct json_format json_formats_network[];
extern const struct json_format json_formats_parts[];
