/*
 * The spawner's process: one epoll loop over the owner's socket, SIGCHLD and the children's pipes.
 *
 * A child is RUNNING until it is reaped, DRAINING while its pipes are still read (at most 250 ms),
 * then DONE until its report is sent. Its group is killed before it is reaped, while its pid cannot
 * belong to anybody else. As the subreaper this process becomes the parent of what leaves a group;
 * such orphans are killed once no living child owns their session.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/spawner_private.h"

#define DRAIN_US        250000
#define READ_BYTES      65536
#define READS_PER_EVENT 4 /* so that one loud child does not keep the others waiting */
#define EVENTS          64
#define KEY_SOCKET      UINT64_MAX
#define KEY_SIGNALS     (UINT64_MAX - 1)

static int *error_numbers; /* one per child, shared with it */
static int owner = -1;     /* the socket; -1 once the owner is gone */
static int poller;
static int null_fd;
static bool is_socket_full;
static char block[READ_BYTES];

/* Ends ---------------------------------------------------------------------------------------- */

static void send_signal(const struct child *child, int number)
{
    if (kill(-child->pid, number) < 0)
        kill(child->pid, number);
}

static void stop_child(struct child *child)
{
    if (child->state != CHILD_RUNNING || child->kill_at_us != SPAWN_FOREVER)
        return;
    send_signal(child, child->stop_signal);
    child->kill_at_us = clock_monotonic_us() + child->grace_us;
}

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
}

/* Sends a packet; false when the socket is full. A packet to an owner who is gone counts as
 * sent. */
static bool report(const struct spawn_report *packet, const struct child *child)
{
    struct iovec parts[3] = {{(void *)packet, sizeof *packet}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = child ? 3 : 1};

    for (int stream = 0; child && stream < 2; stream++)
        parts[1 + stream] = (struct iovec){child->captured[stream].data, packet->len[stream]};
    if (owner < 0 || sendmsg(owner, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return true;
    return errno != EAGAIN && errno != ENOBUFS && errno != EINTR;
}

static bool report_end(const struct child *child)
{
    struct spawn_report packet = {
        .type = SPAWN_DONE,
        .id = child->id,
        .end = child->end,
        .status = child->status,
        .wall_us = child->wall_us,
        .cpu_us = child->cpu_us,
    };

    for (int stream = 0; stream < 2; stream++) {
        packet.len[stream] = (uint32_t)child->captured[stream].len;
        packet.truncated[stream] = child->truncated[stream];
    }
    return report(&packet, child);
}

static void watch_socket(bool for_writing)
{
    struct epoll_event event = {.events = EPOLLIN | (for_writing ? EPOLLOUT : 0u),
                                .data.u64 = KEY_SOCKET};

    if (owner >= 0 && for_writing != is_socket_full)
        epoll_ctl(poller, EPOLL_CTL_MOD, owner, &event);
    is_socket_full = for_writing;
}

static void report_all(void)
{
    bool is_full = false;

    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX && !is_full; i++) {
        if (children[i].state != CHILD_DONE)
            continue;
        if (report_end(&children[i]))
            child_clear(&children[i]);
        else
            is_full = true;
    }
    watch_socket(is_full);
}

/* Output -------------------------------------------------------------------------------------- */

static void take_output(struct child *child, int stream, size_t len)
{
    size_t room = child->bytes_max[stream] - child->captured[stream].len;

    if (child->log.path) {
        child_log_write(&child->log, block, len);
        return;
    }
    if (len > room) {
        child->truncated[stream] = true;
        len = room;
    }
    buf_append(&child->captured[stream], block, len);
}

/* Reads what is there, within limits; closes the pipe at its end. */
static void read_pipe(struct child *child, int stream)
{
    for (int i = 0; i < READS_PER_EVENT && child->fds[stream] >= 0; i++) {
        ssize_t len = read(child->fds[stream], block, sizeof block);

        if (len > 0)
            take_output(child, stream, (size_t)len);
        else if (len == 0 || (errno != EAGAIN && errno != EINTR))
            close_pipe(child, stream);
        else
            return;
    }
}

static void drain(struct child *child)
{
    if (child->fds[0] < 0 && child->fds[1] < 0)
        be_done(child);
}

/* Reaping ------------------------------------------------------------------------------------- */

static void note_end(struct child *child, int status, const struct rusage *usage)
{
    int error_number = error_numbers[child - children];

    child->wall_us = clock_monotonic_us() - child->started_us;
    child->cpu_us = (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000) +
                    usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
    if (error_number) {
        child->end = SPAWN_FAILED;
        child->status = error_number;
    } else if (child->timed_out) {
        child->end = SPAWN_TIMED_OUT;
        child->status = 0;
    } else if (WIFSIGNALED(status)) {
        child->end = SPAWN_SIGNALLED;
        child->status = WTERMSIG(status);
    } else {
        child->end = SPAWN_EXITED;
        child->status = WEXITSTATUS(status);
    }
    child->state = CHILD_DRAINING;
    child->drained_at_us = clock_monotonic_us() + DRAIN_US;
    read_pipe(child, 0);
    read_pipe(child, 1);
    drain(child);
}

/* Kills those of our children that nobody asked for and whose session has no living owner. */
static void sweep_orphans(void)
{
    char path[64];
    char *at = block;
    char *end;
    ssize_t len;
    int fd;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    len = read(fd, block, sizeof block - 1);
    close(fd);
    block[len > 0 ? len : 0] = '\0';

    for (pid_t pid; (pid = (pid_t)strtol(at, &end, 10)) > 0; at = end) {
        if (!child_of_pid(pid) && !child_of_pid(getsid(pid)))
            kill(pid, SIGKILL);
    }
}

static void reap(void)
{
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        struct child *child;
        struct rusage usage;
        int status;

        /* It stays a zombie while its group is killed, so the group's number is still its own. */
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
            break;
        child = child_of_pid(info.si_pid);
        if (child)
            kill(-child->pid, SIGKILL);
        if (wait4(info.si_pid, &status, 0, &usage) == info.si_pid && child)
            note_end(child, status, &usage);
    }
    sweep_orphans();
}

