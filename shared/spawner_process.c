/*
 * The spawner's process: one epoll loop over the owners' sockets, SIGCHLD and the children's pipes.
 * What is due is looked for only when the earliest deadline has come, so that a turn costs as much
 * as what happens in it, however many children there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/spawner_private.h"

#define WATCH_AFTER_US INT64_C(20000) /* a child that ends sooner is read when it has ended */
#define SWEEP_ALL_US   INT64_C(500000)
#define EVENTS         64
#define KEY_SIGNALS    UINT64_MAX
#define KEY_OWNERS     (UINT64_C(1) << 32) /* and the index of the owner */

static struct owner owners[SPAWN_HANDLES_MAX];
static int open_owners;
static int poller;
static int *error_numbers; /* one per child, shared with it */
static struct child_defaults defaults;
static int64_t next_due_us = SPAWN_FOREVER; /* no child has an earlier deadline */

void children_note_due(int64_t due_us)
{
    next_due_us = MIN(next_due_us, due_us);
}

/* Reports ------------------------------------------------------------------------------------- */

/* Sends a packet; false when the socket is full. A packet to an owner who is gone counts as
 * sent. */
static bool send_report(const struct owner *owner, const struct spawn_report *packet,
                        const struct child *child)
{
    struct iovec parts[3] = {{(void *)packet, sizeof *packet}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = child ? 3 : 1};

    for (int stream = 0; child && stream < 2; stream++)
        parts[1 + stream] = (struct iovec){child->captured[stream].data, packet->len[stream]};
    if (owner->fd < 0 || sendmsg(owner->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return true;
    return errno != EAGAIN && errno != ENOBUFS && errno != EINTR;
}

static bool send_end(const struct child *child)
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
    return send_report(child->owner, &packet, child);
}

static void watch_owner(struct owner *owner, bool is_full)
{
    struct epoll_event event = {.events = EPOLLIN | (is_full ? EPOLLOUT : 0u),
                                .data.u64 = KEY_OWNERS + (uint64_t)(owner - owners)};

    if (owner->fd >= 0 && is_full != owner->is_full)
        epoll_ctl(poller, EPOLL_CTL_MOD, owner->fd, &event);
    owner->is_full = is_full;
}

void child_report(struct child *child)
{
    struct owner *owner = child->owner;

    list_remove(&child->link);
    if (!owner->is_full && send_end(child)) {
        child_clear(child);
        return;
    }
    list_append(&owner->done, &child->link);
    watch_owner(owner, true);
}

static void send_waiting(struct owner *owner)
{
    struct list *link;

    while ((link = list_first(&owner->done))) {
        struct child *child = container_of(link, struct child, link);

        if (!send_end(child))
            return;
        child_clear(child);
    }
    watch_owner(owner, false);
}

/* Requests ------------------------------------------------------------------------------------ */

/* A pipe from the child; its far end, or -1 with errno. */
static int open_pipe(struct child *child, int stream)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    child->fds[stream] = ends[0];
    return ends[1];
}

