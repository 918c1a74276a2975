/*
 * Brings the database's schema to what this program needs: the numbered files of
 * control/store/migrations, forward only, each in a transaction of its own with its row in
 * schema_migration, one program at a time (advisory lock). Killed in the middle, it goes on at the
 * next start.
 *
 * Thread: the one that starts the program.
 */
#pragma once

#include <stddef.h>

#include "shared/attrs.h"
#include "shared/embedded_file.h"
#include "shared/err.h"

struct db;

/* The migrations of this program, in order; ended by a zero row. */
extern const struct embedded_file store_migrations[];

struct migrate_hooks {
    void *context;

    /* Called before the first pending migration when the database already has some: makes a backup.
     * NULL: none. */
    enum err (*before)(void *context, int from, int to);

    /* Called each time when the schema is as it should be, before another program may migrate.
     * NULL: none. */
    enum err (*after)(void *context, struct db *db);
};

/*
 * @param files store_migrations, or those of a test.
 * @param ret_applied how many ran.
 * @return ERR_INVALID "schema_newer" when the database was made by a newer program; ERR_INVALID
 * "migration_changed" when an applied file differs from ours; ERR_TIMEOUT "migration_locked" when
 * another program migrates for over a minute; else what the failing statement gave, with the file's
 * name.
 */
MUST_USE enum err migrate(struct db *db, const struct embedded_file *files,
                          const struct migrate_hooks *hooks, int *ret_applied);

/* Gives the role of `service` the rights of the service: nothing but reading and adding where the
 * journal lies. @param owner the tables' owner; may be the same role. */
MUST_USE enum err migrate_grant(struct db *owner, struct db *service);
