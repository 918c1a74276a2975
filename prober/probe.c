/*
 * The driver of probes. A probe is advanced by its io watcher, its deadline, or a callback (names,
 * scripts, the next turn); each runs steps until one waits. The end is entered once: `ended` stands
 * from then on, all watchers are stopped, and the shard gets the object back.
 */
#include "prober/probe.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "shared/clock.h"
#include "shared/result_json.h"
#include "shared/tls.h"

#include "prober/history.h"
#include "prober/probe_private.h"
#include "prober/shard.h"
#include "prober/text.h"
#include "prober/tour.h"

/* A buffer that grew beyond this for one probe is not kept for the next. */
#define KEPT_CAPACITY_MAX (64 * 1024)

/* So long a peer may take to answer a goodbye. */
#define PARTING_MS 1000

void probe_enter(struct probe *probe, enum phase phase)
{
    probe_settle_phase(probe, clock_monotonic_us());
    probe->result.phase = phase;
    if (UNLIKELY(probe->check->timeouts.any))
        probe_set_deadline(probe);
}

int64_t probe_elapsed_us(const struct probe *probe)
{
    return clock_monotonic_us() - probe->measured_from_us;
}

static int64_t since_start_us(const struct probe *probe)
{
    return clock_monotonic_us() - probe->started_us;
}

/* ---- the end ---- */

static void reuse_buffer(struct buf *buf)
{
    if (buf->capacity > KEPT_CAPACITY_MAX)
        buf_clear(buf);
    else
        buf_reset(buf);
}

/* The next socket may get the same number: the watcher must not take it for the old one. */
void probe_close_stream(struct probe *probe)
{
    ev_io_stop(shard_ev(probe->shard), &probe->io);
    stream_close(&probe->stream, true);
}

/* Lets go of all that the run holds; what stays is the result. */
static void release(struct probe *probe)
{
    ev_timer_stop(shard_ev(probe->shard), &probe->deadline);
    ev_timer_stop(shard_ev(probe->shard), &probe->wake);
    list_remove(&probe->deferred);
    dial_release(probe);
    if (probe->check->kind->release)
        probe->check->kind->release(probe);
    probe_close_stream(probe);
    reuse_buffer(&probe->out);
    reuse_buffer(&probe->in);
    reuse_buffer(&probe->kept);
}

__attribute__((format(printf, 4, 0))) static void end_v(struct probe *probe, enum verdict verdict,
                                                        enum outcome outcome, const char *format,
                                                        va_list arguments)
{
    struct result *result = &probe->result;
    int64_t now_us = clock_monotonic_us();
    int len;

    assert(!probe->ended);
    probe->ended = true;
    if (probe->parting)
        return;
    probe_settle_phase(probe, now_us);
    result->timings.total_us = probe_us(now_us - probe->measured_from_us);
    result->verdict = verdict;
    result->outcome = outcome;
    len = vsnprintf(probe->message, sizeof probe->message, format, arguments);
    if (len >= (int)sizeof probe->message)
        len = (int)utf8_cut(str_n(probe->message, sizeof probe->message - 1));
    result->message = str_n(probe->message, (size_t)len);
}

enum wait probe_end_as(struct probe *probe, enum verdict verdict, enum outcome outcome,
                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    end_v(probe, verdict, outcome, format, arguments);
    va_end(arguments);
    return WAIT_END;
}

enum wait probe_end(struct probe *probe, enum outcome outcome, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    end_v(probe, outcome_verdict(outcome), outcome, format, arguments);
    va_end(arguments);
    return WAIT_END;
}

enum wait probe_succeed(struct probe *probe, const char *format, ...)
{
    struct probe_slowness slow;
    va_list arguments;

    slow = probe_slowness(probe, VERDICT_FAIL);
    if (UNLIKELY(slow.limit_ms))
        return probe_end_as(probe, VERDICT_FAIL, OUTCOME_SLOW, "%stook %lld ms, the limit is %u ms",
                            slow.what, (long long)slow.took_ms, slow.limit_ms);
    slow = probe_slowness(probe, VERDICT_WARN);
    if (UNLIKELY(slow.limit_ms))
        return probe_end_as(probe, VERDICT_WARN, OUTCOME_SLOW, "%stook %lld ms, more than %u ms",
                            slow.what, (long long)slow.took_ms, slow.limit_ms);

    va_start(arguments, format);
    end_v(probe, VERDICT_OK, OUTCOME_OK, format, arguments);
    va_end(arguments);
    return WAIT_END;
}

enum wait probe_part(struct probe *probe, const struct probe_step *goodbye)
{
    assert(probe->ended);
    probe->ended = false;
    probe->parting = true;
    probe->step = goodbye;
    probe_limit(probe, PARTING_MS);
    return WAIT_NONE;
}

