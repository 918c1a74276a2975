/*
 * A complete request on its way: find out who asks, check what they may and sent, run the route
 * where its row says. What fails on the way is written as a problem at once.
 */
#include <assert.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/json_schema.h"

#include "control/api/connection.h"
#include "control/api/exchange_private.h"
#include "control/api/guard_cookie.h"
#include "control/api/listing_query.h"
#include "control/api/live_http.h"
#include "control/api/media_type.h"
#include "control/api/parameters.h"
#include "control/api/request_read.h"
#include "control/api/static_files.h"
#include "control/api/upload.h"
#include "control/api/workers.h"
#include "control/store/pipeline.h"

#define READ_US       10000000
#define STATEMENT_MAX 32 /* parameters of a READ statement */

/* Who asks ------------------------------------------------------------------------------------ */

static void hand_to_worker(struct exchange *exchange, enum exchange_work work)
{
    exchange->work = work;
    exchange->queued_us = clock_monotonic_us();
    if (workers_take(exchange->request.server->workers, exchange))
        return;
    exchange->work = WORK_NOTHING;
    metric_add(&server_metrics.queue_full, 1);
    (void)fail(ERR_UNAVAILABLE, "workers_full", "Too much is under way.");
    exchange_fail(exchange, ERR_UNAVAILABLE);
    exchange_send(exchange);
}

static bool is_hook(const struct exchange *exchange)
{
    return exchange->routed && exchange->routed->route->is_hook;
}

bool exchange_is_public(const struct exchange *exchange)
{
    return exchange->routed && exchange->routed->route->permission == PERMISSION_PUBLIC;
}

/* A credential that is worth nothing is as good as none where none is needed. */
void exchange_forget_credential(struct exchange *exchange)
{
    if (exchange_is_public(exchange)) {
        exchange->request.principal = (struct principal){0};
        return;
    }
    exchange_refuse(exchange, 401, "credentials_invalid",
                    "The key or session is not known, or no longer valid.");
}

static void authenticate(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct guard_ops *guard = &request->server->config.guard;

    if (!is_hook(exchange))
        exchange->credential = credential_of(request->head, request->secure);
    if (exchange->credential.kind == CREDENTIAL_NONE || !guard->recall) {
        exchange_proceed(exchange);
        return;
    }
    switch (guard->recall(guard->context, &exchange->credential, &request->principal)) {
    case GUARD_KNOWN:
        break;
    case GUARD_UNKNOWN:
        exchange_forget_credential(exchange);
        break;
    case GUARD_ASK:
        hand_to_worker(exchange, WORK_AUTHENTICATE);
        return;
    }
    exchange_proceed(exchange);
}

/* What they may and sent ---------------------------------------------------------------------- */

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

/* The body of a hook when it is a form. */
static struct str form_of(const struct exchange *exchange)
{
    struct str type = http_head_field(exchange->request.head, STR("content-type"));

    return is_hook(exchange) && media_type_of(type) == MEDIA_FORM ? buf_str(&exchange->body)
                                                                  : (struct str){0};
}

static enum err check(struct exchange *exchange)
{
    TRY(check_permission(exchange));
    if (!is_hook(exchange))
        TRY(guard_against_forgery(&exchange->request));
    TRY(exchange_check_rate(exchange));
    if (exchange->waits_for_rate || exchange->answered)
        return OK;
    return request_read_parameters(&exchange->request, exchange->routed, &exchange->match,
                                   exchange->query, form_of(exchange), &exchange->texts);
}

/* Checks the body by the row's schema and rules; all that is wrong is told at once. */
static enum err check_body(const struct routed *routed, struct db *db, const json_t *body)
{
    const struct body_rules *rules = routed->rules;
    JSON_AUTO json_t *errors = NULL;
    enum err err = json_schema_check(routed->body, body, "", &errors);

    if (rules && rules->check)
        rules->check(routed->context, body, &errors);
    if (err == OK && !errors)
        return OK;
    if (rules && rules->look_up && db)
        TRY(rules->look_up(routed->context, db, body, &errors));
    return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", TAKE(errors));
}

/* Parses the body and checks it; that of a hook waits for request_hook_body(). */
enum err exchange_read_body(struct exchange *exchange, struct db *db)
{
    const struct json_schema *schema = exchange->routed->body;
    struct request *request = &exchange->request;

