/*
 * How children end. A child is RUNNING until it is reaped, DRAINING while its pipes are still read
 * (at most 250 ms), then DONE until its report is sent. Its group is killed before it is reaped,
 * while its pid cannot belong to anybody else. As the subreaper this process becomes the parent of
 * what leaves a group; a sweep soon after any end kills those orphans that are in no living child's
 * group, again and again as long as it finds some.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/spawner_private.h"

#define DRAIN_US        250000
#define SWEEP_US        20000   /* from an end to the sweep, so that a burst of ends costs one */
#define SWEEP_AGAIN_US  1000    /* after a sweep that killed */
#define SWEEP_LATER_US  1000000 /* after a sweep that found only what it may not kill */
#define GIVE_UP_US      2000000 /* without an owner: from SIGKILL to leaving a child that lives on */
#define READ_BYTES      65536
#define READS_PER_EVENT 4 /* so that one loud child does not keep the others waiting */
#define ENDS_PER_TURN   256
#define KILLED          (SPAWN_FOREVER - 1) /* kill_at_us: it has been, never again */

static int poll_fd;
static volatile int *start_errors; /* one per child, shared with it */
static int64_t sweep_at_us = SPAWN_FOREVER;
static char block[READ_BYTES];

void reap_init(int poller, volatile int *error_numbers)
{
    poll_fd = poller;
    start_errors = error_numbers;
}

/* Stopping ------------------------------------------------------------------------------------ */

/* To the group, and to the child alone when it has no group of its own yet. */
static void send_signal(const struct child *child, int number)
{
    if (kill(-child->pid, number) == 0 || kill(child->pid, number) == 0)
        return;
    if (errno == EPERM)
        log_warning("spawner.may_not_signal", "child=%d signal=%d", (int)child->pid, number);
}

void child_stop(struct child *child)
{
    int64_t now_us = clock_monotonic_us();

    if (child->state != CHILD_RUNNING)
        return;
    if (child->kill_at_us == KILLED) {
        child->give_up_at_us = now_us + GIVE_UP_US;
    } else if (child->kill_at_us == SPAWN_FOREVER) {
        send_signal(child, child->stop_signal);
        child->kill_at_us = now_us + child->grace_us;
    }
    children_note_due(child_due_us(child));
}

static void kill_now(struct child *child, int64_t now_us)
{
    send_signal(child, SIGKILL);
    child->kill_at_us = KILLED;
    child->give_up_at_us = now_us + GIVE_UP_US;
    children_note_due(child->give_up_at_us);
}

/* Output -------------------------------------------------------------------------------------- */

static void close_pipe(struct child *child, int stream)
{
    if (child->fds[stream] >= 0)
        close(child->fds[stream]); /* leaves epoll with it */
    child->fds[stream] = -1;
}

static void be_done(struct child *child)
{
    close_pipe(child, 0);
    close_pipe(child, 1);
    if (child->log.path)
        child_log_close(&child->log);
    child->state = CHILD_DONE;
    child_report(child);
}

void child_fail(struct child *child, int error_number)
{
    child->end = SPAWN_FAILED;
    child->status = error_number;
    be_done(child);
}

void child_watch(struct child *child)
{
    child->watch_at_us = SPAWN_FOREVER;
    if (child->nice && child->state == CHILD_RUNNING)
        setpriority(PRIO_PGRP, (id_t)child->pid, child->nice);
    for (int stream = 0; stream < 2; stream++) {
        struct epoll_event event = {.events = EPOLLIN,
                                    .data.u64 = child_index(child) * 2 + (uint64_t)stream};

        if (child->fds[stream] >= 0)
            epoll_ctl(poll_fd, EPOLL_CTL_ADD, child->fds[stream], &event);
    }
}

/* What is over the cap is dropped, up to the flood limit. */
static void drop_output(struct child *child, int stream, size_t len)
{
    child->truncated[stream] = true;
    if (child->flood_bytes_left > len) {
        child->flood_bytes_left -= len;
        return;
    }
    child->flood_bytes_left = SPAWN_FOREVER;
    if (child->state == CHILD_RUNNING) {
        child->fault = CHILD_FLOODING;
        kill_now(child, clock_monotonic_us());
    }
}

static void take_output(struct child *child, int stream, size_t len)
{
    size_t room = child->bytes_max[stream] - child->captured[stream].len;
    size_t taken = MIN(len, room);

    if (child->log.path) {
        child_log_write(&child->log, block, len);
        return;
    }
    if (taken > 0)
        buf_append(&child->captured[stream], block, taken);
    if (taken < len)
        drop_output(child, stream, len - taken);
}

void child_read(struct child *child, int stream)
{
    for (int i = 0; i < READS_PER_EVENT && child->fds[stream] >= 0; i++) {
        ssize_t len = read(child->fds[stream], block, sizeof block);

        if (len > 0)
            take_output(child, stream, (size_t)len);
        else if (len == 0 || (errno != EAGAIN && errno != EINTR))
            close_pipe(child, stream);
        else
            break;
    }
    if (child->state == CHILD_DRAINING && child->fds[0] < 0 && child->fds[1] < 0)
        be_done(child);
}

