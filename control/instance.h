/*
 * What serving and the commands have in common: DIR, and a database with the right schema in it,
 * private or given.
 *
 * Thread: the one that starts the program.
 */
#pragma once

#include <stdbool.h>

#include "shared/attrs.h"
#include "shared/err.h"

#include "control/backup.h"
#include "control/options.h"

struct data_dir;
struct embedded;
struct loop;
struct spawner;

struct instance {
    const struct control_options *options;
    struct spawner *spawner;
    struct data_dir *dir;
    struct embedded *embedded;  /* NULL: nothing is embedded, or another em-control runs it */
    bool is_running;            /* another em-control has the lock */
    char *database_url;         /* as the service's role */
    char *owner_url;            /* as the owner of the tables, who migrates and backs up */
    char *redis_url;            /* NULL when a command has no need of Redis */
    const char *redis_password; /* of the embedded one's default user; else NULL */
    char *bus_address;
};

enum instance_use {
    INSTANCE_SERVE,   /* with the lock, both servers, kept running on the loop */
    INSTANCE_COMMAND, /* beside a running one, or with PostgreSQL started for the time being */
    INSTANCE_ALONE,   /* as INSTANCE_COMMAND, but only when no other runs */
};

/* Opens DIR and starts what is embedded.
 * @param loop for INSTANCE_SERVE; else NULL.
 * @return ERR_CONFLICT "already_running"; else what data_dir_open() and embedded_start() say. */
MUST_USE enum err instance_open(const struct control_options *options, struct spawner *spawner,
                                enum instance_use use, struct loop *loop,
                                struct instance *ret_instance);

/* Stops what is embedded and gives DIR back. Harmless when zeroed. */
void instance_close(struct instance *instance);

static inline void instance_close_p(struct instance *instance)
{
    instance_close(instance);
}

/* Waits a little for a given server that is still starting, then migrates, after a backup when
 * there is data. */
MUST_USE enum err instance_migrate(struct instance *instance);

/* Leaves word in DIR where people reach the service, for commands beside it and for deploy/up. */
MUST_USE enum err instance_note_url(const struct instance *instance, const char *url);

/* Where people reach the service: what the one that runs has left word of, else what the options
 * say. Yours to free. */
char *instance_url(const struct instance *instance);

/* What backup.h works on. */
struct backup_target instance_backup_target(const struct instance *instance);
