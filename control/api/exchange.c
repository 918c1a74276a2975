/*
 * The life of an exchange: made for a head, given its body, worked on by a worker, sent, or
 * abandoned on the way. What happens in between is in exchange_head.c and exchange_run.c.
 */
#include <assert.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/log.h"

#include "control/api/access_log.h"
#include "control/api/answer.h"
#include "control/api/connection.h"
#include "control/api/exchange_private.h"
#include "control/api/live_http.h"
#include "control/api/problem.h"
#include "control/api/reply_finish.h"
#include "control/api/upload.h"
#include "control/api/workers.h"
#include "control/api/write.h"
#include "control/api/written_reply.h"
#include "control/store/db.h"
#include "control/store/pipeline.h"

#define ATTEMPTS_MAX 3 /* of a handler whose transactions collide with others' */
#define QUEUE_US     5000000
#define RELEASE_US   2000000
#define TEXTS_KEEP   (16 * 1024)

/* Ends ---------------------------------------------------------------------------------------- */

/* Writes the failure of this thread as the answer. */
void exchange_fail(struct exchange *exchange, enum err err)
{
    problem_write(&exchange->reply, exchange->request.id, err, failure_last());
    failure_clear();
    exchange->answered = true;
}

void exchange_refuse(struct exchange *exchange, uint16_t status, const char *code,
                     const char *detail)
{
    problem_write_status(&exchange->reply, exchange->request.id, status, code, detail);
    exchange->answered = true;
}