/* Reaping ------------------------------------------------------------------------------------- */

static enum spawn_end end_of(const struct child *child, int status, int *ret_status)
{
    int error_number = start_errors[child_index(child)];

    *ret_status = 0;
    if (error_number) {
        *ret_status = error_number;
        return SPAWN_FAILED;
    }
    if (child->fault != CHILD_SOUND)
        return child->fault == CHILD_LATE ? SPAWN_TIMED_OUT : SPAWN_FLOODED;
    if (WIFSIGNALED(status)) {
        *ret_status = WTERMSIG(status);
        return SPAWN_SIGNALLED;
    }
    *ret_status = WEXITSTATUS(status);
    return SPAWN_EXITED;
}

static void note_end(struct child *child, int status, const struct rusage *usage)
{
    int64_t now_us = clock_monotonic_us();

    child->wall_us = now_us - child->started_us;
    child->cpu_us = (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000) +
                    usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
    child->end = end_of(child, status, &child->status);
    child->state = CHILD_DRAINING;
    child->drained_at_us = now_us + DRAIN_US;
    children_note_due(child->drained_at_us);
    child_read(child, 0);
    if (child->state == CHILD_DRAINING)
        child_read(child, 1);
    if (child->state == CHILD_DRAINING && child->watch_at_us != SPAWN_FOREVER)
        child_watch(child);
}

bool reap(void)
{
    for (int i = 0; i < ENDS_PER_TURN; i++) {
        siginfo_t info = {.si_pid = 0};
        struct child *child;
        struct rusage usage;
        int status;

        /* It stays a zombie while its group is killed, so the group's number is still its own. */
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
            sweep_at_us = SPAWN_FOREVER; /* there is no child at all */
            return false;
        }
        if (info.si_pid == 0)
            return false;
        child = child_of_pid(info.si_pid);
        if (child)
            kill(-child->pid, SIGKILL);
        if (wait4(info.si_pid, &status, 0, &usage) != info.si_pid || !child)
            continue;
        child_forget_pid(child);
        note_end(child, status, &usage);
        if (sweep_at_us == SPAWN_FOREVER)
            sweep_at_us = clock_monotonic_us() + SWEEP_US;
    }
    return true;
}

/* Orphans ------------------------------------------------------------------------------------- */

int64_t sweep_due_us(void)
{
    return sweep_at_us;
}

/* The pids of our children as text, as many as fit; false when the kernel does not tell. */
static bool read_children(void)
{
    static bool has_warned;
    char path[64];
    ssize_t len;
    int fd;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (!has_warned)
            log_warning("spawner.sees_no_orphans", "path=%s error=%s", path,
                        strerrordesc_np(errno));
        has_warned = true;
        return false;
    }
    len = read(fd, block, sizeof block - 1);
    close(fd);
    block[len > 0 ? len : 0] = '\0';
    return true;
}

void sweep(void)
{
    char *at = block;
    char *end;
    int killed = 0;
    int immune = 0;

    sweep_at_us = SPAWN_FOREVER;
    if (!read_children())
        return;
    for (pid_t pid; (pid = (pid_t)strtol(at, &end, 10)) > 0; at = end) {
        if (child_of_pid(pid) || child_of_pid(getpgid(pid)))
            continue;
        if (kill(pid, SIGKILL) == 0)
            killed++;
        else if (errno == EPERM)
            immune++;
    }
    if (immune > 0)
        log_warning("spawner.may_not_signal", "orphans=%d", immune);
    if (killed > 0 || immune > 0)
        sweep_at_us = clock_monotonic_us() + (killed > 0 ? SWEEP_AGAIN_US : SWEEP_LATER_US);
}

/* Deadlines ----------------------------------------------------------------------------------- */

/* Nobody waits for a child that cannot be ended when its owner is gone. */
static void give_up(struct child *child)
{
    child->give_up_at_us = SPAWN_FOREVER;
    if (child->owner->fd >= 0)
        return;
    log_warning("spawner.child_lives_on", "child=%d", (int)child->pid);
    child_forget_pid(child);
    be_done(child);
}

static void keep_running(struct child *child, int64_t now_us)
{
    if (now_us >= child->watch_at_us)
        child_watch(child);
    if (now_us >= child->stop_at_us) {
        child->stop_at_us = SPAWN_FOREVER;
        if (child->fault == CHILD_SOUND)
            child->fault = CHILD_LATE;
        child_stop(child);
    }
    if (child->kill_at_us != KILLED && now_us >= child->kill_at_us)
        kill_now(child, now_us);
    if (now_us >= child->give_up_at_us)
        give_up(child);
}

void child_keep_deadlines(struct child *child, int64_t now_us)
{
    if (child->state == CHILD_RUNNING)
        keep_running(child, now_us);
    else if (child->state == CHILD_DRAINING && now_us >= child->drained_at_us)
        be_done(child);
}
