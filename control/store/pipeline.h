/*
 * Reads for an event loop: statements that shape their own JSON, sent in libpq's pipeline mode over
 * a few connections, many under way at a time. Nothing here blocks: connecting (with its name
 * look-up) happens on a thread of its own.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/statement.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "control/store/row_scope.h"

struct loop;
struct pipeline;

struct pipeline_options {
    const char *url;      /* borrowed until pipeline_free() */
    unsigned connections; /* 0: 2 */
    size_t queue_max;     /* queries waiting and under way; 0: 4096 */
};

/* The answer: the first row. Views are valid during the call of pipeline_done_fn. */
struct pipeline_answer {
    enum err err; /* as db_query(); ERR_NOT_FOUND "row_missing" without a row; ERR_TIMEOUT at the
                     deadline */
    const char *code;   /* constant; for fail() */
    const char *detail; /* one sentence for people */
    struct str text;    /* first column, as text */
    struct str version; /* second column, as text; a NULL view when there is none */
};

typedef void (*pipeline_done_fn)(void *argument, const struct pipeline_answer *answer);

/* Begins to connect; queries may be asked at once and wait for it. */
struct pipeline *pipeline_new(struct loop *loop, const struct pipeline_options *options);

/* Ends everything that is open without calling back. */
void pipeline_free(struct pipeline *pipeline);

DEFINE_AUTO(struct pipeline *, pipeline_free);

/* What is asked for, and who waits. Everything is copied. */
struct pipeline_request {
    const struct str *values; /* the parameters as text, in order, a NULL view for NULL */
    struct row_scope rows;    /* whose rows this statement sees */
    int64_t deadline_us;      /* by the monotonic clock; the answer is ERR_TIMEOUT then */
    pipeline_done_fn done;    /* called once, never from inside the call that asks */
    void *argument;
    uint64_t *ret_id; /* for pipeline_cancel(); or NULL */
};

/* Asks. @return ERR_LIMITED "reads_full" when the queue is full: then `done` is not called. */
MUST_USE enum err pipeline_query(struct pipeline *pipeline, const struct statement *statement,
                                 const struct pipeline_request *request);

/* As pipeline_query() for a text that is made at run time; `name` is what statements of its sort
 * are called in the server. Texts that come again, up to a bound, are prepared once. */
MUST_USE enum err pipeline_query_text(struct pipeline *pipeline, const char *name, struct str text,
                                      size_t parameter_count,
                                      const struct pipeline_request *request);

/* The answer is no longer wanted: `done` will not be called. */
void pipeline_cancel(struct pipeline *pipeline, uint64_t id);

/* Whether a connection is up; for /readyz. */
bool pipeline_is_ready(const struct pipeline *pipeline);

struct pipeline_counters {
    uint64_t answered;
    uint64_t failed;
    uint64_t timed_out;
    uint64_t refused; /* by the bound of the queue */
    uint64_t reconnects;
    size_t waiting;   /* now: not sent yet */
    size_t under_way; /* now: sent, not answered */
};

struct pipeline_counters pipeline_counters(const struct pipeline *pipeline);
