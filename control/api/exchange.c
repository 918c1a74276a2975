/*
 * The life of a request, in the order of its functions: look at the head, take the body, find out who asks, check what
 * they may and sent, run, answer. What fails on the way is written as a problem at once.
 */
#include "control/api/exchange.h"

#include <assert.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/json_schema.h"
#include "shared/log.h"

#include "control/api/answer.h"
#include "control/api/guard_cookie.h"
#include "control/api/live_client.h"
#include "control/api/problem.h"
#include "control/api/rates.h"
#include "control/api/request_read.h"
#include "control/api/static_files.h"
#include "control/api/workers.h"
#include "control/api/written_reply.h"
#include "control/store/pipeline.h"

#define READ_US       10000000
#define ATTEMPTS_MAX  3 /* of a handler whose transactions collide with others' */
#define QUEUE_US      5000000
#define RELEASE_US    2000000
#define TEXTS_KEEP    (16 * 1024)
#define STATEMENT_MAX 32 /* parameters of a READ statement */

static void proceed(struct exchange *exchange);

/* Ends ------------------------------------------------------------------------------------------------------------------ */

/* Writes the failure of this thread as the answer. */
static void answer_failure(struct exchange *exchange, enum err err)
{
    problem_write(&exchange->reply, exchange->request.id, err, failure_last());
    failure_clear();
    exchange->answered = true;
}

static void answer_status(struct exchange *exchange, uint16_t status, const char *code,
                          const char *detail)
{
    problem_write_status(&exchange->reply, exchange->request.id, status, code, detail);
    exchange->answered = true;
}

static void release(struct exchange *exchange)
{
    struct server *server = exchange->connection->server;

    if (exchange->written)
        written_reply_forget(exchange->written);
    json_decref(exchange->request.body);
    reply_reset(&exchange->reply);
    if (exchange->reply.body.capacity > TEXTS_KEEP)
        buf_clear(&exchange->reply.body);
    if (exchange->body.capacity > TEXTS_KEEP)
        buf_clear(&exchange->body);
    pool_give(&server->exchanges, exchange);
}

/* Takes an exchange from the pool; its buffers keep their memory. */
static struct exchange *take(struct server *server)
{
    struct exchange *exchange = pool_take(&server->exchanges);
    struct exchange kept = {
        .reply = exchange->reply, .texts = exchange->texts, .body = exchange->body};

    memset(&exchange->request, 0, offsetof(struct request, parameters));
    memset((char *)exchange + offsetof(struct exchange, reply), 0,
           sizeof *exchange - offsetof(struct exchange, reply));
    exchange->reply = kept.reply;
    exchange->texts = kept.texts;
    exchange->body = kept.body;
    buf_reset(&exchange->body);
    return exchange;
}

bool exchange_is_answered(const struct exchange *exchange)
{
    return exchange->answered;
}

void exchange_send(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    struct request *request = &exchange->request;
    struct reply *reply = &exchange->reply;
    const struct route *route = request->route;
    bool has_body = reply->body.len > 0;

    if (reply->status == 0)
        reply->status = route->status;
    answer_write(connection, &(struct answer){
                                 .status = reply->status,
                                 .is_api = true,
                                 .without_body = request->method == METHOD_HEAD,
                                 .close = connection->close_after,
                                 .tell_keep_alive = request->head->minor_version == 0,
                                 .request_id = request->id,
                                 .type = !has_body     ? NULL
                                         : reply->type ? reply->type
                                                       : "application/json",
                                 .headers = buf_str(&reply->headers),
                                 .body = buf_str(&reply->body),
                                 .body_owner = &reply->body,
                             });
    metric_observe_us(&server_metrics.duration, clock_monotonic_us() - exchange->started_us);
    log_debug("request.done", "request=%s method=%s path=" STR_FMT " status=%u", request->id,
              request->method < METHOD_COUNT ? method_words[request->method] : "?",
              STR_ARG(request->path), reply->status);
    connection->exchange = NULL;
    release(exchange);
    connection_answered(connection);
}

