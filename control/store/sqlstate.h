/*
 * What PostgreSQL's five-letter error codes mean to us: one table for straight-line connections and
 * the pipeline.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>

#include "shared/err.h"

struct sqlstate_meaning {
    const char *state; /* five letters, or the two of a class */
    enum err err;
    const char *code; /* for fail() */
};

/* The meaning of a SQLSTATE; ERR_BUG "statement_wrong" for what is not in the table. NULL reads as
 * a lost connection. */
const struct sqlstate_meaning *sqlstate_meaning(const char *state);

/* Whether running the same transaction again may work. */
bool sqlstate_is_collision(const char *state);

/* Whether prepared statements no longer fit: they are gone, or a migration changed what they
 * return. A new connection mends it. */
bool sqlstate_is_stale(const char *state);
