/*
 * A route is one row: method, path, what runs, permission, rate class, body schema, success status,
 * reply schema, summary, and the names of its query parameters. Everything else follows from the
 * row: matching, guarding, checking the body, running in the right place, and the OpenAPI document.
 *
 *   READ     one SQL statement that shapes the JSON, in pipeline mode on the loop. Its parameters
 *            are filled by name (control/api/request.h): from {segments} of the path, from reserved
 *            names, else from the query string. It returns one row: JSON text, then optionally the
 *            version for the ETag. No row means 404.
 *   LIST     a page of objects, found by the filters of control/api/listing.h; else as READ.
 *   OBJECT   one of them, by the {id} of its path.
 *   MEMORY   a pure function of a read model that the loop owns; it never waits.
 *   HANDLER  straight-line code on a worker thread with request->db.
 *   WRITE    a HANDLER that changes the database by one transaction of control/api/write.h: so it can
 *            be tried out (?dry_run=true), and a POST can be repeated (Idempotency-Key).
 *
 * `body` and `reply` are names of embedded schema files without ".json"; `none` for nothing. A
 * table ends with { 0 }.
 *
 * A hook is a MEMORY route that programs of others call, by an address that is a secret: nobody is
 * asked who they are, the address is never logged, and the body may be absent, JSON, a form (its
 * fields count as query parameters) or plain text (request_hook_body()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/err.h"
#include "shared/statement.h"

#include "control/permissions.h"

struct listing;
struct reply;
struct request;

enum method {
    METHOD_GET,
    METHOD_HEAD, /* never in a row: a GET without the body */
    METHOD_POST,
    METHOD_PATCH,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS, /* never in a row: answered from the rows */
    METHOD_COUNT,
};

extern const char *const method_words[METHOD_COUNT];

/* Rate classes: what limits hold for, in control/api/rates.h. FREE has none, so that who has set one
 * too low can mend it. Rows may also say GRAPH or EXPORT: that is BROWSE at a higher cost, see
 * exchange_rate.c. */
enum rate {
    RATE_FREE,
    RATE_BROWSE,
    RATE_CHANGE,
    RATE_EXPENSIVE,
    RATE_SIGN_IN,
    RATE_COUNT,
    RATE_GRAPH = RATE_COUNT,
    RATE_EXPORT,
};

enum route_run { ROUTE_NOTHING, ROUTE_READ, ROUTE_LIST, ROUTE_OBJECT, ROUTE_MEMORY, ROUTE_HANDLER };

typedef enum err (*route_memory_fn)(const struct request *request, struct reply *reply);
typedef enum err (*route_handler_fn)(struct request *request, struct reply *reply);

struct route {
    enum route_run run;
    enum method method;
    const char *path; /* "/api/v1/systems/{id}" */
    const struct statement *statement;
    const struct listing *listing;
    route_memory_fn memory;
    route_handler_fn handler;
    const char *operation; /* operationId, and the console's function name */
    enum permission permission;
    enum rate rate;
    const char *body;  /* schema name or "none" */
    uint16_t status;   /* of success */
    const char *reply; /* schema name or "none" */
    const char *summary;
    /* names of query parameters, NULL at the end; a READ row has its statement's */
    const char *const *query;
    bool is_hook;
    bool is_write;  /* see WRITE */
    bool is_lines;  /* see LINES */
    bool is_upload; /* see UPLOAD */
};

#define ROUTE_QUERY(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

#define READ(path_, statement_, operation_, permission_, rate_, body_, status_, reply_, summary_)  \
    {                                                                                              \
        .run = ROUTE_READ, .method = METHOD_GET, .path = (path_), .statement = &(statement_),      \
        .operation = (operation_), .permission = PERMISSION_##permission_, .rate = RATE_##rate_,   \
        .body = #body_, .status = (status_), .reply = #reply_, .summary = (summary_)               \
    }

/* After the summary: "include" and "as_of", where the listing has them. */
#define LIST(path_, listing_, operation_, permission_, reply_, summary_, ...)                      \
    {                                                                                              \
        .run = ROUTE_LIST, .method = METHOD_GET, .path = (path_), .listing = &(listing_),          \
        .operation = (operation_), .permission = PERMISSION_##permission_, .rate = RATE_BROWSE,    \
        .body = "none", .status = 200, .reply = #reply_, .summary = (summary_),                    \
        .query = ROUTE_QUERY("limit", "cursor", "sort", "fields", "count",                         \
                             "q" __VA_OPT__(, ) __VA_ARGS__)                                       \
    }