/* Requests ------------------------------------------------------------------------------------ */

static void fail_to_start(struct child *child, int error_number)
{
    child->end = SPAWN_FAILED;
    child->status = error_number;
    be_done(child);
}

/* A pipe whose near end is watched; the far end, or -1 with errno. */
static int open_pipe(struct child *child, int stream)
{
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = (uint64_t)(child - children) * 2 + (uint64_t)stream};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    child->fds[stream] = ends[0];
    epoll_ctl(poller, EPOLL_CTL_ADD, ends[0], &event);
    return ends[1];
}

static void run_child(struct child *child, struct child_start *start)
{
    int far[2];
    int error_number = 0;

    far[0] = open_pipe(child, 0);
    far[1] = far[0] < 0 || child->log.path ? far[0] : open_pipe(child, 1);
    if (far[0] < 0 || far[1] < 0) {
        error_number = errno;
    } else {
        start->output_fds[0] = far[0];
        start->output_fds[1] = far[1];
        child->pid = child_start(start);
        error_number = child->pid < 0 ? errno : 0;
    }

    if (far[1] >= 0 && far[1] != far[0])
        close(far[1]);
    if (far[0] >= 0)
        close(far[0]);
    if (error_number)
        fail_to_start(child, error_number);
    else
        child->state = CHILD_RUNNING;
}

/* Points into the texts after the packet: `count` of them, then NULL. */
static char **texts_of(char **at, uint32_t count)
{
    char **texts = xcalloc(count + 1, sizeof *texts);

    for (uint32_t i = 0; i < count; i++) {
        texts[i] = *at;
        *at += strlen(*at) + 1;
    }
    return texts;
}

static void launch(const struct spawn_packet *packet, char *texts)
{
    struct child *child = child_new();
    struct child_start start = {.packet = packet, .null_fd = null_fd};
    int64_t now_us = clock_monotonic_us();

    start.arguments = texts_of(&texts, packet->argument_count);
    start.environment = texts_of(&texts, packet->environment_count);
    start.folder = texts;
    start.error_number = &error_numbers[child - children];

    *child = (struct child){
        .id = packet->id,
        .fds = {-1, -1},
        .stop_signal = packet->signal_number ? packet->signal_number : SIGTERM,
        .grace_us = packet->grace_ms * 1000,
        .started_us = now_us,
        .stop_at_us = packet->timeout_ms ? now_us + packet->timeout_ms * 1000 : SPAWN_FOREVER,
        .kill_at_us = SPAWN_FOREVER,
        .bytes_max = {packet->bytes_max[0], packet->bytes_max[1]},
    };
    if (packet->has_log)
        child_log_open(&child->log, texts + strlen(texts) + 1, packet->bytes_max[0]);
    run_child(child, &start);
    free(start.arguments);
    free(start.environment);
}