static void run_child(struct child *child, struct child_start *start)
{
    int far[2];
    int error_number = 0;
    pid_t pid = -1;

    far[0] = open_pipe(child, 0);
    far[1] = far[0] < 0 || child->log.path ? far[0] : open_pipe(child, 1);
    if (far[0] >= 0 && far[1] >= 0) {
        start->output_fds[0] = far[0];
        start->output_fds[1] = far[1];
        pid = child_start(start);
    }
    if (pid < 0)
        error_number = errno;

    if (far[1] >= 0 && far[1] != far[0])
        close(far[1]);
    if (far[0] >= 0)
        close(far[0]);
    if (error_number) {
        child_fail(child, error_number);
        return;
    }
    child->state = CHILD_RUNNING;
    child_know_pid(child, pid);
    children_note_due(child_due_us(child));
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

static void fill_child(struct child *child, struct owner *owner, const struct spawn_packet *packet)
{
    int64_t now_us = clock_monotonic_us();

    child->owner = owner;
    child->id = packet->id;
    child->nice = packet->nice;
    child->stop_signal = packet->signal_number ? packet->signal_number : SIGTERM;
    child->grace_us = packet->grace_ms * 1000;
    child->started_us = now_us;
    child->watch_at_us = now_us + WATCH_AFTER_US;
    child->stop_at_us = packet->timeout_ms ? now_us + packet->timeout_ms * 1000 : SPAWN_FOREVER;
    child->kill_at_us = SPAWN_FOREVER;
    child->give_up_at_us = SPAWN_FOREVER;
    child->bytes_max[0] = packet->bytes_max[0];
    child->bytes_max[1] = packet->bytes_max[1];
    child->flood_bytes_left = packet->flood_bytes_max ? packet->flood_bytes_max : SPAWN_FOREVER;
}

/* Without its owner nothing may go on: its children are stopped, each in its own way. */
static void owner_is_gone(struct owner *owner)
{
    close(owner->fd);
    owner->fd = -1;
    open_owners--;
    send_waiting(owner);
    LIST_FOREACH (link, &live_children) {
        struct child *child = container_of(link, struct child, link);

        if (child->owner == owner)
            child_stop(child);
    }
}

/* The owners count what is in flight, so this is rare: when children of a closed handle live on. */
static void refuse(struct owner *owner, uint64_t id)
{
    const struct spawn_report report = {
        .type = SPAWN_DONE, .id = id, .end = SPAWN_FAILED, .status = EAGAIN};

    if (!send_report(owner, &report, NULL))
        owner_is_gone(owner);
}

static void launch(struct owner *owner, const struct spawn_packet *packet, char *texts,
                   const int fds[SPAWN_PACKET_FDS_MAX])
{
    struct child *child = child_new();
    struct child_start start = {
        .defaults = &defaults,
        .packet = packet,
        .input_fd = packet->has_input ? fds[0] : -1,
        .third_fd = packet->has_third ? fds[packet->has_input ? 1 : 0] : -1,
    };

    if (!child) {
        refuse(owner, packet->id);
        return;
    }
    start.error_number = &error_numbers[child_index(child)];
    start.arguments = texts_of(&texts, packet->argument_count);
    start.environment = texts_of(&texts, packet->environment_count);
    start.folder = texts;

    fill_child(child, owner, packet);
    if (packet->has_log)
        child_log_open(&child->log, texts + strlen(texts) + 1, packet->bytes_max[0]);
    if ((packet->has_input && start.input_fd < 0) || (packet->has_third && start.third_fd < 0))
        child_fail(child, EMFILE); /* what was sent along could not be received */
    else
        run_child(child, &start);
    free(start.arguments);
    free(start.environment);
}

static void become(const struct owner *owner, const struct spawn_packet *packet)
{
    struct spawn_report answer = {.type = SPAWN_BECAME};

    if (setgroups(0, NULL) < 0 || setgid(packet->group) < 0 || setuid(packet->user) < 0)
        answer.status = errno;
    send_report(owner, &answer, NULL);
}

/* Takes the socket of a new owner; closes it when there is no place. */
static void add_owner(int fd)
{
    for (int i = 0; i < SPAWN_HANDLES_MAX && fd >= 0; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = KEY_OWNERS + (uint64_t)i};

        if (owners[i].fd >= 0 || !list_is_empty(&owners[i].done))
            continue;
        owners[i].fd = fd;
        owners[i].is_full = false;
        open_owners++;
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        return;
    }
    if (fd >= 0)
        close(fd);
}

static void take_request(struct owner *owner, const struct spawn_packet *packet, char *texts,
                         int fds[SPAWN_PACKET_FDS_MAX])
{
    struct child *child;

    switch (packet->type) {
    case SPAWN_LAUNCH:
        launch(owner, packet, texts, fds);
        return;
    case SPAWN_STOP:
        child = child_of_id(owner, packet->id);
        if (child)
            child_stop(child);
        return;
    case SPAWN_SIGNAL:
        child = child_of_id(owner, packet->id);
        if (child)
            kill(child->pid, packet->signal_number);
        return;
    case SPAWN_BECOME:
        become(owner, packet);
        return;
    case SPAWN_OPEN:
        add_owner(fds[0]);
        fds[0] = -1;
        return;
    }
}

/* One packet with the descriptors that came along, -1 where there is none. */
static ssize_t receive(int socket, struct iovec part, int fds[SPAWN_PACKET_FDS_MAX])
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(SPAWN_PACKET_FDS_MAX * sizeof(int))];
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t len = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = len < 0 ? NULL : CMSG_FIRSTHDR(&message);

    for (int i = 0; i < SPAWN_PACKET_FDS_MAX; i++)
        fds[i] = -1;
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    return len;
}

static void read_requests(struct owner *owner)
{
    static char data[sizeof(struct spawn_packet) + SPAWN_REQUEST_BYTES_MAX + 1];
    struct spawn_packet packet;
    int fds[SPAWN_PACKET_FDS_MAX];

    while (owner->fd >= 0) {
        ssize_t len = receive(owner->fd, (struct iovec){data, sizeof data - 1}, fds);

        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len < (ssize_t)sizeof packet) {
            owner_is_gone(owner);
            return;
        }
        memcpy(&packet, data, sizeof packet);
        data[len] = '\0';
        take_request(owner, &packet, data + sizeof packet, fds);
        for (int i = 0; i < SPAWN_PACKET_FDS_MAX; i++) {
            if (fds[i] >= 0)
                close(fds[i]);
        }
    }
}