    if (exchange->upload) {
        request->upload = exchange->upload;
        return exchange->upload->bytes > 0
                   ? OK
                   : fail(ERR_INVALID, "body_missing", "This needs a body.");
    }
    if (schema && is_hook(exchange)) {
        request->hook_schema = schema;
        request->hook_body = buf_str(&exchange->body);
        return OK;
    }
    if (exchange->body.len == 0)
        return schema ? fail(ERR_INVALID, "body_missing", "This needs a JSON document as body.")
                      : OK;
    TRY(json_parse(buf_str(&exchange->body), &request->body));
    if (schema)
        return check_body(exchange->routed, db, request->body);
    if (!json_is_object(request->body) || json_object_size(request->body) > 0)
        return fail(ERR_INVALID, "body_unexpected", "This takes no body.");
    return OK;
}

/* Running ------------------------------------------------------------------------------------- */

static void run_memory(struct exchange *exchange)
{
    enum err err = exchange_read_body(exchange, NULL);

    if (err == OK)
        err = exchange->routed->route->memory(&exchange->request, &exchange->reply);
    if (err != OK)
        exchange_fail(exchange, err);
    exchange_send(exchange);
}

static void on_read(void *argument, const struct pipeline_answer *answer)
{
    struct exchange *exchange = argument;
    struct reply *reply = &exchange->reply;

    exchange->read_id = 0;
    if (answer->err == ERR_NOT_FOUND) {
        (void)fail(ERR_NOT_FOUND, "not_found", "There is no such thing here.");
        exchange_fail(exchange, ERR_NOT_FOUND);
    } else if (answer->err == ERR_INVALID) {
        /* What the database says of a value, such as a cursor that is none, tells of our inside. */
        if (request_parameter(&exchange->request, "cursor").ptr)
            (void)fail(ERR_INVALID, "parameters_invalid", "The cursor is not one of ours.");
        else
            (void)fail(ERR_INVALID, "parameters_invalid", "Some query parameters are not right.");
        exchange_fail(exchange, ERR_INVALID);
    } else if (answer->err != OK) {
        (void)fail(answer->err, answer->code, "%s", answer->detail ? answer->detail : "");
        exchange_fail(exchange, answer->err);
    } else {
        if (answer->version.ptr)
            reply_header(reply, "ETag", "\"" STR_FMT "\"", STR_ARG(answer->version));
        if (answer->version.ptr &&
            entity_tags_have(exchange->request.if_none_match, answer->version))
            reply->status = 304;
        else
            buf_append_str(&reply->body, answer->text);
    }
    exchange_send(exchange);
}

/* Fills in the statement's parameters by their names. */
static void fill_values(const struct exchange *exchange, char texts[2][UUID_TEXT_BYTES],
                        struct str *values)
{
    const struct statement *statement = exchange->routed->route->statement;
    const struct principal *principal = &exchange->request.principal;
    const struct uuid *organisation = &principal->organisation_id;
    enum permission permission;

    for (int i = 0; i < statement->parameter_count; i++) {
        const char *name = statement->parameters[i];

        if (strcmp(name, "org") == 0)
            values[i] = uuid_is_nil(organisation) ? (struct str){0}
                                                  : str_of(uuid_format(organisation, texts[0]));
        else if (strcmp(name, "principal") == 0)
            values[i] = str_of(uuid_format(&principal->id, texts[1]));
        else if (parameter_permission(name, &permission))
            values[i] = guard_allows(principal, permission) ? STR("true") : STR("false");
        else
            values[i] = request_parameter(&exchange->request, name);
        if (!values[i].ptr && strcmp(name, "limit") == 0)
            values[i] = STR("50");
    }
}

static enum err ask_for_object(struct exchange *exchange)
{
    const struct statement *statement = exchange->routed->route->statement;
    char texts[2][UUID_TEXT_BYTES];
    struct str values[STATEMENT_MAX];

    assert(statement->parameter_count <= STATEMENT_MAX);
    fill_values(exchange, texts, values);
    return pipeline_query(exchange->request.server->config.pipeline, statement,
                          &(struct pipeline_request){
                              .values = values,
                              .rows = guard_rows(&exchange->request.principal),
                              .deadline_us = exchange->started_us + READ_US,
                              .done = on_read,
                              .argument = exchange,
                              .ret_id = &exchange->read_id,
                          });
}

/* Asks by a listing: what has been asked for in the same way before is prepared already. */
static enum err ask_by_listing(struct exchange *exchange)
{
    CLEANUP(listing_query_clear_p) struct listing_query query = {0};

    const struct listing *listing = exchange->routed->route->listing;

