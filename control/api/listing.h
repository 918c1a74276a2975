/*
 * Lists: what GET /things can be asked for. A domain writes down the fields of its objects once;
 * filters, sorting, pages, `fields` and `count` follow from that, and so does what the OpenAPI
 * document says of them.
 *
 *   field=value        one of the values that are given (repeat it); different fields must all fit
 *   field__op=value    ne lt lte gt gte in contains startswith isnull, as far as the type has them
 *   tag= tag__ne= tag__all=           any, none, all of the tags
 *   attributes.name= attributes.name__op=
 *   q=                 words in key, name or description
 *   sort=-name,key     by up to LISTING_SORT_MAX fields, then by id; what has no value comes first
 *   fields=a,b         these members of the objects only
 *   include=a,b        adds the member `included`: related objects, or the state
 *   as_of=time         as it stood then, where the row of the route says so
 *   count=true         adds `total`
 *   limit= cursor=     a page, and the next one: it holds while rows come, go and change
 *
 * The table has the columns id, deleted_at, key, name, description, tags and attributes; the view
 * `view` gives its objects their shape. Both are known to SQL as `base` and `item`; with as_of they are
 * table_at(moment) and view_at(moment).
 *
 * Thread: constant data; any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/str.h"

#include "control/permissions.h"

#define LISTING_SORT_MAX 4

enum listing_type {
    LISTING_TEXT,
    LISTING_UUID,
    LISTING_UUIDS, /* uuid[]: asked for by what is in it */
    LISTING_INTEGER,
    LISTING_NUMBER,
    LISTING_BOOLEAN,
    LISTING_TIME,
    LISTING_TAGS,       /* text[]: the one field of that type is asked for as `tag` */
    LISTING_ATTRIBUTES, /* jsonb object: asked for by member */
    LISTING_OTHER,      /* shown only */
    LISTING_TYPE_COUNT,
};

struct listing_field {
    const char *name; /* as the API shows it */
    enum listing_type type;
    const char *sql; /* over `base`; NULL: base.<name> */
};

/* What can be shown beside an object: include=name. SQL over `item` that gives one JSON value; in
 * that for the past, "@" stands for the moment. */
struct listing_include {
    const char *name;
    const char *sql;
    const char *sql_as_of;
    const char *version; /* SQL of a version that goes into the object's tag; NULL: none */
};

/* A member that is shown with one object to those with the permission, unless it is NULL. */
struct listing_member {
    const char *name;
    const char *sql;
    enum permission permission;
};

struct listing {
    const char *name; /* "systems": what statements are named after */
    const char *table;
    const char *view;
    const struct listing_field *fields;      /* all members of an object; ends with { 0 } */
    const struct listing_include *includes;  /* ends with { 0 }; NULL: none */
    const struct listing_member *restricted; /* NULL: none */
};

enum listing_op {
    LISTING_EQUAL,
    LISTING_NOT_EQUAL,
    LISTING_LESS,
    LISTING_LESS_EQUAL,
    LISTING_GREATER,
    LISTING_GREATER_EQUAL,
    LISTING_IN, /* as LISTING_EQUAL, values separated by commas */
    LISTING_CONTAINS,
    LISTING_STARTS_WITH,
    LISTING_IS_NULL,
    LISTING_ALL, /* tags: has every one */
    LISTING_OP_COUNT,
};

/* "ne"; "" for LISTING_EQUAL. */
const char *listing_op_word(enum listing_op op);

/* Whether values of a type can be asked for in that way. */
bool listing_type_has(enum listing_type type, enum listing_op op);

/* What a name of the query string asks for: "created_at__gte", "attributes.owner". */
struct listing_condition {
    const struct listing_field *field;
    struct str attribute; /* of LISTING_ATTRIBUTES */
    enum listing_op op;
};

/* Reads a name; false for one that is no condition of the list. */
bool listing_condition_read(const struct listing *listing, struct str name,
                            struct listing_condition *ret_condition);

/* Whether a value fits the condition; when not, writes what it must be. */
bool listing_value_is_valid(const struct listing_condition *condition, struct str value,
                            char *detail, size_t detail_bytes);

/* Whether `names`, separated by commas, are members of the list's objects (those that can be sorted
 * by, with a leading "-" for descending, when `sorts`); when not, writes which is not. */
bool listing_names_are_valid(const struct listing *listing, struct str names, bool sorts,
                             char *detail, size_t detail_bytes);

/* Whether each of `names`, separated by commas, can be included; when not, writes which cannot. */
bool listing_includes_are_valid(const struct listing *listing, struct str names, char *detail,
                                size_t detail_bytes);

/* NULL when there is none. */
const struct listing_include *listing_include_find(const struct listing *listing, struct str name);

/* The field of that name; NULL when there is none. */
const struct listing_field *listing_field_find(const struct listing *listing, struct str name);
