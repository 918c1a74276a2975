/*
 * One connection in pipeline mode. Each query is sent as [PREPARE] [set_config] EXECUTE Sync, so it
 * is a transaction of its own; its results come back in the order of sending, and the Sync says
 * that it is complete. The connection is opened by a thread, because libpq looks names up blocking;
 * the thread hands it over through the loop.
 */
#include <assert.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/log.h"

#include "control/store/connect.h"
#include "control/store/params.h"
#include "control/store/pipeline_private.h"
#include "control/store/sqlstate.h"

#define CONNECT_TIMEOUT_MS 5000
#define BACK_OFF_FIRST_S   0.05
#define BACK_OFF_MAX_S     1.0
#define SCOPE_STATEMENT    "em_scope"
#define SCOPE_SQL          "SELECT set_config('em.org', $1, true)"

/* An attempt to connect. It belongs to its thread, then to the task on the loop; a link that is
 * freed leaves it alone. */
struct attempt {
    struct loop *loop;
    char *url;
    char name[32];
    pthread_mutex_t mutex; /* guards link */
    struct link *link;     /* NULL: the link is gone */
    PGconn *pg;            /* NULL: it failed */
    char detail[256];
};

struct prepared {
    const struct statement *statement;
    UT_hash_handle hh;
};

struct link {
    struct pipeline *pipeline;
    unsigned number;
    struct attempt *attempt; /* NULL: none under way */
    PGconn *pg;              /* NULL: not up */
    bool has_scope;          /* SCOPE_STATEMENT is prepared */
    struct prepared *prepared;
    struct list under_way;
    size_t under_way_count;
    PGresult *answer; /* of the first query under way: its rows, or its error */
    ev_io readable;
    ev_io writable;
    ev_timer retry;
    double back_off_s;
};

static void connect_later(struct link *link);

static struct ev_loop *ev_of(struct link *link)
{
    return loop_ev(link->pipeline->loop);
}

static struct read_query *first_under_way(struct link *link)
{
    struct list *node = list_first(&link->under_way);

    return node ? container_of(node, struct read_query, node) : NULL;
}

/* Closes the connection and returns what was under way to the queue, in its order. */
static void disconnect(struct link *link)
{
    struct prepared *prepared;
    struct prepared *next;

    if (!link->pg)
        return;
    ev_io_stop(ev_of(link), &link->readable);
    ev_io_stop(ev_of(link), &link->writable);
    PQclear(link->answer);
    PQfinish(link->pg);
    link->answer = NULL;
    link->pg = NULL;
    link->has_scope = false;
    HASH_ITER (hh, link->prepared, prepared, next) {
        HASH_DEL(link->prepared, prepared);
        free(prepared);
    }
    while (!list_is_empty(&link->under_way)) {
        struct list *last = link->under_way.previous;

        link->under_way_count--;
        pipeline_return(link->pipeline, container_of(last, struct read_query, node));
    }
}

static void lose(struct link *link, const char *why)
{
    log_info("database.lost", "connection=reads number=%u reason=\"%s\"", link->number, why);
    disconnect(link);
    connect_later(link);
}

/* Connecting ---------------------------------------------------------------------------------- */

static void attempt_free(struct attempt *attempt)
{
    PQfinish(attempt->pg);
    pthread_mutex_destroy(&attempt->mutex);
    free(attempt->url);
    free(attempt);
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events);
static void on_writable(struct ev_loop *ev, ev_io *watcher, int events);

static void come_up(struct link *link, PGconn *pg)
{
    link->pg = pg;
    link->back_off_s = BACK_OFF_FIRST_S;
    PQsetnonblocking(pg, 1);
    PQenterPipelineMode(pg);
    ev_io_init(&link->readable, on_readable, PQsocket(pg), EV_READ);
    ev_io_init(&link->writable, on_writable, PQsocket(pg), EV_WRITE);
    ev_io_start(ev_of(link), &link->readable);
    link->pipeline->counters.reconnects++;
    pipeline_on_link(link->pipeline, true);
}

/* On the loop: the attempt is over. */
static void on_attempt_over(void *argument)
{
    struct attempt *attempt = argument;
    struct link *link;

    pthread_mutex_lock(&attempt->mutex); /* until the thread is out of it */
    link = attempt->link;
    pthread_mutex_unlock(&attempt->mutex);

    if (link) {
        link->attempt = NULL;
        if (attempt->pg) {
            come_up(link, TAKE(attempt->pg));
        } else {
            log_warning("database.unavailable", "connection=reads number=%u detail=\"%s\"",
                        link->number, attempt->detail);
            pipeline_on_link(link->pipeline, false);
            connect_later(link);
        }
    }
    attempt_free(attempt);
}

