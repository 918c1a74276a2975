/*
 * One probe: a run of one check. The driver here owns its deadline, phases, timings and end; what
 * to send and how to read the answer is said by the kind, as steps. A step does what can be done
 * now and says what to wait for, or ends the probe with an outcome. However it goes, a probe has
 * exactly one end.
 *
 * Thread: the loop of its shard.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/list.h"
#include "shared/loop.h"
#include "shared/result.h"
#include "shared/stream.h"

#include "prober/check.h"
#include "prober/dial.h"

struct history;
struct job;
struct shard;
struct tour;

enum wait {
    WAIT_NONE,  /* go on with probe->step at once */
    WAIT_READ,  /* until the stream is readable */
    WAIT_WRITE, /* until the stream is writable */
    WAIT_CALL,  /* until somebody calls probe_advance() */
    WAIT_TURN,  /* until the next turn of the loop */
    WAIT_END,   /* the probe has ended: only probe_end() and its kin return this */
};

struct probe_step {
    const char *name;
    enum wait (*run)(struct probe *probe);
};

struct probe_kind {
    const char *name;
    const struct probe_step *first;
    size_t state_bytes; /* of probe->state */

    /* Makes check->spec from a spec that the schema has accepted; adds what is still wrong to
     * `errors`. */
    void (*spec_new)(struct check *check, const json_t *spec, json_t **errors);
    void (*spec_free)(void *spec);

    /* A limit was reached: ends the probe where the kind knows more of it than the phase tells;
     * WAIT_NONE leaves it to the driver. NULL: always. */
    enum wait (*timed_out)(struct probe *probe);

    /* Lets go of what the probe holds outside of stream and dial; NULL when there is no such
     * thing. */
    void (*release)(struct probe *probe);

    /* Looks at the result of a run before anybody else and may say it otherwise, by
     * probe_reword(); NULL when there is nothing to add. */
    void (*conclude)(struct probe *probe);
};

struct probe {
    struct shard *shard;
    struct job *job;
    struct check *check;
    const struct probe_step *step;
    struct list link;     /* shard->probes */
    struct list deferred; /* shard->deferred */
    ev_io io;
    ev_timer deadline;
    ev_timer wake; /* for who waits for a time and not only for bytes */

    int64_t started_us;       /* the deadline counts from here */
    int64_t measured_from_us; /* … and the result's total time from here */
    int64_t phase_started_us;
    int64_t own_due_us; /* the kind's own limit; 0: none */
    uint32_t own_limit_ms;
    int64_t due_us;    /* when the deadline in force is reached */
    uint32_t limit_ms; /* how long it gave, for people */
    bool ended;
    bool parting;    /* the result stands, and the kind says goodbye */
    bool connecting; /* counts against the limit of connecting probes */

    struct stream stream;
    struct dial dial;
    struct tour *tour;       /* NULL: the check probes one address */
    struct history *history; /* NULL: nobody asked for the steps */

    struct result result;
    char message[RESULT_MESSAGE_BYTES_MAX];
    struct buf out;  /* waits to be sent: prober/exchange.h */
    struct buf in;   /* received and not yet used up */
    struct buf kept; /* what is kept for assertions */
    struct buf perfdata;
    unsigned exchanges; /* how often exchange() has read */

    _Alignas(16) char state[]; /* the kind's own; whatever an earlier probe left */
};

/* Prepares an object that comes zeroed from the pool, once. */
void probe_init(struct probe *probe, struct shard *shard);
void probe_clear(struct probe *probe);

/* Begins a run of `check`, which was due at `due_us`; it may be over when this returns. */
void probe_start(struct probe *probe, struct job *job, struct check *check, int64_t due_us);

/* Runs steps until one has to wait or the probe is over; the only caller of a step. */
void probe_advance(struct probe *probe);

/* Ends the probe without a result. */
void probe_cancel(struct probe *probe);

/* ---- for steps ---- */

/* Ends the probe. `format` is one clear sentence without a full stop. */
enum wait probe_end(struct probe *probe, enum outcome outcome, const char *format, ...)
    PRINTF(3, 4);

/* As probe_end(), where the outcome alone does not say the verdict. */
enum wait probe_end_as(struct probe *probe, enum verdict verdict, enum outcome outcome,
                       const char *format, ...) PRINTF(4, 5);

/* All that was expected has come: ok, or `slow` by the check's thresholds. */
enum wait probe_succeed(struct probe *probe, const char *format, ...) PRINTF(2, 3);

/* Whether probe_succeed() would fail for being slow. */
bool probe_is_too_slow(const struct probe *probe);

/* To be returned after one of the above: the result stands as it is, but the connection is kept for
 * `goodbye` and the steps after it, for a second and to the deadline at most. However they end the
 * probe, the result stays. */
enum wait probe_part(struct probe *probe, const struct probe_step *goodbye);

/* Ends the probe for what stream_…() returned: IO_EOF or IO_ERROR, in the words of the phase. */
enum wait probe_end_io(struct probe *probe, enum io io);

/* IO_WANT_READ and IO_WANT_WRITE as a wait; all else ends the probe. */
enum wait probe_wait_io(struct probe *probe, enum io io);

/* Closes the stream, so that the probe can dial anew. */
void probe_close_stream(struct probe *probe);

/* Goes on to a phase: what has passed counts for the one before. */
void probe_enter(struct probe *probe, enum phase phase);

/* Adds a detail to the current step's history, when somebody asked for it. */
void probe_note(struct probe *probe, const char *format, ...) PRINTF(2, 3);

/* For conclude(): gives the result another verdict and message, which may quote the one before. */
void probe_reword(struct probe *probe, enum verdict verdict, enum outcome outcome,
                  const char *format, ...) PRINTF(4, 5);

/* What has passed is no part of what is measured (an access token was fetched): the result begins
 * anew, the deadline stands. */
void probe_restart_result(struct probe *probe);

/* Microseconds that count for the total time so far. */
int64_t probe_elapsed_us(const struct probe *probe);

/* Advances the probe after that time, too, whatever else it waits for; the last call counts. */
void probe_wake_after(struct probe *probe, uint32_t delay_ms);

/* Milliseconds until the deadline in force, at least 1. */
uint32_t probe_left_ms(const struct probe *probe);

/* Sets a limit of the kind's own from now on, within all others; 0 takes it away. */
void probe_limit(struct probe *probe, uint32_t limit_ms);

/* Puts the deadline in force by the phase and what is left of the timeout. */
void probe_set_deadline(struct probe *probe);