void exchange_abandon(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;

    if (exchange->work != WORK_NOTHING) {
        exchange->abandoned = true;
        return;
    }
    if (exchange->read_id != 0)
        pipeline_cancel(connection->server->config.pipeline, exchange->read_id);
    connection->exchange = NULL;
    release(exchange);
}

void exchange_tick(struct exchange *exchange, int64_t now_us)
{
    if (!exchange->worked || !exchange->written || now_us < exchange->release_by_us)
        return;
    metric_add(&server_metrics.releases_late, 1);
    written_reply_forget(exchange->written);
    exchange->written = NULL;
    exchange_send(exchange);
}

/* The head -------------------------------------------------------------------------------------------------------------- */

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
        answer_status(exchange, 405, "method_not_allowed", "This has no such method; see Allow.");
    }
    tell_allowed(&exchange->reply, methods);
}

static bool is_json_type(struct str type)
{
    struct str name = str_trim(str_cut(&type, ';'));

    if (!str_equal_nocase(name, STR("application/json")) &&
        !str_equal_nocase(name, STR("application/merge-patch+json")))
        return false;
    while (type.ptr) {
        struct str parameter = str_trim(str_cut(&type, ';'));

        if (parameter.len > 8 && str_equal_nocase(str_sub(parameter, 0, 8), STR("charset=")) &&
            !str_equal_nocase(str_sub(parameter, 8, parameter.len), STR("utf-8")) &&
            !str_equal_nocase(str_sub(parameter, 8, parameter.len), STR("\"utf-8\"")))
            return false;
    }
    return true;
}

/* Refuses a body by its head, before it is read. */
static void look_at_body(struct exchange *exchange)
{
    const struct http_head *head = exchange->request.head;
    struct str encoding = http_head_field(head, STR("content-encoding"));

    if (head->framing == HTTP_NO_BODY) {
        if (exchange->routed && exchange->routed->body)
            answer_status(exchange, 400, "body_missing", "This needs a JSON document as body.");
        return;
    }
    if (head->framing == HTTP_LENGTH && head->content_length > REQUEST_BODY_BYTES_MAX)
        answer_status(exchange, 413, "body_too_large", "The body may have at most 1 MiB.");
    else if (!exchange->routed)
        answer_status(exchange, 400, "body_unexpected", "This takes no body.");
    else if (exchange->routed->body &&
             (!is_json_type(http_head_field(head, STR("content-type"))) ||
              (encoding.ptr && !str_equal_nocase(encoding, STR("identity")))))
        answer_status(exchange, 415, "media_type_unsupported",
                      "The body has to be application/json in UTF-8, not compressed.");
    else if (http_head_field(head, STR("expect")).ptr && !head->expect_continue)
        answer_status(exchange, 417, "expectation_unknown", "Only 100-continue can be expected.");
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
    const struct router *router = exchange->connection->server->config.router;
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
    if (str_equal(request->path, STR("/socket.io/")) && request->method == METHOD_GET)
        exchange->wants_live = true;
    else if (!belongs_to_console(request->path))
        answer_status(exchange, 404, "not_found", "There is no such resource.");
    else if (!reads)
        answer_other_method(exchange, 1u << METHOD_GET);
}

static void read_head(struct exchange *exchange)
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
        answer_status(exchange, 400, "target_invalid", "The request target is not a path.");
        return;
    }
    request->if_match = entity_tag_of(http_head_field(head, STR("if-match")));
    request->if_none_match = entity_tag_of(http_head_field(head, STR("if-none-match")));
    find_route(exchange);
    if (!exchange->answered)
        look_at_body(exchange);
}

struct exchange *exchange_new(struct connection *connection, const struct http_head *head)
{
    struct server *server = connection->server;
    struct exchange *exchange = take(server);
    struct request *request = &exchange->request;

    exchange->connection = connection;
    exchange->started_us = clock_monotonic_us();
    request->server = server;
    request->head = head;
    request->secure = server->tls != NULL;
    request->address = connection->peer_text;
    read_head(exchange);
    return exchange;
}