/* The loop ------------------------------------------------------------------------------------ */

static void keep_deadlines(void)
{
    int64_t now_us = clock_monotonic_us();

    if (now_us >= sweep_due_us())
        sweep();
    if (now_us < next_due_us)
        return;
    next_due_us = SPAWN_FOREVER;
    LIST_FOREACH_SAFE (link, &live_children) {
        struct child *child = container_of(link, struct child, link);
        int64_t due_us = child_due_us(child);

        if (now_us >= due_us) {
            child_keep_deadlines(child, now_us);
            due_us = child_due_us(child);
        }
        if (child->state == CHILD_RUNNING || child->state == CHILD_DRAINING)
            children_note_due(due_us);
    }
}

static int wait_ms(bool has_more)
{
    int64_t due_us = MIN(next_due_us, sweep_due_us());
    int64_t left_us = due_us - clock_monotonic_us();

    if (has_more || left_us <= 0)
        return 0;
    return (int)MIN(left_us / 1000 + 1, INT64_C(60000));
}

/* True when more children may have ended. */
static bool take_event(const struct epoll_event *event, int signals)
{
    struct signalfd_siginfo info;
    uint64_t key = event->data.u64;

    if (key == KEY_SIGNALS)
        return read(signals, &info, sizeof info) > 0;
    if (key < KEY_OWNERS) {
        child_read(&children[key / 2], (int)(key % 2));
        return false;
    }
    if (event->events & EPOLLOUT)
        send_waiting(&owners[key - KEY_OWNERS]);
    if (event->events & ~(uint32_t)EPOLLOUT)
        read_requests(&owners[key - KEY_OWNERS]);
    return false;
}

/* The owner's end decides, not a signal: a terminal sends its signals to the whole group. Blocked
 * ones with default handling cost a child one call to be as new. */
static void block_signals(void)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t all;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &usual, NULL);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

/* What all children are to begin with is set once, here. */
static void be_plain(void)
{
    if (geteuid() == 0 && setgroups(0, NULL) < 0)
        log_warning("spawner.keeps_groups", "error=%s", strerrordesc_np(errno));
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    block_signals();
}

/* Two pipes for each child may be more descriptors than a program is given at first. */
static void raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static int set_up(int socket, const char *name)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = KEY_SIGNALS};
    sigset_t child_signal;
    int null_fd;
    int signals;

    prctl(PR_SET_NAME, name);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    setsid();
    be_plain();
    null_fd = fcntl(open("/dev/null", O_RDWR | O_CLOEXEC), F_DUPFD_CLOEXEC, CHILD_FDS);
    dup2(null_fd, 0);
    dup2(null_fd, 1);
    child_defaults_read(&defaults, null_fd);
    raise_files();

    poller = epoll_create1(EPOLL_CLOEXEC);
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
    error_numbers = mmap(NULL, sizeof(int) * SPAWN_IN_FLIGHT_MAX, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (null_fd < 0 || poller < 0 || signals < 0 || error_numbers == MAP_FAILED)
        _exit(1);

    children_init();
    reap_init(poller, error_numbers);
    for (int i = 0; i < SPAWN_HANDLES_MAX; i++) {
        owners[i].fd = -1;
        list_init(&owners[i].done);
    }
    add_owner(socket);
    epoll_ctl(poller, EPOLL_CTL_ADD, signals, &event);
    return signals;
}

/* What is left of orphans when all is over; what they start while they are killed, too. */
static void sweep_all(void)
{
    int64_t until_us = clock_monotonic_us() + SWEEP_ALL_US;

    sweep();
    while (sweep_due_us() < until_us) {
        poll(NULL, 0, 1);
        reap();
        sweep();
    }
}

void spawner_process_run(int socket, const char *name)
{
    struct epoll_event events[EVENTS];
    int signals = set_up(socket, name);
    bool has_ends = false;

    while (open_owners > 0 || !list_is_empty(&live_children)) {
        int count = epoll_wait(poller, events, EVENTS, wait_ms(has_ends));

        for (int i = 0; i < count; i++)
            has_ends |= take_event(&events[i], signals);
        if (has_ends)
            has_ends = reap();
        keep_deadlines();
    }
    sweep_all();
    _exit(0);
}
