/* Two timers per job; the limits hold those that have to wait. */
#include "prober/job.h"

#include "shared/clock.h"

#include "prober/check.h"
#include "prober/probe.h"
#include "prober/schedule.h"

static void arm(struct planner *planner, ev_timer *timer, int64_t at_us)
{
    int64_t left_us = at_us - clock_monotonic_us();

    ev_timer_stop(planner->ev, timer);
    ev_now_update(planner->ev);
    ev_timer_set(timer, left_us > 0 ? (double)left_us / 1e6 : 0., 0.);
    ev_timer_start(planner->ev, timer);
}

static void arm_next_slot(struct job *job, int64_t after_us)
{
    struct planner *planner = job->planner;
    int64_t interval_us = (int64_t)job->check->interval_ms * 1000;
    int64_t phase_us = schedule_phase_us(&job->check->id, interval_us);

    job->slot_us = schedule_next_us(after_us + planner->wall_offset_us, interval_us, phase_us) -
                   planner->wall_offset_us;
    arm(planner, &job->due, job->slot_us);
}

static void on_due(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct job *job = container_of(watcher, struct job, due);
    int64_t now_us = MAX(clock_monotonic_us(), job->slot_us);
    uint64_t missed =
        schedule_missed(job->slot_us, now_us, (int64_t)job->check->interval_ms * 1000);

    (void)ev;
    (void)events;
    if (job->entry.state == LIMIT_IDLE)
        job_ask(job, job->slot_us);
    else
        missed++;
    atomic_fetch_add_explicit(&job->planner->skipped, missed, memory_order_relaxed);
    arm_next_slot(job, now_us);
}

static void on_extra(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct job *job = container_of(watcher, struct job, extra);

    (void)ev;
    (void)events;
    if (job->entry.state == LIMIT_IDLE)
        job_ask(job, clock_monotonic_us());
    else if (job->probe)
        job->again = true;
}

struct job *job_new(struct planner *planner, struct check *check_take)
{
    struct job *job = NEW(struct job);

    job->planner = planner;
    job->check = check_take;
    list_init(&job->entry.link);
    ev_timer_init(&job->due, on_due, 0., 0.);
    ev_timer_init(&job->extra, on_extra, 0., 0.);
    return job;
}

void job_free(struct job *job)
{
    struct planner *planner = job->planner;

    if (job->probe)
        probe_cancel(job->probe);
    limits_leave(&planner->limits, &job->entry);
    ev_timer_stop(planner->ev, &job->due);
    ev_timer_stop(planner->ev, &job->extra);
    check_unref(job->check);
    free(job);
}

void job_plan(struct job *job)
{
    arm_next_slot(job, clock_monotonic_us());
}

void job_run_at(struct job *job, int64_t at_us)
{
    arm(job->planner, &job->extra, at_us);
}

void job_ask(struct job *job, int64_t due_us)
{
    job->asked_us = due_us;
    limits_ask(&job->planner->limits, &job->entry, job->check->host);
}

void job_ended(struct job *job)
{
    job->probe = NULL;
    limits_leave(&job->planner->limits, &job->entry);
}
