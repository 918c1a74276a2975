/*
 * What the server makes of a head before anything runs: target, credentials, origin, entity tags,
 * path and query parameters, the statement of a list. The input is a request as it comes from the socket.
 */
#include <assert.h>
#include <stdlib.h>

#include "shared/http_parse.h"

#include "control/api/guard_cookie.h"
#include "control/api/listing_query.h"
#include "control/api/reply.h"
#include "control/api/request_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err answer(const struct request *request, struct reply *reply)
{
    (void)request;
    (void)reply;
    return OK;
}

/* clang-format off */
static const struct listing things = { "things", "thing", "thing_item", (const struct listing_field[]){
    { "id", LISTING_UUID }, { "name", LISTING_TEXT }, { "tags", LISTING_TAGS }, { "attributes", LISTING_ATTRIBUTES },
    { "size", LISTING_NUMBER }, { "made_at", LISTING_TIME }, { "spec", LISTING_OTHER }, { 0 },
}, .includes = (const struct listing_include[]){
    { "owner", "(SELECT 1)", "(SELECT 1 WHERE now() > @)", "1" }, { "system", "(SELECT 2)", "(SELECT 2)", NULL }, { 0 },
} };

static const struct route routes[] = {
    MEMORY(GET,  "/api/v1/things",           answer, "list", PUBLIC, BROWSE, none, 200, none, "All",  "limit", "cursor", "q", "from", "system", "include", "cascade"),
    MEMORY(GET,  "/api/v1/things/{id}",      answer, "get",  PUBLIC, BROWSE, none, 200, none, "One",  "as_of"),
    LIST  (      "/api/v1/listed",           things, "list_things", PUBLIC, none, "Listed", "include", "as_of"),
    OBJECT(      "/api/v1/listed/{id}",      things, "get_thing",   PUBLIC, none, "Shown",  "include", "as_of"),
    MEMORY(POST, "/api/v1/things/{name}/at", answer, "post", PUBLIC, BROWSE, none, 200, none, "Name", "q"),
    { 0 },
};

/* clang-format on */

static struct router *make_router(void)
{
    struct router *router = router_new();

    router_add(router, routes, NULL);
    if (router_prepare(router) != OK)
        abort();
    return router;
}

/* Nothing that was sent is part of the statement, and each $N of it has a value. */
static void compile(const struct route *route, const struct request *request)
{
    CLEANUP(listing_query_clear_p) struct listing_query query = {0};

    if (route->run == ROUTE_OBJECT) {
        listing_object_compile(route->listing, request, &query);
    } else if (listing_query_compile(route->listing, request, &query) != OK) {
        failure_clear();
        return;
    }
    assert(query.parameter_count <= 3 * REQUEST_PARAMETERS_MAX + 16);
    for (size_t i = 0; i + 1 < query.text.len; i++) {
        char c = query.text.data[i];

        assert(c >= ' ' && c <= '~');
        if (c == '$')
            assert(strtoul(query.text.data + i + 1, NULL, 10) <= query.parameter_count);
    }
    for (size_t i = 0; i < query.parameter_count; i++)
        assert(!memchr(query.values[i].ptr, '\0', query.values[i].len));
}

static void read_parameters(const struct router *router, struct request *request, struct str query)
{
    CLEANUP(buf_clear_p) struct buf texts = {0};
    struct route_match match = {0};

    if (!router_match(router, request->method == METHOD_COUNT ? METHOD_GET : request->method,
                      request->path, &match) ||
        !match.routed)
        return;
    if (request_read_parameters(request, match.routed, &match, query, query, &texts) != OK) {
        failure_clear();
        return;
    }
    for (size_t i = 0; i < request->parameter_count; i++)
        assert(str_is_utf8(request->parameters[i].value));
    if (match.routed->route->listing)
        compile(match.routed->route, request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_limits limits = {
        .target_bytes = 8192, .head_bytes = 16384, .fields = 100, .chunk_extension_bytes = 4096};
    static struct router *router;
    struct http_parser parser;
    struct request request = {0};
    struct str query;
    size_t used;

    if (!router)
        router = make_router();
    http_parser_init(&parser, HTTP_REQUEST, &limits);
    if (http_parse(&parser, str_n((const char *)data, size), &used) != HTTP_HEAD)
        return 0;

    request.head = &parser.head;
    request.method = method_of(parser.head.method);
    request_take_id(&request, http_head_field(&parser.head, STR("x-request-id")));
    credential_of(&parser.head, size & 1);
    origin_is_own(&parser.head, size & 1);
    entity_tags_have(http_head_field(&parser.head, STR("if-match")), STR("1"));
    if (guard_against_forgery(&request) != OK)
        failure_clear();
    if (target_split(parser.head.target, &request.path, &query))
        read_parameters(router, &request, query);
    return 0;
}