/* Begins at the first step: with a fresh result, and the clock that runs already. */
static void begin_run(struct probe *probe, int64_t now_us)
{
    probe->step = probe->check->kind->first;
    probe->measured_from_us = now_us;
    probe->phase_started_us = now_us;
    probe->ended = false;
    probe->parting = false;
    probe->exchanges = 0;
    probe->dial.dials = 0;
    probe->own_due_us = 0;
    probe_set_deadline_from(probe, now_us);
}

void probe_reword(struct probe *probe, enum verdict verdict, enum outcome outcome,
                  const char *format, ...)
{
    char message[RESULT_MESSAGE_BYTES_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    probe->ended = false;
    probe->parting = false;
    probe_end_as(probe, verdict, outcome, "%s", message);
}

/* What works is a failure; what this prober could not do stays so. */
static void invert(struct probe *probe)
{
    switch (probe->result.verdict) {
    case VERDICT_ERROR:
    case VERDICT_COUNT:
        return;
    case VERDICT_FAIL:
        probe_reword(probe, VERDICT_OK, OUTCOME_OK, "as it should be: " STR_FMT,
                     STR_ARG(probe->result.message));
        return;
    case VERDICT_OK:
    case VERDICT_WARN:
        probe_reword(probe, VERDICT_FAIL, OUTCOME_ASSERT_FAILED, "it should fail, but: " STR_FMT,
                     STR_ARG(probe->result.message));
        return;
    }
}

static struct result fresh_result(const struct probe *probe)
{
    const struct result *earlier = &probe->result;

    return (struct result){
        .check_id = earlier->check_id,
        .at_ms = earlier->at_ms,
        .scheduled_at_ms = earlier->scheduled_at_ms,
        .phase = PHASE_QUEUE,
        .timings.queue_us = earlier->timings.queue_us,
    };
}

void probe_restart_result(struct probe *probe)
{
    int64_t now_us = clock_monotonic_us();

    probe->result = fresh_result(probe);
    probe->measured_from_us = now_us;
    probe->phase_started_us = now_us;
}

/* Goes on to the next address of the tour, if there is one; else makes one result of all. */
static bool goes_on(struct probe *probe)
{
    if (tour_next(probe->tour, probe->check->vote, &probe->result)) {
        probe->result = fresh_result(probe);
        begin_run(probe, clock_monotonic_us());
        return true;
    }
    tour_conclude(probe->tour, probe->check->vote, &probe->result);
    probe->result.timings.total_us = probe_us(since_start_us(probe));
    return false;
}

static void finish(struct probe *probe)
{
    if (probe->check->kind->conclude)
        probe->check->kind->conclude(probe);
    release(probe);
    if (UNLIKELY(probe->tour) && goes_on(probe)) {
        probe_advance(probe);
        return;
    }
    if (UNLIKELY(probe->check->invert))
        invert(probe);
    if (probe->history)
        history_finish(probe->history, since_start_us(probe));
    shard_probe_ended(probe->shard, probe);
}

void probe_cancel(struct probe *probe)
{
    probe->ended = true;
    release(probe);
    shard_probe_cancelled(probe->shard, probe);
}

/* ---- advancing ---- */

static void watch_stream(struct probe *probe, int events)
{
    struct ev_loop *ev = shard_ev(probe->shard);

    if (ev_is_active(&probe->io)) {
        if (probe->io.fd == probe->stream.fd && probe->io.events == events)
            return;
        ev_io_stop(ev, &probe->io);
    }
    ev_io_set(&probe->io, probe->stream.fd, events);
    ev_io_start(ev, &probe->io);
}

static void watch(struct probe *probe, enum wait wait)
{
    switch (wait) {
    case WAIT_READ:
        watch_stream(probe, EV_READ);
        return;
    case WAIT_WRITE:
        watch_stream(probe, EV_WRITE);
        return;
    case WAIT_TURN:
        ev_io_stop(shard_ev(probe->shard), &probe->io);
        shard_defer(probe->shard, probe);
        return;
    case WAIT_CALL:
        ev_io_stop(shard_ev(probe->shard), &probe->io);
        return;
    case WAIT_NONE:
    case WAIT_END:
        return;
    }
}

void probe_advance(struct probe *probe)
{
    enum wait wait;

    do {
        if (UNLIKELY(probe->history))
            history_enter(probe->history, probe->step->name, since_start_us(probe));
        wait = probe->step->run(probe);
    } while (wait == WAIT_NONE);

    if (wait == WAIT_END)
        finish(probe);
    else
        watch(probe, wait);
}

static void on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct probe *probe = container_of(watcher, struct probe, io);

    (void)ev;
    (void)events;
    if (UNLIKELY(probe->check->timeouts.idle_ms) && probe->result.phase == PHASE_TRANSFER)
        probe_set_deadline(probe);
    probe_advance(probe);
}

