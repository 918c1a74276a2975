/*
 * Opening one libpq connection with our settings; shared by db.c and pipeline.c, nobody else.
 *
 * Thread: any that may block.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>

#include "shared/err.h"

struct connect_options {
    const char *url;
    const char *name; /* "em-control <name>" in pg_stat_activity */
    const char *rows; /* em.org, by row_scope_write() */
    int statement_timeout_ms;
    int timeout_ms;  /* for connecting, without the name look-up */
    bool plans_once; /* as db_options.plans_once */
};

/* A connection in UTC, with deadlines set on both sides. @return as db_connect(). */
MUST_USE enum err connect_open(const struct connect_options *options, PGconn **ret_pg);