    if (exchange->routed->route->run == ROUTE_LIST)
        TRY(listing_query_compile(listing, &exchange->request, &query));
    else
        listing_object_compile(listing, &exchange->request, &query);
    return pipeline_query_text(exchange->request.server->config.pipeline, listing->name,
                               buf_str(&query.text), query.parameter_count,
                               &(struct pipeline_request){
                                   .values = query.values,
                                   .rows = guard_rows(&exchange->request.principal),
                                   .deadline_us = exchange->started_us + READ_US,
                                   .done = on_read,
                                   .argument = exchange,
                                   .ret_id = &exchange->read_id,
                               });
}

static void run_read(struct exchange *exchange)
{
    const struct server *server = exchange->request.server;
    enum err err;

    if (!server->config.pipeline)
        err = fail(ERR_UNAVAILABLE, "database_unavailable", "There is no database.");
    else if (exchange->routed->route->listing)
        err = ask_by_listing(exchange);
    else
        err = ask_for_object(exchange);
    if (err != OK) {
        exchange_fail(exchange, err);
        exchange_send(exchange);
    }
}

static void run_live(struct exchange *exchange)
{
    struct carrier *carrier = exchange->carrier;
    struct live_link *link;

    switch (live_http_take(exchange, &link)) {
    case LIVE_HTTP_ANSWERED:
        exchange_send(exchange);
        break;
    case LIVE_HTTP_WAITS:
        carrier->ops->wait(carrier);
        break;
    case LIVE_HTTP_UPGRADED:
        carrier->exchange = NULL;
        exchange_release(exchange);
        connection_go_live(carrier->connection, link);
        break;
    }
}

static enum err begin_upload(struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    struct server *server = request->server;

    TRY(upload_begin(&server->uploads, server->config.upload_folder,
                     &request->principal.credential_id, &exchange->upload));
    return upload_add(exchange->upload, buf_str(&exchange->body));
}

/* They may: now the body may come; what of it is there already, is taken. */
static void grant_admission(struct exchange *exchange)
{
    struct carrier *carrier = exchange->carrier;
    enum err err = begin_upload(exchange);

    if (err != OK) {
        exchange_fail(exchange, err);
        exchange_send(exchange);
        return;
    }
    exchange->admission = ADMISSION_GRANTED;
    if (exchange->is_complete)
        hand_to_worker(exchange, WORK_HANDLER);
    else
        carrier->ops->take_body(carrier);
}

/* Who asks is known, or an answer stands already: goes on with the checks and runs the route. May
 * come again, from the checks on, when it had to wait for a limit. */
void exchange_proceed(struct exchange *exchange)
{
    enum err err;

    if (exchange->answered) {
        exchange_send(exchange);
        return;
    }
    if (exchange->service) {
        run_live(exchange);
        return;
    }
    err = check(exchange);
    if (err != OK) {
        exchange_fail(exchange, err);
        exchange_send(exchange);
        return;
    }
    if (exchange->waits_for_rate)
        return;
    if (exchange->answered) {
        exchange_send(exchange);
        return;
    }
    if (exchange->admission == ADMISSION_WANTED) {
        grant_admission(exchange);
        return;
    }
    switch (exchange->routed->route->run) {
    case ROUTE_MEMORY:
        run_memory(exchange);
        break;
    case ROUTE_READ:
    case ROUTE_LIST:
    case ROUTE_OBJECT:
        run_read(exchange);
        break;
    case ROUTE_HANDLER:
        hand_to_worker(exchange, WORK_HANDLER);
        break;
    case ROUTE_NOTHING:
        break;
    }
}

bool exchange_wants_admission(const struct exchange *exchange)
{
    return exchange->admission == ADMISSION_WANTED;
}

void exchange_admit(struct exchange *exchange)
{
    authenticate(exchange);
}

/* The body of an upload is complete: it is run now, or when it is admitted. */
static void run_upload(struct exchange *exchange)
{
    exchange->is_complete = true;
    if (exchange->admission == ADMISSION_GRANTED)
        hand_to_worker(exchange, WORK_HANDLER);
}

void exchange_run(struct exchange *exchange)
{
    struct carrier *carrier = exchange->carrier;

    if (exchange->admission != ADMISSION_NOT_NEEDED) {
        run_upload(exchange);
        return;
    }

    if (exchange->routed || exchange->service) {
        authenticate(exchange);
        return;
    }
    static_files_answer(carrier, &exchange->request, exchange->query);
    metric_observe_us(&server_metrics.duration, clock_monotonic_us() - exchange->started_us);
    carrier->exchange = NULL;
    exchange_release(exchange);
    carrier->ops->answered(carrier);
}