bool exchange_add_body(struct exchange *exchange, struct str data)
{
    if (exchange->body.len + data.len > REQUEST_BODY_BYTES_MAX) {
        answer_status(exchange, 413, "body_too_large", "The body may have at most 1 MiB.");
        return false;
    }
    buf_append_str(&exchange->body, data);
    return true;
}

/* Who asks -------------------------------------------------------------------------------------------------------------- */

static void hand_to_worker(struct exchange *exchange, enum exchange_work work)
{
    exchange->work = work;
    exchange->queued_us = clock_monotonic_us();
    if (workers_take(exchange->connection->server->workers, exchange))
        return;
    exchange->work = WORK_NOTHING;
    metric_add(&server_metrics.queue_full, 1);
    (void)fail(ERR_UNAVAILABLE, "workers_full", "Too much is under way.");
    answer_failure(exchange, ERR_UNAVAILABLE);
    exchange_send(exchange);
}

static bool is_public(const struct exchange *exchange)
{
    return exchange->routed && exchange->routed->route->permission == PERMISSION_PUBLIC;
}

/* A credential that is worth nothing is as good as none where none is needed. */
static void on_unknown_credential(struct exchange *exchange)
{
    if (is_public(exchange)) {
        exchange->request.principal = (struct principal){0};
        return;
    }
    answer_status(exchange, 401, "credentials_invalid",
                  "The key or session is not known, or no longer valid.");
}

static void authenticate(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct guard_ops *guard = &request->server->config.guard;

    exchange->credential = credential_of(request->head, request->secure);
    if (exchange->credential.kind == CREDENTIAL_NONE || !guard->recall) {
        proceed(exchange);
        return;
    }
    switch (guard->recall(guard->context, &exchange->credential, &request->principal)) {
    case GUARD_KNOWN:
        break;
    case GUARD_UNKNOWN:
        on_unknown_credential(exchange);
        break;
    case GUARD_ASK:
        hand_to_worker(exchange, WORK_AUTHENTICATE);
        return;
    }
    proceed(exchange);
}

/* What they may and sent ------------------------------------------------------------------------------------------------ */

static enum err check_permission(const struct exchange *exchange)
{
    const struct principal *principal = &exchange->request.principal;
    enum permission permission = exchange->routed->route->permission;

    if (guard_allows(principal, permission))
        return OK;
    if (principal->by == CREDENTIAL_NONE)
        return fail(ERR_UNAUTHENTICATED, "credentials_missing",
                    "This needs an API key or a session.");
    return fail(ERR_DENIED, "permission_missing", "This needs the permission %s.",
                permission_words[permission]);
}

static uint64_t caller_of(const struct exchange *exchange)
{
    const struct principal *principal = &exchange->request.principal;

    if (principal->by != CREDENTIAL_NONE)
        return uuid_hash(&principal->credential_id);
    return text_hash(str_of(exchange->request.address));
}

static enum err check_rate(struct exchange *exchange)
{
    int64_t retry_s;

    if (rates_take(exchange->request.server->rates, exchange->routed->route->rate,
                   caller_of(exchange), exchange->started_us, &retry_s))
        return OK;
    exchange->retry_s = retry_s;
    return fail(ERR_LIMITED, "rate_limited", "Too many requests; come again in %lld s.",
                (long long)retry_s);
}

static enum err check(struct exchange *exchange)
{
    TRY(check_permission(exchange));
    TRY(guard_against_forgery(&exchange->request));
    TRY(check_rate(exchange));
    return request_read_parameters(&exchange->request, exchange->routed, &exchange->match,
                                   exchange->query, &exchange->texts);
}

/* Checks the body by the row's schema and rules; all that is wrong is told at once. */
static enum err check_body(const struct routed *routed, const json_t *body)
{
    json_t *errors = NULL;
    enum err err = json_schema_check(routed->body, body, "", &errors);

    if (routed->rules)
        routed->rules(routed->context, body, &errors);
    if (err == OK && !errors)
        return OK;
    return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", errors);
}