static void *run_attempt(void *argument)
{
    struct attempt *attempt = argument;
    const struct connect_options options = {
        .url = attempt->url,
        .name = attempt->name,
        .rows = "", /* each query says its own */
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
        .timeout_ms = CONNECT_TIMEOUT_MS,
    };
    bool wanted;

    if (connect_open(&options, &attempt->pg) != OK)
        snprintf(attempt->detail, sizeof attempt->detail, "%s", failure_last()->detail);
    failure_clear();

    pthread_mutex_lock(&attempt->mutex);
    wanted = attempt->link != NULL;
    if (wanted)
        loop_post(attempt->loop, on_attempt_over, attempt);
    pthread_mutex_unlock(&attempt->mutex);
    if (!wanted)
        attempt_free(attempt);
    return NULL;
}

static void connect_now(struct link *link)
{
    struct attempt *attempt = NEW(struct attempt);
    pthread_t thread;

    attempt->loop = link->pipeline->loop;
    attempt->url = xstrdup(link->pipeline->url);
    snprintf(attempt->name, sizeof attempt->name, "reads %u", link->number);
    pthread_mutex_init(&attempt->mutex, NULL);
    attempt->link = link;
    if (pthread_create(&thread, NULL, run_attempt, attempt) != 0) {
        attempt_free(attempt);
        connect_later(link);
        return;
    }
    pthread_detach(thread);
    link->attempt = attempt;
}

static void on_retry(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)events;
    connect_now(container_of(watcher, struct link, retry));
}

static void connect_later(struct link *link)
{
    ev_timer_set(&link->retry, link->back_off_s, 0);
    ev_timer_start(ev_of(link), &link->retry);
    link->back_off_s = MIN(link->back_off_s * 2, BACK_OFF_MAX_S);
}

/* Sending ------------------------------------------------------------------------------------- */

static void flush(struct link *link)
{
    int left = PQflush(link->pg);

    if (left > 0)
        ev_io_start(ev_of(link), &link->writable);
    else
        ev_io_stop(ev_of(link), &link->writable);
    /* A failed write shows when reading, after what the server said last. */
}

static void on_writable(struct ev_loop *ev, ev_io *watcher, int events)
{
    (void)ev;
    (void)events;
    flush(container_of(watcher, struct link, writable));
}

static bool send_prepare(struct link *link, struct read_query *query)
{
    struct prepared *prepared = NULL;

    if (!query->once)
        HASH_FIND_PTR(link->prepared, &query->statement, prepared);
    if (prepared)
        return true;
    if (!query->once) {
        prepared = NEW(struct prepared);
        prepared->statement = query->statement;
        HASH_ADD_PTR(link->prepared, statement, prepared);
    }
    query->preparing = true;
    return PQsendPrepare(link->pg, query->statement->name, query->statement->text, 0, NULL) == 1;
}

static bool send_scope(struct link *link, const struct read_query *query)
{
    const char *const values[] = {query->rows};

    if (!link->has_scope && !PQsendPrepare(link->pg, SCOPE_STATEMENT, SCOPE_SQL, 0, NULL))
        return false;
    link->has_scope = true;
    return PQsendQueryPrepared(link->pg, SCOPE_STATEMENT, 1, values, NULL, NULL, 0) == 1;
}

static bool send_statement(struct link *link, const struct read_query *query)
{
    const char *values[PARAMS_MAX];
    int count = query->statement->parameter_count;

    assert(count <= PARAMS_MAX);
    for (int i = 0; i < count; i++)
        values[i] = query->offsets[i] == SIZE_MAX ? NULL : query->values + query->offsets[i];
    return PQsendQueryPrepared(link->pg, query->statement->name, count, values, NULL, NULL, 0) == 1;
}

void link_send(struct link *link, struct read_query *query)
{
    query->sent_at_us = clock_monotonic_us();
    list_append(&link->under_way, &query->node);
    link->under_way_count++;
    if (send_prepare(link, query) && send_scope(link, query) && send_statement(link, query) &&
        PQpipelineSync(link->pg))
        flush(link);
    else
        lose(link, "sending failed");
}

/* Reading ------------------------------------------------------------------------------------- */

