/*
 * What a head says before anything of the body is read: which route, which method, and whether the
 * body can be taken. What can be refused by it is answered at once.
 */
#include <stdio.h>

#include "control/api/exchange_private.h"
#include "control/api/live_http.h"
#include "control/api/live_private.h"
#include "control/api/media_type.h"
#include "control/api/request_read.h"
#include "control/api/upload.h"

/* "Allow: GET, HEAD, OPTIONS" for the methods of a path. */
static void tell_allowed(struct reply *reply, uint32_t methods)
{
    char text[128] = "";
    size_t len = 0;

    if (methods & 1u << METHOD_GET)
        methods |= 1u << METHOD_HEAD;
    methods |= 1u << METHOD_OPTIONS;
    for (int method = 0; method < METHOD_COUNT; method++) {
        if (methods & 1u << method)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? ", " : "",
                                    method_words[method]);
    }
    reply_header(reply, "Allow", "%s", text);
}

/* Answers a method that the path does not have; OPTIONS is what every path has. */
static void answer_other_method(struct exchange *exchange, uint32_t methods)
{
    if (exchange->request.method == METHOD_OPTIONS) {
        exchange->reply.status = 204;
        exchange->answered = true;
    } else {
        exchange_refuse(exchange, 405, "method_not_allowed", "This has no such method; see Allow.");
    }
    tell_allowed(&exchange->reply, methods);
}

/* Whether the route can read a body of this type. */
static bool is_readable(const struct exchange *exchange)
{
    const struct route *route = exchange->routed->route;
    const struct http_head *head = exchange->request.head;
    struct str encoding = http_head_field(head, STR("content-encoding"));
    enum media_type type = media_type_of(http_head_field(head, STR("content-type")));

    if (encoding.ptr && !str_equal_nocase(encoding, STR("identity")))
        return false;
    if (route->is_hook)
        return type != MEDIA_OTHER && type != MEDIA_LINES;
    return type == (route->is_upload ? MEDIA_LINES : MEDIA_JSON);
}

static const char *readable_types(const struct exchange *exchange)
{
    const struct route *route = exchange->routed->route;

    if (route->is_hook)
        return "The body has to be application/json in UTF-8, a form or text/plain, not "
               "compressed.";
    if (route->is_upload)
        return "The body has to be application/x-ndjson in UTF-8, not compressed.";
    return "The body has to be application/json in UTF-8, not compressed.";
}

static void check_length(struct exchange *exchange)
{
    bool is_upload = exchange->routed && exchange->routed->route->is_upload;

    if (exchange->request.head->content_length <=
        (is_upload ? UPLOAD_BYTES_MAX : REQUEST_BODY_BYTES_MAX))
        return;
    exchange_refuse(exchange, 413, "body_too_large",
                    is_upload ? "The body may have at most 50 MiB."
                              : "The body may have at most 1 MiB.");
}

/* Refuses a body by its head, before it is read. */
static void look_at_body(struct exchange *exchange)
{
    const struct http_head *head = exchange->request.head;

    if (head->framing == HTTP_NO_BODY) {
        if (exchange->routed && exchange->routed->body && !exchange->routed->route->is_hook)
            exchange_refuse(exchange, 400, "body_missing", "This needs a body.");
        return;
    }
    if (head->framing == HTTP_LENGTH)
        check_length(exchange);
    if (exchange->answered)
        return;
    if (!exchange->routed)
        exchange_refuse(exchange, 400, "body_unexpected", "This takes no body.");
    else if (exchange->routed->body && !is_readable(exchange))
        exchange_refuse(exchange, 415, "media_type_unsupported", readable_types(exchange));
    else if (http_head_field(head, STR("expect")).ptr && !head->expect_continue)
        exchange_refuse(exchange, 417, "expectation_unknown", "Only 100-continue can be expected.");
}

static bool is_below(struct str path, struct str prefix)
{
    return str_starts_with(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

static bool belongs_to_console(struct str path)
{
    return !is_below(path, STR("/api")) && !is_below(path, STR("/hooks")) &&
           !is_below(path, STR("/socket.io"));
}

/* Finds out what the path is: a route, the live connection, or a file of the console. */
static void find_route(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct router *router = exchange->request.server->config.router;
    bool reads = request->method == METHOD_GET || request->method == METHOD_HEAD;

    if (router_match(router, request->method == METHOD_COUNT ? METHOD_OPTIONS : request->method,
                     request->path, &exchange->match)) {
        exchange->routed = exchange->match.routed;
        if (!exchange->routed) {
            answer_other_method(exchange, exchange->match.methods);
            return;
        }
        request->route = exchange->routed->route;
        request->context = exchange->routed->context;
        return;
    }
    exchange->service = live_service_at(server_live(request->server), request->path);
    if (exchange->service)
        live_http_read_head(exchange);
    else if (!belongs_to_console(request->path))
        exchange_refuse(exchange, 404, "not_found", "There is no such resource.");
    else if (!reads)
        answer_other_method(exchange, 1u << METHOD_GET);
}

void exchange_read_head(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct http_head *head = request->head;

    request->method = method_of(head->method);
    if (!request_take_id(request, http_head_field(head, STR("x-request-id"))))
        server_next_request_id(request->server, request->id, sizeof request->id);
    if (request->method == METHOD_OPTIONS && str_equal(head->target, STR("*"))) {
        answer_other_method(exchange, (1u << METHOD_COUNT) - 1);
        return;
    }
    if (!target_split(head->target, &request->path, &exchange->query)) {
        exchange_refuse(exchange, 400, "target_invalid", "The request target is not a path.");
        return;
    }
    request->if_match = http_head_field(head, STR("if-match"));
    request->if_none_match = http_head_field(head, STR("if-none-match"));
    find_route(exchange);
    if (!exchange->answered && !exchange->service)
        look_at_body(exchange);
    if (!exchange->answered && exchange->routed && exchange->routed->route->is_upload)
        exchange->admission = ADMISSION_WANTED;
}