#define OBJECT(path_, listing_, operation_, permission_, reply_, summary_, ...)                    \
    {                                                                                              \
        .run = ROUTE_OBJECT, .method = METHOD_GET, .path = (path_), .listing = &(listing_),        \
        .operation = (operation_), .permission = PERMISSION_##permission_, .rate = RATE_BROWSE,    \
        .body = "none", .status = 200, .reply = #reply_, .summary = (summary_),                    \
        .query = ROUTE_QUERY("fields" __VA_OPT__(, ) __VA_ARGS__)                                  \
    }

/* After the summary: the names of the query parameters, as strings. */
#define MEMORY(method_, path_, function_, operation_, permission_, rate_, body_, status_, reply_,  \
               summary_, ...)                                                                      \
    {                                                                                              \
        .run = ROUTE_MEMORY, .method = METHOD_##method_, .path = (path_), .memory = (function_),   \
        .operation = (operation_), .permission = PERMISSION_##permission_, .rate = RATE_##rate_,   \
        .body = #body_, .status = (status_), .reply = #reply_, .summary = (summary_),              \
        .query = ROUTE_QUERY(__VA_ARGS__)                                                          \
    }

#define HANDLER(method_, path_, function_, operation_, permission_, rate_, body_, status_, reply_, \
                summary_, ...)                                                                     \
    {                                                                                              \
        .run = ROUTE_HANDLER, .method = METHOD_##method_, .path = (path_), .handler = (function_), \
        .operation = (operation_), .permission = PERMISSION_##permission_, .rate = RATE_##rate_,   \
        .body = #body_, .status = (status_), .reply = #reply_, .summary = (summary_),              \
        .query = ROUTE_QUERY(__VA_ARGS__)                                                          \
    }

/* A HANDLER of a GET that answers with lines of JSON: `reply_` is the schema of one. */
#define LINES(path_, function_, operation_, permission_, rate_, reply_, summary_, ...)             \
    {                                                                                              \
        .run = ROUTE_HANDLER, .method = METHOD_GET, .path = (path_), .handler = (function_),       \
        .operation = (operation_), .permission = PERMISSION_##permission_, .rate = RATE_##rate_,   \
        .body = "none", .status = 200, .reply = #reply_, .summary = (summary_),                    \
        .query = ROUTE_QUERY(__VA_ARGS__), .is_lines = true                                        \
    }

/* A HANDLER of a POST whose body is lines of JSON, too many for memory: `line_` is the schema of one,
 * for the documentation; it takes them by request_read_lines(). Who may not call it is told before
 * the body is read. */
#define UPLOAD(path_, function_, operation_, permission_, rate_, line_, status_, reply_, summary_, \
               ...)                                                                                \
    {                                                                                              \
        .run = ROUTE_HANDLER, .method = METHOD_POST, .path = (path_), .handler = (function_),      \
        .operation = (operation_), .permission = PERMISSION_##permission_, .rate = RATE_##rate_,   \
        .body = #line_, .status = (status_), .reply = #reply_, .summary = (summary_),              \
        .query = ROUTE_QUERY(__VA_ARGS__), .is_upload = true                                       \
    }

#define WRITE(method_, path_, function_, operation_, permission_, rate_, body_, status_, reply_,   \
              summary_, ...)                                                                       \
    {                                                                                              \
        .run = ROUTE_HANDLER, .method = METHOD_##method_, .path = (path_), .handler = (function_), \
        .operation = (operation_), .permission = PERMISSION_##permission_, .rate = RATE_##rate_,   \
        .body = #body_, .status = (status_), .reply = #reply_, .summary = (summary_),              \
        .query = ROUTE_QUERY(__VA_ARGS__ __VA_OPT__(, ) "dry_run"), .is_write = true               \
    }

#define HOOK(method_, path_, function_, operation_, body_, status_, reply_, summary_, ...)         \
    {                                                                                              \
        .run = ROUTE_MEMORY, .method = METHOD_##method_, .path = (path_), .memory = (function_),   \
        .operation = (operation_), .permission = PERMISSION_PUBLIC, .rate = RATE_BROWSE,           \
        .body = #body_, .status = (status_), .reply = #reply_, .summary = (summary_),              \
        .query = ROUTE_QUERY(__VA_ARGS__), .is_hook = true                                         \
    }
