/*
 * What `run --summary` says at its end: how many probes with which verdicts and outcomes, how fast,
 * at what cost.
 *
 * Thread: summary_add() from any loop; the rest from the first thread.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/result.h"

struct engine;
struct summary;

struct summary *summary_new(void);
void summary_free(struct summary *summary);

DEFINE_AUTO(struct summary *, summary_free);

void summary_add(struct summary *summary, const struct result *result);

/* Time and CPU are counted between these two. */
void summary_begin(struct summary *summary);
void summary_end(struct summary *summary);

/* Appends the one JSON object and a newline. */
void summary_write(struct summary *summary, struct engine *engine, struct buf *out);
