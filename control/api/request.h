/*
 * What a handler sees of a request. All texts live as long as the request; path and query
 * parameters are decoded.
 *
 * Parameters of READ statements that the server fills in by itself:
 *   org        the caller's organisation id; NULL when the caller may see all
 *   principal  the caller's id
 *   limit      1 … 1000, 50 when the caller says nothing
 *   may_x_y    whether the caller has the permission x.y: true or false
 * Known names are checked by type before anything runs (control/api/parameters.c): ids, times,
 * numbers, words.
 *
 * Thread: the loop for MEMORY, one worker for HANDLER; never both at once.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "control/api/guard.h"
#include "control/api/route.h"

#define REQUEST_PARAMETERS_MAX 64
#define REQUEST_ID_BYTES       65 /* with its zero byte */

#define PAGE_LIMIT_DEFAULT 50
#define PAGE_LIMIT_MAX     1000

struct http_head;
struct json_schema;
struct line_taker;
struct server;
struct upload;
struct write_once;

struct request_parameter {
    struct str name;
    struct str value;
};

struct request {
    const struct route *route;
    void *context; /* of the route's table: see router_add() */
    enum method method;
    bool secure;               /* came over TLS */
    struct str path;           /* without the query */
    const char *address;       /* the peer's IP address */
    char id[REQUEST_ID_BYTES]; /* X-Request-Id: theirs when it is sound, else ours */
    struct principal principal;
    json_t *body;        /* accepted by the row's schema; NULL without one */
    char *reason;        /* of a WRITE: what X-EM-Reason says, decoded; NULL: nothing */
    struct db *db;       /* HANDLER: the worker's connection */
    struct str if_match; /* as it came; NULL when absent */
    struct str if_none_match;
    /* private */
    struct write_once *once; /* of a WRITE with an Idempotency-Key */
    bool committed;          /* the transaction of a WRITE has ended as it should */
    struct server *server;
    const struct http_head *head;
    const struct json_schema *hook_schema; /* of a hook's body; NULL: it takes none */
    struct str hook_body;                  /* as it came */
    const struct upload *upload;           /* the body of an UPLOAD */
    size_t parameter_count;
    struct request_parameter parameters[REQUEST_PARAMETERS_MAX];
};

/* A path or query parameter; a view with NULL when it was not given. A repeated one is refused
 * before it gets here. */
struct str request_parameter(const struct request *request, const char *name);

/* As above, read as an id. @return ERR_NOT_FOUND when it is absent or is no UUID. */
MUST_USE enum err request_uuid(const struct request *request, const char *name,
                               struct uuid *ret_uuid);

/* Reads a number that the parameter table has already checked; `otherwise` when it was not
 * given. */
int64_t request_integer(const struct request *request, const char *name, int64_t otherwise);

/* True when the parameter is "true". */
bool request_flag(const struct request *request, const char *name);

/* Whether the comma-separated parameter holds `word`: include=health. */
bool request_includes(const struct request *request, const char *name, const char *word);

/* A header field of the request; a view with NULL when absent. */
struct str request_header(const struct request *request, const char *name);

/* Whether the list of an If-Match or If-None-Match has the tag, strong or weak, or is "*"; not when
 * it is absent. */
bool entity_tags_have(struct str list, struct str tag);

/* Compares If-Match with the object's version (the part before a dot). OK when there is none or one
 * of its tags fits.
 * @return ERR_CONFLICT "precondition_failed", which the API answers with 412. */
MUST_USE enum err request_match_version(const struct request *request, int64_t version);

/* Checks a part of the body by another schema, and adds what is wrong with pointers from the part's
 * root. @return ERR_INVALID when there is anything. */
MUST_USE enum err request_check(const struct request *request, const char *schema,
                                const json_t *part, json_t **errors);

/* The body of a hook. `ret_json` gets it when it is JSON, as the row's schema accepts it (yours),
 * `ret_text` when it is text (borrowed); neither when there is none, or it was a form.
 * @return ERR_INVALID "json_malformed", "body_invalid". */
MUST_USE enum err request_hook_body(const struct request *request, json_t **ret_json,
                                    struct str *ret_text);

/* Hands over the lines of the body of an UPLOAD; see upload_read_lines(). */
MUST_USE enum err request_read_lines(const struct request *request, const struct line_taker *taker);