void exchange_release(struct exchange *exchange)
{
    struct server *server = exchange->request.server;

    if (exchange->written)
        written_reply_forget(exchange->written);
    if (exchange->session)
        live_http_gone(exchange);
    upload_end(exchange->upload);
    if (exchange->waits_for_rate)
        list_remove(&exchange->rate_waiter.link);
    json_decref(exchange->request.body);
    free(exchange->request.reason);
    reply_reset(&exchange->reply);
    if (exchange->reply.body.capacity > TEXTS_KEEP)
        buf_clear(&exchange->reply.body);
    if (exchange->body.capacity > TEXTS_KEEP)
        buf_clear(&exchange->body);
    if (exchange->texts.capacity > TEXTS_KEEP)
        buf_clear(&exchange->texts);
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

/* Long answers go by a worker, when one has nothing else to do. */
static bool goes_to_finish(struct exchange *exchange)
{
    if (exchange->finished || exchange->service) /* what a poll hears is never asked for again */
        return false;
    exchange->finished = true;
    if (!reply_wants_finish(&exchange->request, &exchange->reply))
        return false;
    exchange->work = WORK_FINISH;
    if (workers_take_idle(exchange->request.server->workers, exchange))
        return true;
    exchange->work = WORK_NOTHING;
    return false;
}

/* A credential may be known and have ended. */
static bool is_signed_in(const struct request *request, uint16_t status)
{
    return request->principal.by != CREDENTIAL_NONE && status != 401;
}

void exchange_send(struct exchange *exchange)
{
    struct carrier *carrier = exchange->carrier;
    struct request *request = &exchange->request;
    struct reply *reply = &exchange->reply;
    const struct route *route = request->route;
    int64_t now_us = clock_monotonic_us();
    bool has_body;

    if (reply->status == 0)
        reply->status = route->status;
    if (goes_to_finish(exchange))
        return;
    has_body = reply->body.len > 0;
    access_log_note(request->server->accesses, request, reply->status, now_us);
    if (exchange->rate.is_limited)
        rates_describe(request->server->config.rates, exchange_rate_class(exchange),
                       &exchange->rate, &reply->headers);
    answer_write(carrier, &(struct answer){
                              .status = reply->status,
                              .is_api = true,
                              .tells_build = is_signed_in(request, reply->status),
                              .without_body = request->method == METHOD_HEAD,
                              .request_id = request->id,
                              .type = reply->type ? reply->type
                                      : has_body  ? "application/json"
                                                  : NULL,
                              .headers = buf_str(&reply->headers),
                              .body = buf_str(&reply->body),
                              .body_owner = &reply->body,
                          });
    if (!exchange->service) /* a poll takes as long as nothing happens */
        metric_observe_us(&server_metrics.duration, now_us - exchange->started_us);
    log_debug("request.done", "request=%s method=%s path=" STR_FMT " status=%u", request->id,
              request->method < METHOD_COUNT ? method_words[request->method] : "?",
              STR_ARG(path_to_log(request->path)), reply->status);
    carrier->exchange = NULL;
    exchange_release(exchange);
    carrier->ops->answered(carrier);
}

void exchange_abandon(struct exchange *exchange)
{
    if (exchange->work != WORK_NOTHING) {
        exchange->abandoned = true;
        return;
    }
    if (exchange->read_id != 0)
        pipeline_cancel(exchange->request.server->config.pipeline, exchange->read_id);
    exchange->carrier->exchange = NULL;
    exchange_release(exchange);
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

/* What a listed proxy says of the request goes before what the connection shows. */
static void find_client(struct exchange *exchange)
{
    const struct connection *connection = exchange->carrier->connection;
    const struct listener *listener = &connection->server->listener;
    struct request *request = &exchange->request;
    struct forwarded forwarded;

    request->secure = listener->tls != NULL;
    request->address = connection->peer_text;
    if (!addr_networks_have(&listener->proxies, &connection->peer))
        return;
    forwarded = forwarded_read(&listener->proxies, request->head, &connection->peer);
    request->address = addr_format_ip(&forwarded.client, exchange->client_text);
    if (forwarded.has_scheme)
        request->secure = forwarded.is_https;
}

struct exchange *exchange_new(struct carrier *carrier, const struct http_head *head)
{
    struct server *server = carrier->connection->server;
    struct exchange *exchange = take(server);
    struct request *request = &exchange->request;

    exchange->carrier = carrier;
    exchange->started_us = clock_monotonic_us();
    exchange->body_bytes_max = REQUEST_BODY_BYTES_MAX;
    request->server = server;
    request->head = head;
    find_client(exchange);
    exchange_read_head(exchange);
    return exchange;
}

/* In memory; also that of an upload, as far as it comes before it is asked for. */
static enum err keep_body(struct exchange *exchange, struct str data)
{
    if (exchange->body.len + data.len > exchange->body_bytes_max)
        return fail(ERR_INVALID, "body_too_large", "The body may have at most %zu bytes.",
                    exchange->body_bytes_max);
    buf_append_str(&exchange->body, data);
    return OK;
}

static enum err spool_body(struct exchange *exchange, struct str data)
{
    if (exchange->upload->bytes + data.len > UPLOAD_BYTES_MAX)
        return fail(ERR_INVALID, "body_too_large", "The body may have at most 50 MiB.");
    return upload_add(exchange->upload, data);
}

bool exchange_add_body(struct exchange *exchange, struct str data)
{
    enum err err = exchange->upload ? spool_body(exchange, data) : keep_body(exchange, data);

    if (err != OK)
        exchange_fail(exchange, err);
    return err == OK;
}

bool exchange_is_overdue(const struct exchange *exchange, int64_t now_us)
{
    return exchange->upload && now_us > exchange->started_us + UPLOAD_US;
}

/* On a worker --------------------------------------------------------------------------------- */

/* The one place that says whose rows a worker's statements see. */
static void show_rows(struct db *db, struct row_scope rows)
{
    if (db)
        db_show_rows(db, rows);
}

/* A secret finds its owner before anybody knows whose it is. */
static void ask_who(struct exchange *exchange, struct db *db)
{
    struct request *request = &exchange->request;
    const struct guard_ops *guard = &request->server->config.guard;
    enum err err;

    show_rows(db, ALL_ROWS);
    err = guard->authenticate(guard->context, db, &exchange->credential, &request->principal);
    show_rows(db, (struct row_scope){0});
    if (err == ERR_UNAUTHENTICATED || (err != OK && exchange_is_public(exchange))) {
        failure_clear();
        exchange_forget_credential(exchange);
    } else if (err != OK) {
        exchange_fail(exchange, err);
    }
}

/* Whether the handler's transaction was ended for another's sake, so that it may well succeed when
 * run again. */
static bool has_collided(enum err err)
{
    return err == ERR_UNAVAILABLE && strcmp(failure_last()->code, "transaction_collided") == 0;
}

/* The answer that was given to the same request before is as good as one of now. */
static enum err settle(const struct exchange *exchange, enum err err)
{
    const struct request *request = &exchange->request;

    if (request->once && request->once->answered) {
        failure_clear();
        return OK;
    }
    assert(err != OK || !request->route->is_write || request->committed);
    return err;
}

static enum err run_handler(struct exchange *exchange, struct db *db)
{
    struct write_once once;
    enum err err;
    int attempt = 0;

    if (!db)
        return fail(ERR_UNAVAILABLE, "database_unavailable", "There is no database.");
    if (clock_monotonic_us() > exchange->queued_us + QUEUE_US)
        return fail(ERR_UNAVAILABLE, "workers_full", "It waited for a worker for too long.");
    TRY(exchange_read_body(exchange, db));
    if (exchange->routed->route->is_write)
        TRY(write_prepare(&exchange->request, exchange->query, buf_str(&exchange->body), &once));
    exchange->request.db = db;
    do {
        reply_reset(&exchange->reply);
        err = exchange->routed->route->handler(&exchange->request, &exchange->reply);
    } while (has_collided(err) && ++attempt < ATTEMPTS_MAX);
    err = settle(exchange, err);
    exchange->request.once = NULL;
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
    if (exchange->work == WORK_FINISH) {
        reply_finish(&exchange->request, &exchange->reply);
        return;
    }
    show_rows(db, guard_rows(&exchange->request.principal));
    err = run_handler(exchange, db);
    show_rows(db, (struct row_scope){0});
    exchange->request.db = NULL;
    if (err != OK)
        exchange_fail(exchange, err);
    else if (exchange->reply.changes.len > 0 && config->after_write)
        written_reply_tell(exchange, config);
    exchange->answered = true;
}

void exchange_worked(struct exchange *exchange)
{
    struct carrier *carrier = exchange->carrier;
    enum exchange_work work = exchange->work;

    exchange->work = WORK_NOTHING;
    if (exchange->abandoned) {
        carrier->exchange = NULL;
        exchange_release(exchange);
        carrier->ops->gone(carrier);
        return;
    }
    if (work == WORK_AUTHENTICATE) {
        exchange_proceed(exchange);
        return;
    }
    if (work == WORK_FINISH) {
        exchange_send(exchange);
        return;
    }
    exchange->worked = true;
    exchange->release_by_us = clock_monotonic_us() + RELEASE_US;
    if (!exchange->written)
        exchange_send(exchange);
}