static void on_deadline(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct probe *probe = container_of(watcher, struct probe, deadline);
    int64_t left_us = probe->due_us - clock_monotonic_us();

    (void)ev;
    (void)events;
    /* The loop's clock stood still while it worked, so the timer may be early. */
    if (left_us > 0) {
        probe_arm_deadline(probe, left_us);
        return;
    }
    probe_end_at_deadline(probe);
    finish(probe);
}

static void on_wake(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)events;
    probe_advance(container_of(watcher, struct probe, wake));
}

void probe_wake_after(struct probe *probe, uint32_t delay_ms)
{
    struct ev_loop *ev = shard_ev(probe->shard);

    ev_timer_stop(ev, &probe->wake);
    ev_timer_set(&probe->wake, delay_ms / 1000., 0.);
    ev_timer_start(ev, &probe->wake);
}

void probe_init(struct probe *probe, struct shard *shard)
{
    probe->shard = shard;
    probe->stream = STREAM_CLOSED;
    list_init(&probe->link);
    list_init(&probe->deferred);
    ev_io_init(&probe->io, on_io, -1, EV_READ);
    ev_timer_init(&probe->deadline, on_deadline, 0., 0.);
    ev_timer_init(&probe->wake, on_wake, 0., 0.);
    dial_init(probe);
}

void probe_clear(struct probe *probe)
{
    buf_clear(&probe->out);
    buf_clear(&probe->in);
    buf_clear(&probe->kept);
    buf_clear(&probe->perfdata);
}

void probe_start(struct probe *probe, struct job *job, struct check *check, int64_t due_us)
{
    int64_t now_us = clock_monotonic_us();

    probe->job = job;
    probe->check = check;
    probe->started_us = now_us;
    probe->result = (struct result){
        .check_id = check->id,
        .at_ms = clock_wall_ms(),
        .phase = PHASE_QUEUE,
        .timings.queue_us = probe_us(now_us - due_us),
    };
    probe->result.scheduled_at_ms = probe->result.at_ms - probe->result.timings.queue_us / 1000;
    begin_run(probe, now_us);
    probe_advance(probe);
}

/* ---- helpers of steps ---- */

enum wait probe_end_io(struct probe *probe, enum io io)
{
    static const char *const doing[PHASE_COUNT] = {
        [PHASE_TLS] = "during the TLS handshake",
        [PHASE_REQUEST] = "while the request was sent",
        [PHASE_FIRST_BYTE] = "before it replied",
        [PHASE_TRANSFER] = "before the reply was complete",
    };
    const char *when = doing[probe->result.phase];
    int error = stream_error(&probe->stream);
    char address[ADDR_TEXT_BYTES];
    struct buf *text = &probe->kept;
    enum outcome outcome;

    if (!when)
        when = "too early";
    if (io == IO_EOF)
        return probe_end(
            probe, probe->result.phase == PHASE_TLS ? OUTCOME_TLS_HANDSHAKE : OUTCOME_EOF_EARLY,
            "the server closed the connection %s", when);
    if (error == ECONNRESET || error == EPIPE)
        return probe_end(probe, OUTCOME_RESET, "the server reset the connection %s", when);
    if (error == ETIMEDOUT)
        return probe_end(probe, OUTCOME_TIMEOUT, "the connection timed out %s", when);
    if (error == ECONNREFUSED) /* a datagram came back */
        return probe_end(probe, OUTCOME_CONNECT_REFUSED, "nothing listens at %s",
                         addr_format(&probe->dial.addr, address));
    if (error == EHOSTUNREACH || error == ENETUNREACH || error == EACCES) /* by ICMP */
        return probe_end(probe, OUTCOME_UNREACHABLE, "the server became unreachable %s", when);
    if (error == EOVERFLOW)
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                         "the server sends TLS messages without end %s", when);
    if (error != 0)
        return probe_end(probe, OUTCOME_PROBER_ERROR, "the connection failed %s: %s", when,
                         strerrordesc_np(error));

    buf_reset(text);
    outcome = tls_failure(&probe->stream, text);
    return probe_end(probe, outcome, STR_FMT, STR_ARG(buf_str(text)));
}

enum wait probe_wait_io(struct probe *probe, enum io io)
{
    if (io == IO_WANT_READ)
        return WAIT_READ;
    if (io == IO_WANT_WRITE)
        return WAIT_WRITE;
    return probe_end_io(probe, io);
}

void probe_note(struct probe *probe, const char *format, ...)
{
    va_list arguments;

    if (LIKELY(!probe->history))
        return;
    va_start(arguments, format);
    history_note(probe->history, format, arguments);
    va_end(arguments);
}
