/*
 * Connects step by step with PQconnectPoll, so that our deadline holds, and with verbose messages,
 * because only they carry the SQLSTATE of a refused connection. Dead peers are noticed by
 * keepalives and tcp_user_timeout within about 5 s, and by the server within 25 s: so long it keeps
 * what belongs to a connection.
 */
#include "control/store/connect.h"

#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

#include "control/store/db.h"
#include "control/store/sqlstate.h"

static void on_notice(void *argument, const char *message)
{
    (void)argument;
    log_debug("database.notice", "message=\"%.*s\"", (int)strcspn(message, "\n"), message);
}

/* "FATAL:  28P01: password …" → "28P01"; "" when the message does not come from the server. */
static void state_of_message(const char *message, char ret_state[6])
{
    const char *at = strstr(message, "FATAL:  ");

    ret_state[0] = '\0';
    if (!at || strlen(at) < 15 || at[13] != ':')
        return;
    memcpy(ret_state, at + 8, 5);
    ret_state[5] = '\0';
    for (int i = 0; i < 5; i++) {
        if (!isalnum((unsigned char)ret_state[i]))
            ret_state[0] = '\0';
    }
}

/* libpq writes several lines ("…refused\n\tIs the server running…?"), ours is one. */
static void append_as_line(const char *message, struct buf *line)
{
    const char *location = strstr(message, "\nLOCATION:");
    const char *end = location ? location : message + strlen(message);
    const char *gap = "";

    for (const char *at = message; at < end; at++) {
        if (*at == '\n') {
            gap = "; ";
        } else if (isspace((unsigned char)*at)) {
            gap = *gap ? gap : " ";
        } else {
            buf_append_text(line, gap);
            buf_append_char(line, *at);
            gap = "";
        }
    }
}

static enum err refused(PGconn *pg)
{
    CLEANUP(buf_clear_p) struct buf line = {0};
    const struct sqlstate_meaning *meaning;
    char state[6];

    state_of_message(PQerrorMessage(pg), state);
    meaning = sqlstate_meaning(state);
    append_as_line(PQerrorMessage(pg), &line);
    return fail(meaning->err == ERR_BUG ? ERR_UNAVAILABLE : meaning->err,
                meaning->err == ERR_BUG ? "database_unavailable" : meaning->code,
                "no connection to PostgreSQL: " STR_FMT, STR_ARG(buf_str(&line)));
}

static enum err poll_until_connected(PGconn *pg, int64_t deadline_us)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (status != PGRES_POLLING_OK) {
        int64_t left_ms = (deadline_us - clock_monotonic_us()) / 1000;
        struct pollfd wait = {.fd = PQsocket(pg),
                              .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};

        if (left_ms <= 0)
            return fail(ERR_UNAVAILABLE, "database_unavailable",
                        "PostgreSQL did not answer the connection in time");
        if (poll(&wait, 1, (int)left_ms) > 0)
            status = PQconnectPoll(pg);
        if (status == PGRES_POLLING_FAILED)
            return refused(pg);
    }
    return OK;
}

static enum err settle(PGconn *pg, const struct connect_options *options)
{
    char sql[640];
    PGresult *result;
    ExecStatusType status;

    snprintf(sql, sizeof sql,
             "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET client_min_messages = 'warning';"
             "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;"
             "SET tcp_keepalives_count = 3;"
             "SET statement_timeout = %d; SET lock_timeout = %d;"
             "SET idle_in_transaction_session_timeout = 30000; SET jit = off;"
             "SET plan_cache_mode = %s; SET em.org = '%s'",
             options->statement_timeout_ms, options->statement_timeout_ms,
             options->plans_once ? "force_generic_plan" : "auto", options->rows);
    result = PQexec(pg, sql);
    status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK ? OK : refused(pg);
}

static enum err open_on(PGconn *pg, const struct connect_options *options)
{
    if (!pg)
        return fail(ERR_UNAVAILABLE, "database_unavailable", "no memory for a connection");
    if (PQstatus(pg) == CONNECTION_BAD)
        return refused(pg);

    PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
    PQsetNoticeProcessor(pg, on_notice, NULL);
    TRY(poll_until_connected(pg, clock_monotonic_us() + options->timeout_ms * INT64_C(1000)));
    TRY(settle(pg, options));
    PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
    return OK;
}

static enum err parse_url(const char *url, PQconninfoOption **ret_parsed)
{
    char *problem = NULL;
    PQconninfoOption *parsed = PQconninfoParse(url, &problem);
    enum err err;

    if (parsed) {
        *ret_parsed = parsed;
        return OK;
    }
    err = fail(ERR_INVALID, "database_url", "the address of the database cannot be read: %.*s",
               problem ? (int)strcspn(problem, "\n") : 0, problem ? problem : "");
    PQfreemem(problem);
    return err;
}

enum err db_check_url(const char *url)
{
    PQconninfoOption *parsed;

    TRY(parse_url(url, &parsed));
    PQconninfoFree(parsed);
    return OK;
}

/* name='value' with quotes and backslashes escaped, as libpq reads it. */
static void append_pair(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s%s='", out->len ? " " : "", name);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_append_char(out, '\\');
        buf_append_char(out, *value);
    }
    buf_append_char(out, '\'');
}

enum err db_split_url(const char *url, char **ret_address, char **ret_password)
{
    CLEANUP(buf_clear_p) struct buf address = {0};
    PQconninfoOption *parsed;
    char *password = NULL;

    TRY(parse_url(url, &parsed));
    for (const PQconninfoOption *option = parsed; option->keyword; option++) {
        if (!option->val)
            continue;
        if (strcmp(option->keyword, "password") == 0)
            password = xasprintf("PGPASSWORD=%s", option->val);
        else
            append_pair(&address, option->keyword, option->val);
    }
    PQconninfoFree(parsed);
    *ret_address = buf_take_text(&address);
    *ret_password = password;
    return OK;
}

enum err connect_open(const struct connect_options *options, PGconn **ret_pg)
{
    char name[64];
    PGconn *pg;
    enum err err;

    TRY(db_check_url(options->url));
    snprintf(name, sizeof name, "em-control %s", options->name);
    /* What stands after dbname wins over the URL, what stands before gives way to it. */
    const char *const keywords[] = {
        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
        "dbname",          "application_name",    "client_encoding",  NULL};
    const char *const values[] = {"2", "1", "3", "5000", options->url, name, "UTF8", NULL};

    pg = PQconnectStartParams(keywords, values, 1);
    err = open_on(pg, options);
    if (err != OK) {
        PQfinish(pg);
        return err;
    }
    *ret_pg = pg;
    return OK;
}

bool db_answers(const char *url)
{
    const char *const keywords[] = {"connect_timeout", "dbname", NULL};
    const char *const values[] = {"2", url, NULL};

    return PQpingParams(keywords, values, 1) == PQPING_OK;
}
