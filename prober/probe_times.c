/*
 * How long a probe has taken, and how long it may take. The deadline in force is the nearest of three:
 * what is left of the timeout, the limit of the present phase, and the kind's own.
 */
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/result_json.h"

#include "prober/probe_private.h"
#include "prober/shard.h"
#include "prober/tour.h"

/* ---- what has passed ---- */

/* Where the time of a phase counts; NULL: only in the total. */
static uint32_t *phase_timing(struct result_timings *timings, enum phase phase)
{
    switch (phase) {
    case PHASE_DNS:
        return &timings->dns_us;
    case PHASE_CONNECT:
        return &timings->connect_us;
    case PHASE_TLS:
        return &timings->tls_us;
    case PHASE_REQUEST:
    case PHASE_FIRST_BYTE:
        return &timings->first_byte_us;
    case PHASE_TRANSFER:
        return &timings->transfer_us;
    case PHASE_QUEUE:
    case PHASE_SCRIPT:
    case PHASE_ASSERT:
    case PHASE_COUNT:
        break;
    }
    return NULL;
}

uint32_t probe_us(int64_t us)
{
    return us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void probe_settle_phase(struct probe *probe, int64_t now_us)
{
    uint32_t *timing = phase_timing(&probe->result.timings, probe->result.phase);

    if (timing)
        *timing += probe_us(now_us - probe->phase_started_us);
    probe->phase_started_us = now_us;
}

/* ---- deadlines ---- */

/* The limit of the present phase; 0: none. */
static uint32_t phase_limit_ms(const struct probe *probe)
{
    const struct check_timeouts *timeouts = &probe->check->timeouts;

    switch (probe->result.phase) {
    case PHASE_DNS:
        return timeouts->dns_ms;
    case PHASE_CONNECT:
        return timeouts->connect_ms;
    case PHASE_TLS:
        return timeouts->tls_ms;
    case PHASE_REQUEST:
    case PHASE_FIRST_BYTE:
        return timeouts->first_byte_ms;
    case PHASE_TRANSFER:
        return timeouts->idle_ms;
    case PHASE_QUEUE:
    case PHASE_SCRIPT:
    case PHASE_ASSERT:
    case PHASE_COUNT:
        break;
    }
    return 0;
}

void probe_arm_deadline(struct probe *probe, int64_t left_us)
{
    struct ev_loop *ev = shard_ev(probe->shard);

    ev_timer_stop(ev, &probe->deadline);
    ev_timer_set(&probe->deadline, (double)left_us / 1e6, 0.);
    ev_timer_start(ev, &probe->deadline);
}

void probe_set_deadline_from(struct probe *probe, int64_t now_us)
{
    int64_t left_us = probe->started_us + (int64_t)probe->check->timeout_ms * 1000 - now_us;
    uint32_t phase_ms = phase_limit_ms(probe);

    probe->limit_ms = probe->check->timeout_ms;
    if (probe->tour) {
        left_us = tour_share_us(probe->tour, left_us);
        probe->limit_ms = (uint32_t)MAX(left_us / 1000, INT64_C(0));
    }
    if (phase_ms && (int64_t)phase_ms * 1000 < left_us) {
        left_us = (int64_t)phase_ms * 1000;
        probe->limit_ms = phase_ms;
    }
    if (probe->own_due_us && probe->own_due_us - now_us < left_us) {
        left_us = probe->own_due_us - now_us;
        probe->limit_ms = probe->own_limit_ms;
    }
    left_us = MAX(left_us, INT64_C(0));
    probe->due_us = now_us + left_us;
    probe_arm_deadline(probe, left_us);
}

void probe_set_deadline(struct probe *probe)
{
    probe_set_deadline_from(probe, clock_monotonic_us());
}

void probe_limit(struct probe *probe, uint32_t limit_ms)
{
    int64_t now_us = clock_monotonic_us();

    if (!limit_ms && !probe->own_due_us)
        return;
    probe->own_due_us = limit_ms ? now_us + (int64_t)limit_ms * 1000 : 0;
    probe->own_limit_ms = limit_ms;
    probe_set_deadline_from(probe, now_us);
}

uint32_t probe_left_ms(const struct probe *probe)
{
    int64_t left_ms = (probe->due_us - clock_monotonic_us()) / 1000;

    return (uint32_t)MAX(left_ms, INT64_C(1));
}

enum wait probe_end_at_deadline(struct probe *probe)
{
    const struct probe_kind *kind = probe->check->kind;
    unsigned limit_ms = probe->limit_ms;
    char address[ADDR_TEXT_BYTES];

    if (kind->timed_out && kind->timed_out(probe) == WAIT_END)
        return WAIT_END;
    switch (probe->result.phase) {
    case PHASE_DNS:
        return probe_end(probe, OUTCOME_DNS_TIMEOUT, "no DNS answer for %s within %u ms",
                         probe->dial.target.host, limit_ms);
    case PHASE_CONNECT:
        return probe_end(probe, OUTCOME_CONNECT_TIMEOUT, "no connection to %s within %u ms",
                         addr_format(&probe->dial.addr, address), limit_ms);
    case PHASE_TLS:
        return probe_end(probe, OUTCOME_TIMEOUT, "the TLS handshake was not complete within %u ms",
                         limit_ms);
    case PHASE_REQUEST:
        return probe_end(probe, OUTCOME_TIMEOUT, "the request could not be sent within %u ms",
                         limit_ms);
    case PHASE_FIRST_BYTE:
        return probe_end(probe, OUTCOME_TIMEOUT, "no reply within %u ms", limit_ms);
    case PHASE_SCRIPT:
        return probe_end(probe, OUTCOME_SCRIPT_TIMEOUT, "the script did not end within %u ms",
                         limit_ms);
    case PHASE_ASSERT:
        return probe_end(probe, OUTCOME_PROBER_ERROR,
                         "this prober was too busy to judge the reply within %u ms", limit_ms);
    case PHASE_TRANSFER:
    case PHASE_QUEUE:
    case PHASE_COUNT:
        break;
    }
    return probe_end(probe, OUTCOME_TIMEOUT, "the reply was not complete within %u ms", limit_ms);
}

/* ---- thresholds ---- */

bool probe_is_too_slow(const struct probe *probe)
{
    return probe_slowness(probe, VERDICT_FAIL).limit_ms > 0;
}

/* What of a phase has passed; of the present one it is not in the timings yet. */
static int64_t phase_us(const struct probe *probe, enum phase phase)
{
    struct result_timings timings = probe->result.timings;
    const uint32_t *timing = phase_timing(&timings, phase);
    bool is_present = timing == phase_timing(&timings, probe->result.phase);

    return *timing + (is_present ? clock_monotonic_us() - probe->phase_started_us : 0);
}

static struct probe_slowness slowness_of_phases(const struct probe *probe, const uint32_t *limits)
{
    static const struct {
        enum phase phase;
        const char *doing;
    } phases[] = {
        {PHASE_DNS, "the DNS answer "},
        {PHASE_CONNECT, "the connection "},
        {PHASE_TLS, "the TLS handshake "},
        {PHASE_FIRST_BYTE, "the first byte of the reply "},
        {PHASE_TRANSFER, "the rest of the reply "},
    };

    for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
        uint32_t limit_ms = limits[phases[i].phase];
        int64_t took_ms = limit_ms ? phase_us(probe, phases[i].phase) / 1000 : 0;

        if (limit_ms && took_ms >= limit_ms)
            return (struct probe_slowness){phases[i].doing, took_ms, limit_ms};
    }
    return (struct probe_slowness){0};
}

struct probe_slowness probe_slowness(const struct probe *probe, enum verdict verdict)
{
    const struct check *check = probe->check;
    bool is_failure = verdict == VERDICT_FAIL;
    uint32_t limit_ms = is_failure ? check->fail_ms : check->warn_ms;
    int64_t took_ms = limit_ms ? probe_elapsed_us(probe) / 1000 : 0;

    if (limit_ms && took_ms >= limit_ms)
        return (struct probe_slowness){"", took_ms, limit_ms};
    if (LIKELY(!check->phases))
        return (struct probe_slowness){0};
    return slowness_of_phases(probe, is_failure ? check->phases->fail_ms : check->phases->warn_ms);
}