static void become(const struct spawn_packet *packet)
{
    struct spawn_report answer = {.type = SPAWN_BECAME};

    if (setgroups(0, NULL) < 0 || setgid(packet->group) < 0 || setuid(packet->user) < 0)
        answer.status = errno;
    report(&answer, NULL);
}

static void take_request(const struct spawn_packet *packet, char *texts)
{
    struct child *child = child_of_id(packet->id);

    switch (packet->type) {
    case SPAWN_LAUNCH:
        launch(packet, texts);
        return;
    case SPAWN_STOP:
        if (child)
            stop_child(child);
        return;
    case SPAWN_SIGNAL:
        if (child)
            kill(child->pid, packet->signal_number);
        return;
    case SPAWN_BECOME:
        become(packet);
        return;
    }
}

/* Without an owner nothing may go on: children are stopped, each in its own way. */
static void owner_is_gone(void)
{
    close(owner);
    owner = -1;
    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++)
        stop_child(&children[i]);
}

static void read_requests(void)
{
    static char data[sizeof(struct spawn_packet) + SPAWN_REQUEST_BYTES_MAX + 1];
    struct spawn_packet packet;

    while (owner >= 0) {
        ssize_t len = recv(owner, data, sizeof data - 1, MSG_DONTWAIT);

        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len < (ssize_t)sizeof packet) {
            owner_is_gone();
            return;
        }
        memcpy(&packet, data, sizeof packet);
        data[len] = '\0';
        take_request(&packet, data + sizeof packet);
    }
}

/* The loop ------------------------------------------------------------------------------------ */

static void keep_deadlines(int64_t now_us)
{
    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++) {
        struct child *child = &children[i];

        if (child->state == CHILD_RUNNING && now_us >= child->stop_at_us) {
            child->stop_at_us = SPAWN_FOREVER;
            child->timed_out = true;
            stop_child(child);
        }
        if (child->state == CHILD_RUNNING && now_us >= child->kill_at_us) {
            child->kill_at_us = SPAWN_FOREVER - 1;
            send_signal(child, SIGKILL);
        }
        if (child->state == CHILD_DRAINING && now_us >= child->drained_at_us)
            be_done(child);
    }
}

static int wait_ms(void)
{
    int64_t due_us = children_due_us();
    int64_t left_us = due_us - clock_monotonic_us();

    if (due_us >= SPAWN_FOREVER - 1)
        return -1;
    return left_us <= 0 ? 0 : (int)MIN(left_us / 1000 + 1, INT64_C(60000));
}

static void take_event(const struct epoll_event *event, int signals)
{
    struct signalfd_siginfo info;
    struct child *child;

    if (event->data.u64 == KEY_SOCKET) {
        read_requests();
    } else if (event->data.u64 == KEY_SIGNALS) {
        while (read(signals, &info, sizeof info) > 0)
            ;
        reap();
    } else {
        child = &children[event->data.u64 / 2];
        read_pipe(child, (int)(event->data.u64 % 2));
        if (child->state == CHILD_DRAINING)
            drain(child);
    }
}

static void watch(int fd, uint64_t key)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = key};

    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static int set_up(int socket, const char *name)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t child_signal;
    int signals;

    prctl(PR_SET_NAME, name);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    /* The owner's end decides, not a signal: a terminal sends its signals to the whole group. */
    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGTERM, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);

    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null_fd, 0);
    dup2(null_fd, 1);
    owner = socket;
    poller = epoll_create1(EPOLL_CLOEXEC);
    signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
    error_numbers = mmap(NULL, sizeof(int) * SPAWN_IN_FLIGHT_MAX, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (null_fd < 0 || poller < 0 || signals < 0 || error_numbers == MAP_FAILED)
        _exit(1);
    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++)
        child_clear(&children[i]);
    watch(owner, KEY_SOCKET);
    watch(signals, KEY_SIGNALS);
    return signals;
}

void spawner_process_run(int socket, const char *name)
{
    struct epoll_event events[EVENTS];
    int signals = set_up(socket, name);

    while (owner >= 0 || children_any()) {
        int count = epoll_wait(poller, events, EVENTS, wait_ms());

        for (int i = 0; i < count; i++)
            take_event(&events[i], signals);
        keep_deadlines(clock_monotonic_us());
        report_all();
    }
    sweep_orphans();
    _exit(0);
}
