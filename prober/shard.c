/*
 * In each turn of the loop, before it waits, the jobs that the limits admit are started; in a
 * flood, as many as are missing. Probes come from a pool and go back to it.
 */
#include "prober/shard.h"

#include <assert.h>

#include "shared/clock.h"
#include "shared/jq.h"
#include "shared/map.h"
#include "shared/pool.h"
#include "shared/resolver.h"
#include "shared/tls.h"
#include "shared/vec.h"

#include "prober/history.h"
#include "prober/job.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/limits.h"
#include "prober/probe.h"
#include "prober/scripts.h"
#include "prober/tour.h"

/* What matches of expressions may take of one turn of the loop, so that many costly ones hold up
 * others no longer than one does. */
#define MATCHING_US_PER_TURN 10000

/* Written by the shard's thread only, read by any. */
struct counters {
    _Atomic uint64_t started;
    _Atomic uint64_t ended;
    _Atomic uint64_t checks;
    _Atomic uint64_t in_flight;
    _Atomic uint64_t waiting;
    _Atomic uint64_t perfdata_dropped;
};

struct shard {
    const struct engine_options *options;
    struct loop *loop;
    struct ev_loop *ev;
    struct resolver *resolver;
    struct tls_contexts *tls;
    struct scripts *scripts;
    struct jq *jq;
    struct planner planner; /* of its jobs */
    struct pool pool;
    VEC(struct probe *) all_probes; /* for their buffers, at the end */
    struct list probes;             /* under way */
    struct list deferred;           /* to be advanced in the next turn */
    struct job *jobs;
    int64_t
        wall_offset_us; /* wall clock minus monotonic clock at the start: the schedule's anchor */

    bool stopped; /* nothing begins any more */

    unsigned flood; /* probes to keep under way; 0: schedules */
    VEC(struct job *) flood_jobs;
    size_t flood_next;

    unsigned handshakes_left; /* in this turn */
    int64_t matching_left_us;
    ev_prepare turn;
    ev_timer next_turn; /* keeps the loop from waiting when work is left */
    struct counters counters;
    struct lag lag;
    char *scratch;
};

/* ---- counters ---- */

