/*
 * Between the files that make the statement of a list: listing_conditions.c what is found,
 * listing_query.c in which order and how many, listing_object.c what is shown of it.
 *
 * Thread: any.
 */
#pragma once

#include "control/api/listing_query.h"

#define LISTING_KEYS_MAX (LISTING_SORT_MAX + 1) /* and the id */

struct listing_key {
    const char *sql;
    enum listing_type type;
    bool descends;
};

struct listing_compiler {
    const struct listing *listing;
    const struct request *request;
    struct listing_query *query;
    struct listing_key keys[LISTING_KEYS_MAX];
    size_t key_count;
    struct buf conditions; /* all but the cursor's: " AND …" */
    size_t as_of;          /* number of the parameter; 0: as it stands now */
};

/* How SQL calls a type, and what stands for no value in an order; by enum listing_type. */
struct listing_sql_type {
    const char *type;
    const char *least;
};

extern const struct listing_sql_type listing_sql_types[LISTING_TYPE_COUNT];

/* A parameter of the request; a view with NULL when it was not given. */
static inline struct str listing_words(const struct listing_compiler *compiler, const char *name)
{
    return request_parameter(compiler->request, name);
}

/* The value that was appended to query->bytes last gets its number, from 1. */
size_t listing_end_value(struct listing_query *query);

size_t listing_add_value(struct listing_query *query, struct str value);

/* One element of an array as PostgreSQL reads it from text. */
void listing_append_element(struct buf *buf, struct str value);

void listing_append_column(struct buf *out, const struct listing_field *field);

/* Writes compiler->conditions. */
void listing_append_conditions(struct listing_compiler *compiler);

/* The JSON of one object, over `item`. */
void listing_append_object(struct listing_compiler *compiler, struct buf *out);

/* A table or view, as it stands or stood. */
void listing_append_source(const struct listing_compiler *compiler, const char *name,
                           struct buf *out);

/* Begins to compile: as_of, if it was given. */
void listing_begin(struct listing_compiler *compiler);

/* Values are views from now on: their bytes do not move any more. */
void listing_settle_values(struct listing_query *query);