/* Parses the body and checks it. */
static enum err read_body(struct exchange *exchange)
{
    const struct json_schema *schema = exchange->routed->body;
    struct request *request = &exchange->request;

    if (exchange->body.len == 0)
        return schema ? fail(ERR_INVALID, "body_missing", "This needs a JSON document as body.")
                      : OK;
    TRY(json_parse(buf_str(&exchange->body), &request->body));
    if (schema)
        return check_body(exchange->routed, request->body);
    if (!json_is_object(request->body) || json_object_size(request->body) > 0)
        return fail(ERR_INVALID, "body_unexpected", "This takes no body.");
    return OK;
}

/* Running --------------------------------------------------------------------------------------------------------------- */

static void run_memory(struct exchange *exchange)
{
    enum err err = read_body(exchange);

    if (err == OK)
        err = exchange->routed->route->memory(&exchange->request, &exchange->reply);
    if (err != OK)
        answer_failure(exchange, err);
    exchange_send(exchange);
}

static void on_read(void *argument, const struct pipeline_answer *answer)
{
    struct exchange *exchange = argument;
    struct reply *reply = &exchange->reply;

    exchange->read_id = 0;
    if (answer->err == ERR_NOT_FOUND) {
        (void)fail(ERR_NOT_FOUND, "not_found", "There is no such thing here.");
        answer_failure(exchange, ERR_NOT_FOUND);
    } else if (answer->err == ERR_INVALID) {
        /* What the database says of a value, such as a cursor that is none, tells of our inside. */
        (void)fail(ERR_INVALID, "parameters_invalid", "Some query parameters are not right.");
        answer_failure(exchange, ERR_INVALID);
    } else if (answer->err != OK) {
        (void)fail(answer->err, answer->code, "%s", answer->detail ? answer->detail : "");
        answer_failure(exchange, answer->err);
    } else {
        if (answer->version.ptr)
            reply_header(reply, "ETag", "\"" STR_FMT "\"", STR_ARG(answer->version));
        if (answer->version.ptr && exchange->request.if_none_match.ptr &&
            str_equal(answer->version, exchange->request.if_none_match))
            reply->status = 304;
        else
            buf_append_str(&reply->body, answer->text);
    }
    exchange_send(exchange);
}

/* Fills in the statement's parameters by their names. */
static void fill_values(const struct exchange *exchange, const struct uuid *organisation,
                        char texts[2][UUID_TEXT_BYTES], struct str *values)
{
    const struct statement *statement = exchange->routed->route->statement;
    const struct principal *principal = &exchange->request.principal;

    for (int i = 0; i < statement->parameter_count; i++) {
        const char *name = statement->parameters[i];

        if (strcmp(name, "org") == 0)
            values[i] =
                organisation ? str_of(uuid_format(organisation, texts[0])) : (struct str){0};
        else if (strcmp(name, "principal") == 0)
            values[i] = str_of(uuid_format(&principal->id, texts[1]));
        else
            values[i] = request_parameter(&exchange->request, name);
        if (!values[i].ptr && strcmp(name, "limit") == 0)
            values[i] = STR("50");
    }
}

static void run_read(struct exchange *exchange)
{
    struct server *server = exchange->request.server;
    const struct statement *statement = exchange->routed->route->statement;
    const struct uuid *organisation = &exchange->request.principal.organisation_id;
    char texts[2][UUID_TEXT_BYTES];
    struct str values[STATEMENT_MAX];
    enum err err;

    assert(statement->parameter_count <= STATEMENT_MAX);
    if (uuid_is_nil(organisation))
        organisation = NULL;
    fill_values(exchange, organisation, texts, values);
    if (server->config.pipeline)
        err = pipeline_query(server->config.pipeline, statement, values, organisation,
                             exchange->started_us + READ_US, on_read, exchange, &exchange->read_id);
    else
        err = fail(ERR_UNAVAILABLE, "database_unavailable", "There is no database.");
    if (err != OK) {
        answer_failure(exchange, err);
        exchange_send(exchange);
    }
}

