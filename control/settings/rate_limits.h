/*
 * The limits on how much one caller may ask, as an administrator sets them. The rows are fixed: one
 * for each class of routes and each way to tell callers apart.
 *
 * Thread: any with its own connection, but where a function says otherwise.
 */
#pragma once

#include "shared/err.h"

#include "control/api/route.h"

struct db;
struct loop;
struct pipeline;
struct rate_limits_watch;
struct rates;
struct uuid;

/* Sets all limits as they are in the database. */
MUST_USE enum err rate_limits_load(struct db *db, struct rates *rates);

/* Who this installation is, among those that count in one Redis. */
MUST_USE enum err rate_limits_installation(struct db *db, struct uuid *ret_installation);

/* Sets what another process has changed, within some 1 s. Thread: the loop's. */
struct rate_limits_watch *rate_limits_watch_new(struct loop *loop, struct pipeline *pipeline,
                                                struct rates *rates);
void rate_limits_watch_free(struct rate_limits_watch *watch);

/* Their context is the struct rates; NULL when only the descriptions are wanted. */
extern const struct route rate_limit_routes[];
