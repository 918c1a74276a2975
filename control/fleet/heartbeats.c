/*
 * Due times are monotonic: a wall clock that is set does no harm. A timer that fires asks the rules
 * again, so whatever has moved the due time meanwhile need not have moved the timer. The timers
 * have the lowest priority: what has come in by then is read first.
 */
#include "control/fleet/heartbeats.h"

#include "contract/check.h"

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/json.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/map.h"
#include "shared/mem.h"
#include "shared/metrics.h"

#include "control/fleet/heartbeat_rules.h"
#include "control/fleet/own_results.h"
#include "control/health/health.h"

#define PULSE_S     1.0
#define PAUSE_US    3000000 /* a longer gap between two looks at the clock: nobody listened */
#define TIMER_S_MIN 0.001   /* a timer never spins */
#define LONG_AGO_US (INT64_MIN / 4)

static struct metric calls = METRIC_COUNTER("em_heartbeat_calls_total", "Calls of targets");
static struct metric strangers =
    METRIC_COUNTER("em_heartbeat_unknown_total", "Calls with a token of nobody");
static struct metric floods = METRIC_COUNTER("em_heartbeat_refused_total",
                                             "Calls refused because the target calls too often");
static struct metric dropped = METRIC_COUNTER(
    "em_heartbeat_dropped_total", "Results given up because too many waited for the engine");
static struct metric misses =
    METRIC_COUNTER("em_heartbeat_missed_total", "Calls that did not come");
static struct metric known = METRIC_GAUGE("em_heartbeats", "Heartbeats that are known");

struct heartbeat {
    struct heartbeats *heartbeats;
    struct uuid check_id;
    uint8_t digest[SHA256_BYTES]; /* of the token */
    UT_hash_handle by_check;
    UT_hash_handle by_digest;
    ev_timer late;
    struct heartbeat_promise promise;
    int64_t repeat_us; /* from one missed call to the next */
    bool enabled;
    bool expected;       /* it has called at some time: else its silence says nothing */
    int64_t last_us;     /* it called, or began to be expected */
    int64_t heard_at_ms; /* wall clock of the last call; 0: not in this life */
    int64_t noted_at_ms; /* wall clock of the last result; 0: none in this life */
    int64_t missed_us;   /* of the last miss since; 0: none */
    int64_t started_us;  /* of the job under way; 0: none */
    int64_t full_at_us;  /* of its rate */
};

struct heartbeats {
    struct loop *loop;
    struct own_results *results;
    struct heartbeat *by_check;
    struct heartbeat *by_digest;
    struct heartbeat_listening listening;
    bool loaded;
    int64_t alive_us; /* control surely ran: the newest result of an earlier life */
    int64_t looked_us;
    ev_timer pulse;
    struct buf texts;
};

/* Silence ------------------------------------------------------------------------------------- */

static int64_t due_us(const struct heartbeat *heartbeat)
{
    int64_t late_us = heartbeat_late_at_us(&heartbeat->promise, heartbeat->last_us,
                                           &heartbeat->heartbeats->listening);

    return heartbeat->missed_us == 0 ? late_us
                                     : MAX(late_us, heartbeat->missed_us + heartbeat->repeat_us);
}

static void arm(struct heartbeat *heartbeat)
{
    struct ev_loop *ev = loop_ev(heartbeat->heartbeats->loop);
    double after_s;

    ev_timer_stop(ev, &heartbeat->late);
    if (!heartbeat->heartbeats->loaded || !heartbeat->enabled || !heartbeat->expected)
        return;
    after_s = (double)(due_us(heartbeat) - clock_monotonic_us()) / 1e6;
    ev_timer_set(&heartbeat->late, MAX(after_s, TIMER_S_MIN), 0);
    ev_timer_start(ev, &heartbeat->late);
}

/* A loop that stood still heard nobody: that is as good as a restart. */
static int64_t look_at_clock(struct heartbeats *heartbeats)
{
    int64_t now_us = clock_monotonic_us();
    int64_t gap_us = now_us - heartbeats->looked_us;

    heartbeats->looked_us = now_us;
    if (heartbeats->loaded && gap_us > PAUSE_US) {
        heartbeats->listening = (struct heartbeat_listening){now_us, gap_us};
        log_warning("heartbeats.paused", "ms=%lld", (long long)gap_us / 1000);
    }
    return now_us;
}

static void on_pulse(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)events;
    look_at_clock(container_of(watcher, struct heartbeats, pulse));
}

/* When its next result is: results of one check are told apart by their milliseconds. */
static int64_t moment_of(struct heartbeat *heartbeat)
{
    int64_t now_ms = clock_wall_ms();
    int64_t ahead_ms = heartbeat->noted_at_ms - now_ms;

    if (ahead_ms >= 0 && ahead_ms < HEARTBEAT_CALLS_BURST)
        now_ms = heartbeat->noted_at_ms + 1;
    heartbeat->noted_at_ms = now_ms;
    return now_ms;
}