/* Becomes a live connection, or is answered with the reason why not. */
static void open_live(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    struct live_client *client = live_client_open(exchange);

    if (!client) {
        exchange_send(exchange);
        return;
    }
    connection->exchange = NULL;
    release(exchange);
    connection_go_live(connection, client);
}

/* Who asks is known, or an answer stands already: goes on with the checks and runs the route. */
static void proceed(struct exchange *exchange)
{
    enum err err;

    if (exchange->answered) {
        exchange_send(exchange);
        return;
    }
    if (exchange->wants_live) {
        open_live(exchange);
        return;
    }
    err = check(exchange);
    if (err != OK) {
        answer_failure(exchange, err);
        if (exchange->retry_s > 0)
            reply_header(&exchange->reply, "Retry-After", "%lld", (long long)exchange->retry_s);
        exchange_send(exchange);
        return;
    }
    switch (exchange->routed->route->run) {
    case ROUTE_MEMORY:
        run_memory(exchange);
        break;
    case ROUTE_READ:
        run_read(exchange);
        break;
    case ROUTE_HANDLER:
        hand_to_worker(exchange, WORK_HANDLER);
        break;
    case ROUTE_NOTHING:
        break;
    }
}

void exchange_run(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;

    if (exchange->routed || exchange->wants_live) {
        authenticate(exchange);
        return;
    }
    static_files_answer(connection, &exchange->request, exchange->query);
    metric_observe_us(&server_metrics.duration, clock_monotonic_us() - exchange->started_us);
    connection->exchange = NULL;
    release(exchange);
    connection_answered(connection);
}

/* On a worker ----------------------------------------------------------------------------------------------------------- */

static void ask_who(struct exchange *exchange, struct db *db)
{
    struct request *request = &exchange->request;
    const struct guard_ops *guard = &request->server->config.guard;
    enum err err =
        guard->authenticate(guard->context, db, &exchange->credential, &request->principal);

    if (err == ERR_UNAUTHENTICATED) {
        failure_clear();
        on_unknown_credential(exchange);
    } else if (err != OK) {
        answer_failure(exchange, err);
    }
}

/* Whether the handler's transaction was ended for another's sake, so that it may well succeed when run again. */
static bool has_collided(enum err err)
{
    return err == ERR_UNAVAILABLE && strcmp(failure_last()->code, "transaction_collided") == 0;
}

static enum err run_handler(struct exchange *exchange, struct db *db)
{
    enum err err;
    int attempt = 0;

    if (!db)
        return fail(ERR_UNAVAILABLE, "database_unavailable", "There is no database.");
    if (clock_monotonic_us() > exchange->queued_us + QUEUE_US)
        return fail(ERR_UNAVAILABLE, "workers_full", "It waited for a worker for too long.");
    TRY(read_body(exchange));
    exchange->request.db = db;
    do {
        reply_reset(&exchange->reply);
        err = exchange->routed->route->handler(&exchange->request, &exchange->reply);
    } while (has_collided(err) && ++attempt < ATTEMPTS_MAX);
    return err;
}

void exchange_work(struct exchange *exchange, struct db *db)
{
    const struct server_config *config = &exchange->request.server->config;
    enum err err;

    if (exchange->work == WORK_AUTHENTICATE) {
        ask_who(exchange, db);
        return;
    }
    err = run_handler(exchange, db);
    exchange->request.db = NULL;
    if (err != OK)
        answer_failure(exchange, err);
    else if (exchange->reply.changes.len > 0 && config->after_write)
        written_reply_tell(exchange, config);
    exchange->answered = true;
}

void exchange_worked(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    enum exchange_work work = exchange->work;

    exchange->work = WORK_NOTHING;
    if (exchange->abandoned) {
        release(exchange);
        connection_exchange_gone(connection);
        return;
    }
    if (work == WORK_AUTHENTICATE) {
        proceed(exchange);
        return;
    }
    exchange->worked = true;
    exchange->release_by_us = clock_monotonic_us() + RELEASE_US;
    if (!exchange->written)
        exchange_send(exchange);
}
