/*
 * The rows as a tree of path segments: one level per segment, a literal child before the
 * {parameter} one. A node that ends a path has one row per method.
 */
#include "control/api/router.h"

#include "shared/json_schema.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/vec.h"

#include "control/api/parameters.h"
#include "control/api/service_routes.h"

const char *const method_words[METHOD_COUNT] = {
    [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD", [METHOD_POST] = "POST",
    [METHOD_PATCH] = "PATCH",     [METHOD_PUT] = "PUT",   [METHOD_DELETE] = "DELETE",
    [METHOD_OPTIONS] = "OPTIONS",
};

extern const struct embedded_file api_schemas[];

struct node {
    struct str segment; /* of a literal child */
    VEC(struct node *) children;
    struct node *parameter; /* the child for {name}; NULL: none */
    struct routed *rows[METHOD_COUNT];
    uint32_t methods;
};

/* Further rules for the bodies of one schema. */
struct rules {
    const char *body;
    const struct body_rules *rules;
};

struct router {
    struct node root;
    VEC(struct routed *) rows;
    VEC(struct rules) rules;
    struct json_schemas *schemas;
    size_t mistakes;
};

struct router *router_new(void)
{
    struct router *router = NEW(struct router);

    router->schemas = json_schemas_new();
    router_add_schemas(router, api_schemas);
    router_add(router, service_routes, NULL);
    return router;
}

static void clear_node(struct node *node)
{
    for (size_t i = 0; i < node->children.len; i++) {
        clear_node(node->children.items[i]);
        free(node->children.items[i]);
    }
    vec_clear(&node->children);
    if (node->parameter) {
        clear_node(node->parameter);
        free(node->parameter);
    }
}

void router_free(struct router *router)
{
    if (!router)
        return;
    clear_node(&router->root);
    for (size_t i = 0; i < router->rows.len; i++) {
        free((void *)router->rows.items[i]->query);
        free(router->rows.items[i]);
    }
    vec_clear(&router->rows);
    vec_clear(&router->rules);
    json_schemas_free(router->schemas);
    free(router);
}

void router_add_schemas(struct router *router, const struct embedded_file *files)
{
    json_schemas_add(router->schemas, files);
}

void router_add_rules(struct router *router, const char *body, const struct body_rules *rules)
{
    vec_push(&router->rules, (struct rules){body, rules});
}

static void mistake(struct router *router, const struct route *route, const char *what)
{
    log_error("route.wrong", "path=%s operation=%s reason=\"%s\"", route->path, route->operation,
              what);
    router->mistakes++;
}

static struct node *literal_child(const struct node *node, struct str segment)
{
    for (size_t i = 0; i < node->children.len; i++) {
        if (str_equal(node->children.items[i]->segment, segment))
            return node->children.items[i];
    }
    return NULL;
}

static bool is_parameter(struct str segment)
{
    return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

/* Steps down by one segment of a row's path, making the way where there is none. */
static struct node *descend(struct node *node, struct routed *routed, struct str segment)
{
    struct node *child;

    if (is_parameter(segment)) {
        if (routed->parameter_count < ROUTE_PARAMETERS_MAX)
            routed->parameter_names[routed->parameter_count++] =
                str_sub(segment, 1, segment.len - 2);
        if (!node->parameter)
            node->parameter = NEW(struct node);
        return node->parameter;
    }
    child = literal_child(node, segment);
    if (!child) {
        child = NEW(struct node);
        child->segment = segment;
        vec_push(&node->children, child);
    }
    return child;
}

static void add_row(struct router *router, const struct route *route, void *context)
{
    struct routed *routed = NEW(struct routed);
    struct str rest = str_of(route->path + 1);
    struct node *node = &router->root;

    routed->route = route;
    routed->context = context;
    while (rest.ptr)
        node = descend(node, routed, str_cut(&rest, '/'));
    if (node->rows[route->method])
        mistake(router, route, "there is another route of this path and method");
    node->rows[route->method] = routed;
    node->methods |= 1u << route->method;
    vec_push(&router->rows, routed);
}

void router_add(struct router *router, const struct route *rows, void *context)
{
    for (const struct route *route = rows; route->run != ROUTE_NOTHING; route++)
        add_row(router, route, context);
}

static bool is_in_path(const struct routed *routed, const char *name)
{
    for (unsigned i = 0; i < routed->parameter_count; i++) {
        if (str_equal(routed->parameter_names[i], str_of(name)))
            return true;
    }
    return false;
}

/* Names that the server fills in by itself and that a query may not give. */
static bool is_reserved(const char *name)
{
    enum permission permission;

    return strcmp(name, "org") == 0 || strcmp(name, "principal") == 0 ||
           parameter_permission(name, &permission);
}

/* A READ row takes what its statement names, as far as it is not in the path. */
static const char *const *allowed_query(const struct routed *routed)
{
    const struct route *route = routed->route;
    const char *const *names =
        route->run == ROUTE_READ ? route->statement->parameters : route->query;
    VEC(const char *) allowed = {0};

    for (; names && *names; names++) {
        if (!is_in_path(routed, *names) && !is_reserved(*names))
            vec_push(&allowed, *names);
    }
    vec_push(&allowed, NULL);
    return allowed.items;
}

static const struct body_rules *rules_of(const struct router *router, const char *body)
{
    for (size_t i = 0; i < router->rules.len; i++) {
        if (strcmp(router->rules.items[i].body, body) == 0)
            return router->rules.items[i].rules;
    }
    return NULL;
}

static void prepare_row(struct router *router, struct routed *routed)
{
    const struct route *route = routed->route;

    routed->query = allowed_query(routed);
    if (strcmp(route->body, "none") != 0) {
        routed->body = json_schemas_find(router->schemas, route->body);
        routed->rules = rules_of(router, route->body);
        if (!routed->body)
            mistake(router, route, "there is no schema of the body's name");
    }
    if (strcmp(route->reply, "none") != 0 && !json_schemas_find(router->schemas, route->reply))
        mistake(router, route, "there is no schema of the reply's name");
    for (size_t i = 0; i < router->rows.len; i++) {
        const struct route *other = router->rows.items[i]->route;

        if (other != route && strcmp(other->operation, route->operation) == 0)
            mistake(router, route, "there is another route of this operationId");
    }
}

enum err router_prepare(struct router *router)
{
    TRY(json_schemas_compile(router->schemas));
    for (size_t i = 0; i < router->rows.len; i++)
        prepare_row(router, router->rows.items[i]);
    if (router->mistakes > 0)
        return fail(ERR_BUG, "routes_wrong", "%zu mistakes in the routes", router->mistakes);
    return OK;
}

/* Finds the node that ends the path. A literal that leads nowhere gives way to the parameter beside
 * it. */
static const struct node *find(const struct node *node, struct str rest, struct str *values,
                               unsigned depth, unsigned value_count)
{
    struct str segment;
    const struct node *literal;

    if (!rest.ptr)
        return node->methods != 0 ? node : NULL;
    if (depth == ROUTE_SEGMENTS_MAX)
        return NULL;

    segment = str_cut(&rest, '/');
    literal = literal_child(node, segment);
    if (literal) {
        const struct node *found = find(literal, rest, values, depth + 1, value_count);

        if (found)
            return found;
    }
    if (!node->parameter || segment.len == 0 || value_count == ROUTE_PARAMETERS_MAX)
        return NULL;
    values[value_count] = segment;
    return find(node->parameter, rest, values, depth + 1, value_count + 1);
}

bool router_match(const struct router *router, enum method method, struct str path,
                  struct route_match *ret_match)
{
    const struct node *node;

    if (path.len < 2 || path.ptr[0] != '/')
        return false;
    node = find(&router->root, str_sub(path, 1, path.len), ret_match->values, 0, 0);
    if (!node)
        return false;
    ret_match->routed = node->rows[method == METHOD_HEAD ? METHOD_GET : method];
    ret_match->methods = node->methods;
    return true;
}

size_t router_count(const struct router *router)
{
    return router->rows.len;
}

const struct routed *router_at(const struct router *router, size_t index)
{
    return router->rows.items[index];
}

const struct json_schemas *router_schemas(const struct router *router)
{
    return router->schemas;
}
