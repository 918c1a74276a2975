/*
 * One connection to PostgreSQL for straight-line code: connected when first used, prepared
 * statements made when first used, connected again after a loss (with back-off, never inside a
 * transaction). Each call has a deadline on both sides: statement_timeout in the server, and a
 * little later the socket is given up here.
 *
 * Thread: the one that uses it at the time; it may block up to its deadlines, host names included.
 * Not for loops: see pipeline.h for those.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"

#include "control/store/row_scope.h"

struct db;

struct db_options {
    const char *url;          /* postgresql:// URL or key=value text of libpq */
    const char *name;         /* shown in pg_stat_activity as "em-control <name>" */
    int statement_timeout_ms; /* 0: 10,000 */
    int connect_timeout_s;    /* 0: 5 */
    struct row_scope rows;    /* zeroed: no rows of any organisation, until db_show_rows() */
    bool
        plans_once; /* a statement is planned when first run, whatever its values: for those that find
                        by keys, where the planning would be the most of it */
};

/* A connection that is not made yet; the options are copied. */
struct db *db_new(const struct db_options *options);
void db_free(struct db *db);

DEFINE_AUTO(struct db *, db_free);

/* Connects when there is no connection.
 * @return ERR_UNAVAILABLE "database_unavailable", at once while the back-off after a failed attempt
 * runs; ERR_INVALID "database_refused" when user, password or database are wrong. */
MUST_USE enum err db_connect(struct db *db);

/* Whose rows the following statements see and may write; not inside a transaction (asserted). Costs a
 * round trip with the next statement, when it differs from before. */
void db_show_rows(struct db *db, struct row_scope rows);

/* Whether that is all rows. */
bool db_shows_all_rows(const struct db *db);

/* Closes the connection; the next call makes a new one. An open transaction is rolled back by the
 * server. */
void db_disconnect(struct db *db);

/* Runs several statements separated by semicolons, without parameters or results: migrations and
 * settings. */
MUST_USE enum err db_run_script(struct db *db, const char *sql);

/* Changes the deadline of each following statement; the default of the options comes back with 0.
 */
MUST_USE enum err db_set_statement_timeout(struct db *db, int statement_timeout_ms);

/* The constraint that the last failed statement violated; "" when it was something else. Valid
 * until the next call. */
const char *db_constraint(const struct db *db);

/* The SQLSTATE of the last failed statement; "" when it did not come from the server. */
const char *db_sqlstate(const struct db *db);

/* Whether the last failure was a serialization failure or a deadlock: the same transaction may work
 * if run again. */
bool db_should_retry(const struct db *db);

/* The number of the present connection, or of the last: another one has nothing of what belonged to
 * the one before, such as locks. */
uint64_t db_connection(const struct db *db);

/* The socket, for waiting for notifications; -1 without a connection. */
int db_socket(const struct db *db);

/* Calls `notify` for each notification that has arrived (LISTEN by db_run_script). Never blocks.
 * @return ERR_UNAVAILABLE when the connection is lost: listen again after db_connect(). */
MUST_USE enum err db_take_notifications(struct db *db,
                                        void (*notify)(void *argument, const char *channel,
                                                       const char *payload),
                                        void *argument);

/* Whether a server answers at this address and takes connections; false while it starts, stops or
 * recovers. Blocks for a local server hardly at all. */
bool db_answers(const char *url);

/* Whether libpq understands the address. @return ERR_INVALID "database_url" with what is wrong. */
MUST_USE enum err db_check_url(const char *url);

/* The address without its password, for command lines that everybody can read, and "PGPASSWORD=…"
 * for the environment; NULL when it has none. Both are yours to free. */
MUST_USE enum err db_split_url(const char *url, char **ret_address, char **ret_password);