static void on_late(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct heartbeat *heartbeat = container_of(watcher, struct heartbeat, late);
    struct heartbeats *heartbeats = heartbeat->heartbeats;
    int64_t now_us = look_at_clock(heartbeats);
    struct result result;

    (void)ev;
    (void)events;
    if (now_us >= due_us(heartbeat)) {
        heartbeat_missed_result(&heartbeat->promise, heartbeat->heard_at_ms, moment_of(heartbeat),
                                &heartbeats->texts, &result);
        result.check_id = heartbeat->check_id;
        heartbeat->missed_us = now_us;
        metric_add(&misses, 1);
        if (!own_results_add(heartbeats->results, &result))
            metric_add(&dropped, 1);
    }
    arm(heartbeat);
}

/* Which there are ----------------------------------------------------------------------------- */

static struct heartbeat *find(const struct heartbeats *heartbeats, const struct uuid *check_id)
{
    struct heartbeat *heartbeat;

    HASH_FIND(by_check, heartbeats->by_check, check_id->bytes, sizeof check_id->bytes, heartbeat);
    return heartbeat;
}

bool heartbeats_has(const struct heartbeats *heartbeats, const struct uuid *check_id)
{
    return find(heartbeats, check_id) != NULL;
}

static void forget(struct heartbeats *heartbeats, struct heartbeat *heartbeat)
{
    ev_timer_stop(loop_ev(heartbeats->loop), &heartbeat->late);
    HASH_DELETE(by_check, heartbeats->by_check, heartbeat);
    HASH_DELETE(by_digest, heartbeats->by_digest, heartbeat);
    free(heartbeat);
}

/* The monotonic time of a moment that is over. */
static int64_t monotonic_of(int64_t wall_ms)
{
    return clock_monotonic_us() - MAX(clock_wall_ms() - wall_ms, (int64_t)0) * 1000;
}

/* One that comes while everything is loaded goes on where it was; any other begins now. */
static struct heartbeat *add(struct heartbeats *heartbeats, const struct health_plan_entry *entry)
{
    struct heartbeat *heartbeat = NEW(struct heartbeat);
    bool goes_on = !heartbeats->loaded && entry->last_at_ms != 0;

    heartbeat->heartbeats = heartbeats;
    heartbeat->check_id = entry->check_id;
    heartbeat->expected = entry->ever;
    heartbeat->enabled = entry->probed;
    heartbeat->last_us = goes_on ? monotonic_of(entry->last_at_ms) : clock_monotonic_us();
    ev_timer_init(&heartbeat->late, on_late, 0, 0);
    ev_set_priority(&heartbeat->late, EV_MINPRI);
    sha256(entry->token, heartbeat->digest);
    HASH_ADD(by_check, heartbeats->by_check, check_id.bytes, sizeof heartbeat->check_id.bytes,
             heartbeat);
    HASH_ADD(by_digest, heartbeats->by_digest, digest, sizeof heartbeat->digest, heartbeat);
    return heartbeat;
}

static void set_token(struct heartbeats *heartbeats, struct heartbeat *heartbeat, struct str token)
{
    HASH_DELETE(by_digest, heartbeats->by_digest, heartbeat);
    sha256(token, heartbeat->digest);
    HASH_ADD(by_digest, heartbeats->by_digest, digest, sizeof heartbeat->digest, heartbeat);
}

/* One that is resumed has all its time from then on. */
static void set_enabled(struct heartbeat *heartbeat, bool enabled)
{
    if (enabled && !heartbeat->enabled) {
        heartbeat->last_us = clock_monotonic_us();
        heartbeat->missed_us = 0;
    }
    heartbeat->enabled = enabled;
}

static void set(struct heartbeats *heartbeats, struct heartbeat *heartbeat,
                const struct health_plan_entry *entry)
{
    JSON_AUTO json_t *spec = NULL;

    if (json_parse(entry->spec, &spec) != OK) {
        log_error("heartbeats.spec_unreadable", "error=\"%s\"", failure_last()->detail);
        failure_clear();
    }
    heartbeat->promise = heartbeat_promise_of(spec, entry->interval_ms / 1000);
    heartbeat->repeat_us = (int64_t)entry->interval_ms * 1000;
    set_enabled(heartbeat, entry->probed);
    set_token(heartbeats, heartbeat, entry->token);
    arm(heartbeat);
}

bool heartbeats_plan(struct heartbeats *heartbeats, const struct health_plan_entry *entry)
{
    struct heartbeat *heartbeat = find(heartbeats, &entry->check_id);
    bool is_heartbeat = str_equal(entry->kind, STR(CHECK_HEARTBEAT));

    if (!heartbeats->loaded && entry->last_at_ms != 0)
        heartbeats->alive_us = MAX(heartbeats->alive_us, monotonic_of(entry->last_at_ms));
    if (!is_heartbeat && !heartbeat)
        return false;
    if (!is_heartbeat)
        forget(heartbeats, heartbeat);
    else
        set(heartbeats, heartbeat ? heartbeat : add(heartbeats, entry), entry);
    metric_set(&known, (int64_t)HASH_CNT(by_check, heartbeats->by_check));
    return true;
}