static void forget_prepared(struct link *link, const struct statement *statement)
{
    struct prepared *prepared;

    HASH_FIND_PTR(link->prepared, &statement, prepared);
    if (!prepared)
        return;
    HASH_DEL(link->prepared, prepared);
    free(prepared);
}

static struct str value_at(const PGresult *result, int column)
{
    if (column >= PQnfields(result) || PQgetisnull(result, 0, column))
        return (struct str){0};
    return str_n(PQgetvalue(result, 0, column), (size_t)PQgetlength(result, 0, column));
}

/* What the collected result means for the one who asked. */
static struct pipeline_answer answer_of(const PGresult *result)
{
    const struct sqlstate_meaning *meaning;

    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0)
        return (struct pipeline_answer){.text = value_at(result, 0),
                                        .version = value_at(result, 1)};
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return (struct pipeline_answer){
            .err = ERR_NOT_FOUND, .code = "row_missing", .detail = "there is no such thing"};

    meaning = sqlstate_meaning(PQresultErrorField(result, PG_DIAG_SQLSTATE));
    return (struct pipeline_answer){.err = meaning->err,
                                    .code = meaning->code,
                                    .detail = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)};
}

static void complete(struct link *link, struct read_query *query)
{
    PGresult *result = TAKE(link->answer);
    struct pipeline_answer answer = answer_of(result);
    bool is_stale = sqlstate_is_stale(PQresultErrorField(result, PG_DIAG_SQLSTATE));

    if (!answer.detail)
        answer.detail = "the database gave no reason";
    if (answer.err == ERR_BUG)
        log_error("database.statement_failed", "statement=%s detail=\"%s\"", query->statement->name,
                  answer.detail);
    list_remove(&query->node);
    link->under_way_count--;
    pipeline_answer(link->pipeline, query, &answer);
    PQclear(result);
    if (is_stale)
        lose(link, "prepared statements are stale");
}

/* Takes one result of the oldest query; takes `result`. */
static void take_result(struct link *link, struct read_query *query, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    bool has_error = link->answer && PQresultStatus(link->answer) == PGRES_FATAL_ERROR;

    if (status == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        complete(link, query);
        return;
    }
    if (query->preparing && status == PGRES_FATAL_ERROR && !has_error)
        forget_prepared(link, query->statement);
    query->preparing = false;

    if (has_error || status == PGRES_PIPELINE_ABORTED) {
        PQclear(result);
        return;
    }
    PQclear(link->answer);
    link->answer = result;
}

static void read_results(struct link *link)
{
    struct read_query *query;

    while ((query = first_under_way(link)) && !PQisBusy(link->pg)) {
        PGresult *result = PQgetResult(link->pg);

        if (result) /* NULL only ends the results of one command */
            take_result(link, query, result);
        if (!link->pg || PQstatus(link->pg) != CONNECTION_OK)
            return;
    }
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct link *link = container_of(watcher, struct link, readable);

    (void)ev;
    (void)events;
    if (!PQconsumeInput(link->pg)) {
        lose(link, "the server closed the connection");
        return;
    }
    read_results(link);
    if (!link->pg)
        return;
    if (PQstatus(link->pg) != CONNECTION_OK)
        lose(link, "the server closed the connection");
    else
        flush(link);
}

/* Life ---------------------------------------------------------------------------------------- */

struct link *link_new(struct pipeline *pipeline, unsigned number)
{
    struct link *link = NEW(struct link);

    link->pipeline = pipeline;
    link->number = number;
    link->back_off_s = BACK_OFF_FIRST_S;
    list_init(&link->under_way);
    ev_timer_init(&link->retry, on_retry, 0, 0);
    connect_now(link);
    return link;
}

void link_free(struct link *link)
{
    struct attempt *attempt = link->attempt;

    disconnect(link);
    if (attempt) {
        pthread_mutex_lock(&attempt->mutex);
        attempt->link = NULL;
        pthread_mutex_unlock(&attempt->mutex);
    }
    ev_timer_stop(ev_of(link), &link->retry);
    free(link);
}

bool link_is_up(const struct link *link)
{
    return link->pg != NULL;
}

size_t link_under_way(const struct link *link)
{
    return link->under_way_count;
}

void link_check(struct link *link, int64_t now_us)
{
    struct read_query *query = first_under_way(link);

    if (query && now_us - query->sent_at_us > LINK_SILENCE_US)
        lose(link, "no answer in time");
}
