/*
 * A job is a check that one loop runs: by schedule, once, or in a flood. When it is due it asks the
 * limits for room; it never runs twice at once, and a slot that comes too early for that is skipped
 * and counted.
 *
 * Thread: the loop that owns it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/loop.h"
#include "shared/map.h"

#include "prober/engine.h"
#include "prober/limits.h"

struct check;
struct probe;

/* What the jobs of one loop share. */
struct planner {
    struct ev_loop *ev;
    struct limits limits;
    /* wall clock minus monotonic clock at the start: the schedule's anchor */
    int64_t wall_offset_us;
    _Atomic uint64_t skipped;
};

struct job {
    struct planner *planner;
    struct check *check;
    struct limit_entry entry;
    struct probe *probe; /* under way; NULL */
    ev_timer due;        /* the next slot */
    ev_timer extra;      /* a run out of turn */
    int64_t slot_us;     /* monotonic time of the next slot */
    int64_t asked_us;    /* when the run that waits or is under way was due */
    bool again;          /* run once more when this run has ended */

    /* Of a job that runs once; NULL for those of the plan. */
    engine_once_fn on_end;
    void *context;
    bool explain;

    UT_hash_handle hh; /* by check->id */
};

/* Takes the check. */
struct job *job_new(struct planner *planner, struct check *check_take);

/* Cancels what is under way. */
void job_free(struct job *job);

/* Waits for its next slot from now on. */
void job_plan(struct job *job);

/* Runs it at that monotonic time; as soon as it has ended when it is under way then. */
void job_run_at(struct job *job, int64_t at_us);

/* Asks for room; it must neither wait nor be under way. */
void job_ask(struct job *job, int64_t due_us);

/* Its run is over: the room is free again. */
void job_ended(struct job *job);
