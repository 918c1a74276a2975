/*
 * The conversation with control over the bus: results go up until they are acknowledged, the plan
 * comes down. One request is under way at a time; it leaves at once when there is something to tell
 * and none is under way, and every BUS_ASK_INTERVAL_MS otherwise.
 *
 *   link_new() → engine_new(.on_result = link_take_result, .context = link)
 *     → link_start(link, engine) → link_stop()
 *
 * Thread: one of its own; link_take_result() from any.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/result.h"
#include "shared/uuid.h"

struct engine;
struct link;

struct link_options {
    const char *bus_url;
    struct uuid prober_id;
};

struct link_metrics {
    uint64_t acknowledged; /* results that control has committed */
    uint64_t dropped;      /* results given up because the backlog was full */
    uint64_t backlog;      /* results that wait */
    uint64_t replies_bad;  /* replies that could not be understood */
    uint64_t checks;
};

/* @return ERR_INVALID "bus_url" */
MUST_USE enum err link_new(const struct link_options *options, struct link **ret_link);

/* An engine_result_fn; `context` is the link. */
void link_take_result(void *context, const char *label, const struct result *result);

/* Starts to talk. The engine is borrowed until link_stop(). @return ERR_UNAVAILABLE without a
 * thread. */
MUST_USE enum err link_start(struct link *link, struct engine *engine);

/* Waits at most `flush_ms` for what is not acknowledged yet, then ends the conversation. Stop it
 * before the engine is freed. */
void link_stop(struct link *link, int64_t flush_ms);
void link_free(struct link *link);

DEFINE_AUTO(struct link *, link_free);

void link_read_metrics(struct link *link, struct link_metrics *ret_metrics);
