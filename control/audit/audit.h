/*
 * The journal's routes, list, entry, chains, export; and its feed for live clients.
 *
 * Thread: constant data; the loop for the feed.
 */
#pragma once

#include "shared/embedded_file.h"

#include "control/api/route.h"

struct journal_feed;
struct live;
struct loop;
struct pipeline;

extern const struct route audit_routes[];
extern const struct embedded_file audit_schemas[];

/* Tells those who follow journal:<organisation id> of each record, once it is sealed; the
 * installation's own are told to journal:<nil id>. */
struct journal_feed *journal_feed_new(struct loop *loop, struct pipeline *pipeline,
                                      struct live *live);

/* There are new records: looks at once, not only at the next poll. Thread: any. */
void journal_feed_ring(struct journal_feed *feed);

/* When nobody rings any more, and what was posted has run. Harmless when NULL. */
void journal_feed_free(struct journal_feed *feed);
