/*
 * Backups in PostgreSQL's own archive format, made and read by pg_dump and pg_restore of the
 * server's version.
 *
 * Thread: the one that starts the program, or that runs the command; blocks for as long as it
 * takes.
 */
#pragma once

#include <stdbool.h>

#include "shared/attrs.h"
#include "shared/err.h"

struct data_dir;
struct spawner;

struct backup_target {
    const struct data_dir *dir; /* backups go to DIR/backups */
    struct spawner *spawner;
    const char *url;
    const char *programs; /* folder of pg_dump; NULL: the newest that is installed */
    bool embedded;        /* the whole server is ours, so a restore can swap databases */
};

/* How many backups made before migrations are kept. */
#define BACKUPS_KEPT 5

/* Whether pg_dump is there. */
bool backup_is_possible(const struct backup_target *target);

/* Writes DIR/backups/<prefix>-<time>.dump, complete or not at all.
 * @param ret_path yours to free.
 * @return ERR_NOT_FOUND "program_missing" without pg_dump; ERR_UNAVAILABLE "program_failed" with
 * what it said. */
MUST_USE enum err backup_make(const struct backup_target *target, const char *prefix,
                              char **ret_path);

/* Deletes the oldest backups of that prefix beyond BACKUPS_KEPT. */
void backup_prune(const struct data_dir *dir, const char *prefix);

/* Replaces the content of the database by the backup's, completely or not at all. Nobody else may
 * use it meanwhile. */
MUST_USE enum err backup_restore(const struct backup_target *target, const char *path);
