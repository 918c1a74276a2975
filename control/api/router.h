/*
 * The routes and schemas of all domains. Filled once at start, constant afterwards. Matching
 * compares segments of the path in a tree, without copying and without expressions.
 *
 * Thread: any after router_prepare().
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "shared/embedded_file.h"
#include "shared/str.h"

#include "control/api/route.h"

#define ROUTE_SEGMENTS_MAX   10
#define ROUTE_PARAMETERS_MAX 4 /* {names} in a path */

struct db;
struct json_schema;
struct json_schemas;
struct router;

/* What a schema cannot say: each adds {pointer, code, detail} for what is wrong with a body, which
 * may not fit its schema. They get the context of the route's table. */
struct body_rules {
    /* pure; or NULL */
    void (*check)(void *context, const json_t *body, json_t **errors);
    /* asks the database, and only when something else is wrong already, because the handler does it
     * as well; or NULL. Thread: a worker */
    enum err (*look_up)(void *context, struct db *db, const json_t *body, json_t **errors);
};

/* A row and what router_prepare() worked out from it. */
struct routed {
    const struct route *route;
    void *context;
    const struct json_schema *body; /* NULL: the route takes no body */
    const struct body_rules *rules; /* NULL: the schema says it all */
    const char *const *query;       /* allowed names, NULL at the end */
    unsigned parameter_count;
    struct str parameter_names[ROUTE_PARAMETERS_MAX]; /* of the {segments}, in order */
};

struct route_match {
    const struct routed *routed;             /* NULL: the path is known, the method is not */
    uint32_t methods;                        /* bit set of the methods that the path has */
    struct str values[ROUTE_PARAMETERS_MAX]; /* of the {segments}, still percent-encoded */
};

struct router *router_new(void);
void router_free(struct router *router);

DEFINE_AUTO(struct router *, router_free);

/* Adds the schema files of a domain, before router_prepare(). Borrowed for good. */
void router_add_schemas(struct router *router, const struct embedded_file *files);

/* Rules for the bodies of a schema, checked together with it, so that a caller learns of all wrong
 * fields at once. Borrowed for good. */
void router_add_rules(struct router *router, const char *body, const struct body_rules *rules);

/* Adds a table of routes; `context` comes back as request->context. Borrowed for good. */
void router_add(struct router *router, const struct route *rows, void *context);

/* Compiles the schemas and resolves what the rows name. Logs each mistake. @return ERR_BUG when
 * there was one. */
MUST_USE enum err router_prepare(struct router *router);

/* Finds the row for a method and path; false when no route has that path. */
bool router_match(const struct router *router, enum method method, struct str path,
                  struct route_match *ret_match);

/* All rows in the order of adding; for the OpenAPI document and tests. */
size_t router_count(const struct router *router);
const struct routed *router_at(const struct router *router, size_t index);

/* The compiled schemas, for validating further documents by name. */
const struct json_schemas *router_schemas(const struct router *router);
