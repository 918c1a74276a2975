/*
 * The engine: N event loops that share nothing, each with its part of the checks (by hash of the
 * id). It keeps the checks' schedules, runs their probes and hands out each result. Who feeds it
 * (the bus, a file of checks) and who takes the results (the bus, standard output) stand outside.
 *
 * Thread: any for every function here; calls of one check have to come in order, so from one
 * thread. The callbacks run on the loops' threads, several at the same time, and must not block.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/result.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "prober/scripts.h"

struct engine;
struct spawner;

/* Everything of `result` is borrowed for the call; `label` is the check's id as text. To pass it on
 * to another thread: result_copy() of shared/result_json.h. */
typedef void (*engine_result_fn)(void *context, const char *label, const struct result *result);

/* As engine_result_fn; `steps` is a JSON array of {"step","at_us","took_us","detail"}, or NULL
 * without `explain`. */
typedef void (*engine_once_fn)(void *context, const char *label, const struct result *result,
                               const json_t *steps);

/* Bounds of each loop; 0 means the default. */
struct engine_limits {
    unsigned in_flight;  /* probes at once, also a share of the descriptors the process may open */
    unsigned connecting; /* of these before the connection stands */
    unsigned per_host;   /* to one host, in all loops together (one each); no bound in a flood */
    unsigned handshakes; /* TLS handshake steps in one turn of the loop */
};

struct engine_options {
    unsigned loops; /* 0: one per core */
    struct engine_limits limits;
    const char *dns_servers; /* "addr:port,…" in place of the system's; NULL */
    struct spawner *spawner; /* runs scripts and jq; NULL: script checks end as `policy` */
    struct scripts_settings scripts;
    unsigned flood;       /* keep this many probes in flight and forget schedules; 0: off */
    const char *location; /* where this prober stands, for previews; NULL: not said */
    const char *prober;   /* its id, for previews; NULL: not said */
    engine_result_fn on_result;
    void *context;
};

/* One check as the plan has it. Texts and `spec` are borrowed for the call. */
struct engine_check {
    struct uuid id;
    struct str label; /* empty: the id's own text */
    struct str kind;
    uint32_t interval_ms;
    uint32_t timeout_ms;
    const json_t *spec;
    bool at_once; /* probe it at once, then by its phase */
};

/* Counted since the start, over all loops. */
struct engine_metrics {
    uint64_t probes_started;
    uint64_t probes_ended;
    uint64_t slots_skipped; /* due while the check's last probe was still under way */
    uint64_t checks;
    uint64_t in_flight;
    uint64_t waiting;          /* due, held back by a limit */
    uint64_t perfdata_dropped; /* items that scripts printed and nobody understands */
};

/* Starts the loops. ERR_INVALID when an option is wrong; ERR_UNAVAILABLE when threads or
 * descriptors are short. */
MUST_USE enum err engine_new(const struct engine_options *options, struct engine **ret_engine);

/* Adds a check or gives it a new definition: a probe under way ends by the old one. ERR_INVALID
 * with the failure's field errors (pointers are relative to the check as of POST /checks) leaves an
 * older definition as it is. */
MUST_USE enum err engine_set_check(struct engine *engine, const struct engine_check *check);

/* Forgets a check; a probe of it under way is cancelled without a result. Unknown ids are
 * harmless. */
void engine_drop_check(struct engine *engine, const struct uuid *id);
void engine_drop_all(struct engine *engine);

/* Probes the check once in `delay_ms` from now (as soon as it is not running), then as planned. */
void engine_run_at(struct engine *engine, const struct uuid *id, uint32_t delay_ms);

/* Probes a check once, outside of any plan; `on_end` is called exactly once unless this returns an
 * error or the engine is stopped first. ERR_INVALID as engine_set_check(). */
MUST_USE enum err engine_once(struct engine *engine, const struct engine_check *check, bool explain,
                              engine_once_fn on_end, void *context);

/* The same for a check as text, as of POST /checks (`name`, `component` and the rest are optional).
 * The answer is JSON text {"result","steps"}, or {"errors"} when the check is not valid; borrowed
 * for the call. */
typedef void (*engine_preview_fn)(void *context, struct str answer);
void engine_preview(struct engine *engine, struct str check, engine_preview_fn on_end,
                    void *context);

void engine_read_metrics(struct engine *engine, struct engine_metrics *ret_metrics);

/* Lags between due time and start of scheduled probes, in microseconds: p50, p99 and the
 * largest. */
struct engine_lag {
    uint64_t p50_us;
    uint64_t p99_us;
    uint64_t max_us;
};

void engine_read_lag(struct engine *engine, struct engine_lag *ret_lag);

/* Cancels all probes, ends scripts and joins the loops; within 5 s. No callback runs afterwards. */
void engine_stop(struct engine *engine);

/* Stops when needed, and frees. */
void engine_free(struct engine *engine);

DEFINE_AUTO(struct engine *, engine_free);
