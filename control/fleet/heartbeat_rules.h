/*
 * When a heartbeat is late, what a call of its target says, and how often it may call. Pure: time
 * comes in as a parameter, and nothing is allocated.
 *
 * A target promises to call at least once in each interval, and has T = interval + grace after its
 * last call. Calls that were made while nobody listened (control was away, or its loop stood still)
 * are lost, which is not the target's fault:
 *
 *   heard since listening began    late at last + T
 *   not heard since                late at start + T, because the call that is lost may have come
 *                                  right before the start; but
 *                                  at last + away + 2 T at the latest, so that restarts do not put
 *                                  the alarm off for ever (a weekly job, a deployment each day):
 *                                  whoever is up and yet silent for so long would have had to lose
 *                                  two calls in a row; and
 *                                  never before last + T
 *
 * "Last" is the last result before a start, the call itself or that it was missed. A target that
 * has never called is not late, and nor is one that has not been resumed.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/verdict.h"

#include "shared/buf.h"
#include "shared/result.h"
#include "shared/str.h"

/* Calls that one target may make at once, and in a second over time. */
#define HEARTBEAT_CALLS_BURST      10
#define HEARTBEAT_CALLS_PER_SECOND 1

struct heartbeat_promise {
    int64_t interval_us;
    int64_t grace_us;
};

/* Since when calls are heard, and for how long none was before. Monotonic time. */
struct heartbeat_listening {
    int64_t since_us;
    int64_t away_us;
};

/* What the target said. */
struct heartbeat_call {
    enum verdict verdict; /* ok, warn or fail */
    bool has_exit_code;
    int64_t exit_code;
    int64_t duration_ms;           /* -1: not said */
    struct str message;            /* as it came; borrowed */
    struct result_address address; /* that it came from; family 0: not known */
};

/* The promise of a spec that its schema has accepted, in a check of this interval. */
struct heartbeat_promise heartbeat_promise_of(const json_t *spec, int64_t interval_s);

/* From when on a target is late that was last heard, or began to be expected, at `last_us`. */
int64_t heartbeat_late_at_us(const struct heartbeat_promise *promise, int64_t last_us,
                             const struct heartbeat_listening *listening);

/* Takes one call off what a target may make; false when there is none left for the moment.
 * `full_at_us` is the target's, 0 at first. */
bool heartbeat_may_call(int64_t *full_at_us, int64_t now_us, int64_t *ret_retry_s);

/* "ok", "warn" or "fail"; false for anything else. */
bool heartbeat_status(struct str word, enum verdict *ret_verdict);

/* The result of a call. Its texts lie in `texts`, which is emptied before. */
void heartbeat_result(const struct heartbeat_call *call, int64_t at_ms, struct buf *texts,
                      struct result *ret_result);

/* The result of a missed call; `heard_at_ms` is the last one's time, 0 when it is not known. */
void heartbeat_missed_result(const struct heartbeat_promise *promise, int64_t heard_at_ms,
                             int64_t at_ms, struct buf *texts, struct result *ret_result);
