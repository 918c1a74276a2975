/*
 * Inside of the embedded servers: embedded.c starts and stops both, embedded_server.c keeps one
 * running, the other files know what is particular to PostgreSQL and Redis.
 *
 * Thread: the loop's.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "shared/loop.h"

#include "control/data_dir.h"
#include "control/embedded.h"

#define SERVER_ARGUMENTS_MAX 96

/* What makes a server the one it is. */
struct server_kind {
    const char *name;     /* also of its folder DIR/<name> and its log DIR/log/<name>.log */
    int stop_signal;      /* for an orderly end */
    int64_t grace_ms;     /* until SIGKILL */
    const char *pid_file; /* below its folder; the pid is its first line */
};

/* One server under our care. */
struct server_child {
    const struct server_kind *kind;
    struct spawner *spawner;
    struct loop *loop; /* NULL: it is not started again */
    char *folder;
    char *log_path;
    char *arguments[SERVER_ARGUMENTS_MAX + 1]; /* owned; NULL at the end */
    int argument_count;
    uint64_t id; /* of the running child; 0: none */
    bool stopping;
    bool had_end; /* it has ended since it was started */
    int64_t started_us;
    double back_off_s;
    ev_timer restart;
};

/* embedded_server.c */

void server_child_init(struct server_child *server, const struct server_kind *kind,
                       const struct embedded_options *options);
void server_child_clear(struct server_child *server);

/* Adds a word to its command line. */
void server_child_argument(struct server_child *server, const char *format, ...) PRINTF(2, 3);

/* Ends what a killed predecessor left running in its folder. */
MUST_USE enum err server_child_end_stale(const struct server_child *server);

MUST_USE enum err server_child_start(struct server_child *server);

/* Asks it to end; it has when `id` is 0. */
void server_child_stop(struct server_child *server);

/* Deletes a folder with everything in it. */
MUST_USE enum err server_remove_folder(struct spawner *spawner, const char *path);

/* embedded_postgres.c */

extern const struct server_kind postgres_kind;

/* Finds the programs, makes the database files where they are missing, and writes the command line.
 * @param ret_programs the folder of the programs, yours to free; ret_url how to reach it, yours to
 * free. */
MUST_USE enum err postgres_set_up(struct server_child *server,
                                  const struct embedded_options *options, char **ret_programs,
                                  char **ret_url);

/* Whether it takes connections. */
bool postgres_answers(const struct data_dir *dir);

/* Makes the database on the first start. */
MUST_USE enum err postgres_make_database(const struct data_dir *dir);

/* embedded_redis.c */

extern const struct server_kind redis_kind;

/* Writes its configuration and the command line. Both texts are yours to free. */
MUST_USE enum err redis_set_up(struct server_child *server, const struct embedded_options *options,
                               char **ret_url, char **ret_password);

/* Throws its file away: what it holds can be made again from PostgreSQL. */
MUST_USE enum err redis_forget(const struct embedded_options *options);

/* Whether it takes commands: it may be reading its file still. */
bool redis_answers(const struct data_dir *dir);
