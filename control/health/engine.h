/*
 * The engine: one thread that owns every state. Its work comes through one bounded queue; a pass
 * takes all that waits, applies it in memory, commits it in one transaction, and posts the news to
 * the loop. While the database is away a pass is repeated until it is stored, so nothing is
 * acknowledged that could be lost. One engine at a time has the lead of a database; others wait.
 *
 * Thread: its own; engine_push_…() from any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/attrs.h"
#include "shared/err.h"

struct engine;
struct health_report;
struct news;
struct written;

struct engine_config {
    const char *database_url;

    /* Takes the news of a commit. Thread: the engine's. */
    void (*post)(void *context, struct news *news);
    void *context;
    void (*on_events)(void *context); /* new status events are committed; or NULL */
    void *on_events_context;
    void (*on_deposed)(void *context); /* another program writes to the database: this one has to
                                          end. Thread: the engine's */
    void *on_deposed_context;
};

struct engine *engine_new(const struct engine_config *config);
MUST_USE enum err engine_start(struct engine *engine);

/* Ends the thread; what is not committed is given back through post() without having been
 * acknowledged. */
void engine_stop(struct engine *engine);
void engine_free(struct engine *engine);

DEFINE_AUTO(struct engine *, engine_free);

/* Takes the entry; false when the queue is full: then it stays the caller's. */
bool engine_push_report(struct engine *engine, struct health_report *report);
bool engine_push_written(struct engine *engine, struct written *written);

/* Whether everything is loaded and the last pass was stored; if not, says why. Thread: any. */
bool engine_is_ready(struct engine *engine, char *reason, size_t reason_bytes);