void heartbeats_loaded(struct heartbeats *heartbeats)
{
    int64_t now_us = clock_monotonic_us();
    struct heartbeat *heartbeat;
    struct heartbeat *next;

    heartbeats->loaded = true;
    heartbeats->looked_us = now_us;
    heartbeats->listening = (struct heartbeat_listening){now_us, now_us - heartbeats->alive_us};
    HASH_ITER (by_check, heartbeats->by_check, heartbeat, next) {
        arm(heartbeat);
    }
    ev_timer_again(loop_ev(heartbeats->loop), &heartbeats->pulse);
}

/* Calls --------------------------------------------------------------------------------------- */

/* Whether a token is right shows in no time taken: what is compared is its digest. */
static enum err find_caller(const struct heartbeats *heartbeats, struct str token,
                            struct heartbeat **ret_heartbeat)
{
    uint8_t digest[SHA256_BYTES];

    sha256(token, digest);
    HASH_FIND(by_digest, heartbeats->by_digest, digest, sizeof digest, *ret_heartbeat);
    metric_add(&calls, 1);
    if (*ret_heartbeat)
        return OK;
    if (!heartbeats->loaded)
        return fail(ERR_UNAVAILABLE, "engine_loading", "The heartbeats are not loaded yet.");
    metric_add(&strangers, 1);
    return fail(ERR_NOT_FOUND, "not_found", "There is no heartbeat of this address.");
}

/* Takes the call, its duration measured when the job has said that it began. */
static enum err take(struct heartbeat *heartbeat, const struct heartbeat_call *call, int64_t now_us)
{
    struct heartbeats *heartbeats = heartbeat->heartbeats;
    struct heartbeat_call whole = *call;
    struct result result;

    if (whole.duration_ms < 0 && heartbeat->started_us != 0)
        whole.duration_ms = (now_us - heartbeat->started_us) / 1000;
    heartbeat->started_us = 0;
    heartbeat->expected = true;
    heartbeat->last_us = now_us;
    heartbeat->missed_us = 0;
    heartbeat->heard_at_ms = moment_of(heartbeat);
    arm(heartbeat);

    heartbeat_result(&whole, heartbeat->heard_at_ms, &heartbeats->texts, &result);
    result.check_id = heartbeat->check_id;
    if (own_results_add(heartbeats->results, &result))
        return OK;
    metric_add(&dropped, 1);
    return fail(ERR_UNAVAILABLE, "results_full", "Too many results wait to be stored.");
}

enum err heartbeats_hear(struct heartbeats *heartbeats, struct str token,
                         const struct heartbeat_call *call, struct heartbeat_answer *ret_answer)
{
    int64_t now_us = look_at_clock(heartbeats);
    struct heartbeat *heartbeat;

    *ret_answer = (struct heartbeat_answer){0};
    TRY(find_caller(heartbeats, token, &heartbeat));
    if (!heartbeat_may_call(&heartbeat->full_at_us, now_us, &ret_answer->retry_after_s)) {
        metric_add(&floods, 1);
        return fail(ERR_LIMITED, "heartbeat_flood",
                    "This heartbeat calls too often: at most %d times at once, then %d a second.",
                    HEARTBEAT_CALLS_BURST, HEARTBEAT_CALLS_PER_SECOND);
    }
    if (!heartbeat->enabled)
        return OK;
    if (call)
        TRY(take(heartbeat, call, now_us));
    else
        heartbeat->started_us = now_us;
    ret_answer->heard = true;
    if (heartbeat->expected)
        ret_answer->next_by_ms =
            clock_wall_ms() + MAX(due_us(heartbeat) - now_us, (int64_t)0) / 1000;
    return OK;
}

/* Life ---------------------------------------------------------------------------------------- */

struct heartbeats *heartbeats_new(struct loop *loop, struct health *health)
{
    struct heartbeats *heartbeats = NEW(struct heartbeats);

    heartbeats->loop = loop;
    heartbeats->results = own_results_new(loop, health);
    heartbeats->alive_us = LONG_AGO_US;
    ev_timer_init(&heartbeats->pulse, on_pulse, PULSE_S, PULSE_S);
    metric_register(&calls);
    metric_register(&strangers);
    metric_register(&floods);
    metric_register(&dropped);
    metric_register(&misses);
    metric_register(&known);
    return heartbeats;
}

void heartbeats_free(struct heartbeats *heartbeats)
{
    struct heartbeat *heartbeat;
    struct heartbeat *next;

    if (!heartbeats)
        return;
    ev_timer_stop(loop_ev(heartbeats->loop), &heartbeats->pulse);
    HASH_ITER (by_check, heartbeats->by_check, heartbeat, next) {
        forget(heartbeats, heartbeat);
    }
    own_results_free(heartbeats->results);
    buf_clear(&heartbeats->texts);
    free(heartbeats);
}