static void count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static void gauge(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static uint64_t value_of(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void shard_add_metrics(struct shard *shard, struct engine_metrics *metrics)
{
    metrics->probes_started += value_of(&shard->counters.started);
    metrics->probes_ended += value_of(&shard->counters.ended);
    metrics->slots_skipped += value_of(&shard->planner.skipped);
    metrics->checks += value_of(&shard->counters.checks);
    metrics->in_flight += value_of(&shard->counters.in_flight);
    metrics->waiting += value_of(&shard->counters.waiting);
    metrics->perfdata_dropped += value_of(&shard->counters.perfdata_dropped);
}

void shard_add_lag(struct shard *shard, struct lag *lag)
{
    lag_merge(lag, &shard->lag);
}

/* ---- jobs ---- */

static struct job *find_job(struct shard *shard, const struct uuid *id)
{
    struct job *job;

    HASH_FIND(hh, shard->jobs, id, sizeof *id, job);
    return job;
}

void shard_set_check(struct shard *shard, struct check *check_take, bool at_once)
{
    struct job *job = find_job(shard, &check_take->id);

    if (shard->stopped) {
        check_unref(check_take);
        return;
    }
    if (job) {
        HASH_DEL(shard->jobs, job); /* the key lies in the old check */
        check_unref(job->check);
        job->check = check_take;
    } else {
        job = job_new(&shard->planner, check_take);
        count(&shard->counters.checks, 1);
        if (shard->flood)
            vec_push(&shard->flood_jobs, job);
    }
    HASH_ADD_KEYPTR(hh, shard->jobs, &job->check->id, sizeof job->check->id, job);
    if (shard->flood)
        return;
    job_plan(job);
    if (at_once)
        job_run_at(job, clock_monotonic_us());
}

static void drop_job(struct shard *shard, struct job *job)
{
    HASH_DEL(shard->jobs, job);
    count(&shard->counters.checks, UINT64_MAX);
    job_free(job);
}

void shard_drop_check(struct shard *shard, const struct uuid *id)
{
    struct job *job = find_job(shard, id);

    if (job)
        drop_job(shard, job);
}

void shard_drop_all(struct shard *shard)
{
    struct job *job;
    struct job *next;

    HASH_ITER (hh, shard->jobs, job, next)
        drop_job(shard, job);
}

void shard_run_at(struct shard *shard, const struct uuid *id, uint32_t delay_ms)
{
    struct job *job = find_job(shard, id);

    if (job)
        job_run_at(job, clock_monotonic_us() + (int64_t)delay_ms * 1000);
}

void shard_once(struct shard *shard, struct check *check_take, bool explain, engine_once_fn on_end,
                void *context)
{
    struct job *job;

    if (shard->stopped) {
        check_unref(check_take);
        return;
    }
    job = job_new(&shard->planner, check_take);

    job->on_end = on_end;
    job->context = context;
    job->explain = explain;
    job_ask(job, clock_monotonic_us());
}

/* ---- probes ---- */

static struct probe *take_probe(struct shard *shard)
{
    struct probe *probe = pool_take(&shard->pool);

    if (!probe->shard) {
        probe_init(probe, shard);
        vec_push(&shard->all_probes, probe);
    }
    list_append(&shard->probes, &probe->link);
    count(&shard->counters.started, 1);
    return probe;
}

static void give_back(struct shard *shard, struct probe *probe)
{
    list_remove(&probe->link);
    history_free(TAKE(probe->history));
    tour_free(TAKE(probe->tour));
    check_unref(probe->check);
    pool_give(&shard->pool, probe);
}

static void start_admitted(struct shard *shard)
{
    struct limit_entry *entry;

    while ((entry = limits_admit(&shard->planner.limits))) {
        struct job *job = container_of(entry, struct job, entry);
        struct probe *probe = take_probe(shard);
        int64_t late_us = clock_monotonic_us() - job->asked_us;

        lag_add(&shard->lag, late_us > 0 ? (uint64_t)late_us : 0);
        job->probe = probe;
        if (job->explain)
            probe->history = history_new();
        probe_start(probe, job, check_ref(job->check), job->asked_us);
    }
}

static void start_flood(struct shard *shard)
{
    for (unsigned starts = 0; starts < shard->flood && pool_in_use(&shard->pool) < shard->flood;
         starts++) {
        struct job *job = shard->flood_jobs.items[shard->flood_next];

        shard->flood_next = (shard->flood_next + 1) % shard->flood_jobs.len;
        probe_start(take_probe(shard), job, check_ref(job->check), clock_monotonic_us());
    }
}

static void report(struct shard *shard, struct probe *probe)
{
    struct job *job = probe->job;

    count(&shard->counters.ended, 1);
    if (!job->on_end) {
        shard->options->on_result(shard->options->context, probe->check->label, &probe->result);
        return;
    }
    if (probe->history) {
        json_t *steps = history_json(probe->history);

        job->on_end(job->context, probe->check->label, &probe->result, steps);
        json_decref(steps);
    } else {
        job->on_end(job->context, probe->check->label, &probe->result, NULL);
    }
}

static void leave(struct shard *shard, struct probe *probe)
{
    struct job *job = probe->job;

    give_back(shard, probe);
    if (!shard->flood)
        job_ended(job);
}

void shard_probe_ended(struct shard *shard, struct probe *probe)
{
    struct job *job = probe->job;

    report(shard, probe);
    leave(shard, probe);
    if (job->on_end) {
        job_free(job);
    } else if (job->again) {
        job->again = false;
        job_ask(job, clock_monotonic_us());
    }
}

void shard_probe_cancelled(struct shard *shard, struct probe *probe)
{
    leave(shard, probe);
}

void shard_connected(struct shard *shard, struct probe *probe)
{
    if (!shard->flood)
        limits_connected(&shard->planner.limits, &probe->job->entry);
}

/* ---- turns of the loop ---- */

static void start_next_turn(struct shard *shard)
{
    if (ev_is_active(&shard->next_turn))
        return;
    ev_timer_set(&shard->next_turn, 0., 0.);
    ev_timer_start(shard->ev, &shard->next_turn);
}

bool shard_may_handshake(struct shard *shard)
{
    if (shard->handshakes_left == 0)
        return false;
    shard->handshakes_left--;
    return true;
}

bool shard_may_match(struct shard *shard)
{
    return shard->matching_left_us > 0;
}

void shard_matched(struct shard *shard, int64_t took_us)
{
    shard->matching_left_us -= took_us;
}

void shard_defer(struct shard *shard, struct probe *probe)
{
    list_append(&shard->deferred, &probe->deferred);
    start_next_turn(shard);
}

static void on_next_turn(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct shard *shard = container_of(watcher, struct shard, next_turn);
    struct list now;

    (void)ev;
    (void)events;
    if (list_is_empty(&shard->deferred))
        return;

    /* Those that defer themselves again go to the new list. */
    now = shard->deferred;
    now.next->previous = &now;
    now.previous->next = &now;
    list_init(&shard->deferred);
    while (!list_is_empty(&now)) {
        struct probe *probe = container_of(list_first(&now), struct probe, deferred);

        list_remove(&probe->deferred);
        probe_advance(probe);
    }
}

/* Before the loop waits. */
static void on_turn(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    struct shard *shard = container_of(watcher, struct shard, turn);

    (void)ev;
    (void)events;
    if (shard->stopped)
        return;
    shard->handshakes_left = shard->options->limits.handshakes;
    shard->matching_left_us = MATCHING_US_PER_TURN;
    if (shard->flood && shard->flood_jobs.len > 0) {
        start_flood(shard);
        if (pool_in_use(&shard->pool) < shard->flood)
            start_next_turn(shard);
    } else {
        start_admitted(shard);
    }
    gauge(&shard->counters.in_flight, pool_in_use(&shard->pool));
    gauge(&shard->counters.waiting, shard->planner.limits.waiting);
}

/* ---- life ---- */

struct shard *shard_new(const struct engine_options *options, struct shard_spawners spawners_take,
                        unsigned flood)
{
    struct shard *shard = NEW(struct shard);

    shard->options = options;
    shard->flood = flood;
    shard->loop = loop_new();
    shard->ev = loop_ev(shard->loop);
    shard->resolver = resolver_new(shard->ev, options->dns_servers);
    shard->tls = tls_contexts_new();
    if (spawners_take.scripts)
        shard->scripts = scripts_new(shard->ev, spawners_take.scripts, &options->scripts);
    if (spawners_take.jq)
        shard->jq = jq_new(shard->ev, spawners_take.jq, &options->scripts.run_as);
    shard->scratch = xmalloc(SHARD_SCRATCH_BYTES);
    shard->planner.ev = shard->ev;
    shard->planner.wall_offset_us = clock_wall_ms() * 1000 - clock_monotonic_us();
    shard->planner.limits.in_flight_max = options->limits.in_flight;
    shard->planner.limits.connecting_max = options->limits.connecting;
    shard->planner.limits.per_host_max = options->limits.per_host;
    limits_init(&shard->planner.limits);
    pool_init(&shard->pool, sizeof(struct probe) + probe_kinds_state_bytes());
    list_init(&shard->probes);
    list_init(&shard->deferred);

    ev_prepare_init(&shard->turn, on_turn);
    ev_prepare_start(shard->ev, &shard->turn);
    ev_timer_init(&shard->next_turn, on_next_turn, 0., 0.);
    return shard;
}

void shard_free(struct shard *shard)
{
    if (!shard)
        return;
    ev_prepare_stop(shard->ev, &shard->turn);
    ev_timer_stop(shard->ev, &shard->next_turn);
    for (size_t i = 0; i < shard->all_probes.len; i++)
        probe_clear(shard->all_probes.items[i]);
    vec_clear(&shard->all_probes);
    vec_clear(&shard->flood_jobs);
    pool_clear(&shard->pool);
    scripts_free(shard->scripts);
    jq_free(shard->jq);
    resolver_free(shard->resolver);
    tls_contexts_free(shard->tls);
    loop_free(shard->loop);
    free(shard->scratch);
    free(shard);
}

void shard_post(struct shard *shard, loop_task_fn task, void *argument)
{
    loop_post(shard->loop, task, argument);
}

void shard_run(struct shard *shard)
{
    loop_run(shard->loop);
}

static void cancel_all(void *argument)
{
    struct shard *shard = argument;

    shard->stopped = true;
    while (!list_is_empty(&shard->probes)) {
        struct probe *probe = container_of(list_first(&shard->probes), struct probe, link);
        struct job *job = probe->job;

        probe_cancel(probe);
        if (job->on_end)
            job_free(job);
    }
    /* What waited to run once has no probe to be found by. */
    while (!list_is_empty(&shard->planner.limits.ready)) {
        struct limit_entry *entry =
            container_of(list_first(&shard->planner.limits.ready), struct limit_entry, link);
        struct job *job = container_of(entry, struct job, entry);

        limits_leave(&shard->planner.limits, entry);
        if (job->on_end)
            job_free(job);
    }
    shard_drop_all(shard);
    loop_stop(shard->loop);
}

void shard_stop(struct shard *shard)
{
    loop_post(shard->loop, cancel_all, shard);
}

struct ev_loop *shard_ev(struct shard *shard)
{
    return shard->ev;
}

struct resolver *shard_resolver(struct shard *shard)
{
    return shard->resolver;
}

struct tls_contexts *shard_tls(struct shard *shard)
{
    return shard->tls;
}

struct scripts *shard_scripts(struct shard *shard)
{
    return shard->scripts;
}

struct jq *shard_jq(struct shard *shard)
{
    return shard->jq;
}

const struct scripts_settings *shard_scripts_settings(const struct shard *shard)
{
    return &shard->options->scripts;
}

void shard_count_perfdata_dropped(struct shard *shard, size_t items)
{
    if (UNLIKELY(items > 0))
        count(&shard->counters.perfdata_dropped, items);
}

char *shard_scratch(struct shard *shard)
{
    return shard->scratch;
}
