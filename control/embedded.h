/*
 * The private PostgreSQL and Redis of an instance that was given none: children under DIR, reached
 * through Unix sockets only. They are started together, started again with back-off when they die,
 * and stopped with us, also when we are killed. What a killed predecessor left running is stopped
 * first.
 *
 * Thread: the loop's; embedded_start() and embedded_stop() block and are for before and after the
 * loop runs.
 */
#pragma once

#include <stdbool.h>

#include "shared/attrs.h"
#include "shared/err.h"

struct data_dir;
struct embedded;
struct loop;
struct spawner;

/* Our database in the private PostgreSQL. */
#define EMBEDDED_DATABASE "environment_manager"

struct embedded_options {
    const struct data_dir *dir;
    struct spawner *spawner; /* the caller watches its descriptor while the loop runs */
    struct loop *loop;       /* NULL: nothing is started again, for commands that end soon */
    bool postgres;           /* which of the two */
    bool redis;
};

/* Makes what is missing, starts, and waits until both answer.
 * @return ERR_NOT_FOUND "program_missing" with the package to install; ERR_TIMEOUT "embedded_slow";
 * ERR_UNAVAILABLE "embedded_failed" with where the log is. */
MUST_USE enum err embedded_start(const struct embedded_options *options,
                                 struct embedded **ret_embedded);

/* Stops Redis, then PostgreSQL, in good order, and frees. */
void embedded_stop(struct embedded *embedded);

DEFINE_AUTO(struct embedded *, embedded_stop);

/* How to reach them; NULL for the one that was not asked for. */
const char *embedded_database_url(const struct embedded *embedded);
const char *embedded_redis_url(const struct embedded *embedded);

/* The password of Redis's default user. */
const char *embedded_redis_password(const struct embedded *embedded);

/* The folder of PostgreSQL's programs, for pg_dump and pg_restore. */
const char *embedded_postgres_programs(const struct embedded *embedded);

/* The folder of the newest PostgreSQL that is installed; NULL when there is none. Yours to free. */
char *embedded_find_programs(void);

/* How to reach a database of the private PostgreSQL as its owner, whether it runs or not; yours to
 * free. */
char *embedded_url_of(const struct data_dir *dir, const char *database);

/* How to reach ours as the service, who may not do all: a role of its own. Yours to free. */
char *embedded_service_url_of(const struct data_dir *dir);
