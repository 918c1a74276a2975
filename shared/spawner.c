/*
 * The owner's half: requests go out as one packet each, reports come in as one packet each, and a
 * map keeps who waits for which child. The socket is never written blocking: when it is full, the
 * request is refused.
 */
#include "shared/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/map.h"
#include "shared/spawner_private.h"

#define SOCKET_BYTES      (1024 * 1024)
#define BECOME_TIMEOUT_US INT64_C(5000000)

struct call {
    uint64_t id;
    spawn_done_fn done; /* NULL: abandoned */
    void *argument;
    UT_hash_handle hh;
};

struct spawner {
    int socket;
    pid_t pid;              /* 0: a further handle */
    _Atomic int *in_flight; /* of all handles; owned by the first */
    bool lost;
    uint64_t last_id;
    struct call *calls;
    int became; /* -1: not answered yet; else an errno */
    char packet[sizeof(struct spawn_report) + 2 * SPAWN_OUTPUT_BYTES_MAX];
};

static void set_size(int socket, int option)
{
    int bytes = SOCKET_BYTES;

    setsockopt(socket, SOL_SOCKET, option, &bytes, sizeof bytes);
}

/* A program that was started without 0, 1 or 2 would take its first files for them. */
static void fill_standard_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

/* In the new process: keep the socket and standard error, close all else that was inherited. */
NORETURN static void be_spawner(int socket, const char *name)
{
    if (dup2(socket, FD_OWNER) < 0)
        _exit(1);
    close_range(FD_OWNER + 1, ~0U, 0);
    fcntl(FD_OWNER, F_SETFD, FD_CLOEXEC);
    spawner_process_run(FD_OWNER, name);
}

/* Descriptors go with the packet; the process gets copies. */
static void attach(struct msghdr *message, char *control, const int *fds, size_t count)
{
    struct cmsghdr *header;

    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(count * sizeof *fds);
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof *fds);
    memcpy(CMSG_DATA(header), fds, count * sizeof *fds);
}

static enum err send_packet(struct spawner *spawner, const struct spawn_packet *packet,
                            const struct buf *texts, const int *fds, size_t fd_count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(SPAWN_PACKET_FDS_MAX * sizeof(int))] = {0};
    struct iovec parts[2] = {{(void *)packet, sizeof *packet},
                             {texts ? texts->data : NULL, texts ? texts->len : 0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    if (spawner->lost)
        return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs is gone");
    if (fd_count > 0)
        attach(&message, control, fds, fd_count);
    if (sendmsg(spawner->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return OK;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
        return fail(ERR_LIMITED, "spawner_full", "too many programs are being started");
    return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs: %s",
                strerrordesc_np(errno));
}

static enum err make_socket(const char *code, int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fail(ERR_UNAVAILABLE, code, "socketpair: %s", strerrordesc_np(errno));
    for (int i = 0; i < 2; i++)
        set_size(ends[i], SO_SNDBUF);
    return OK;
}

enum err spawner_start(const char *name, struct spawner **ret_spawner)
{
    struct spawner *spawner;
    int ends[2];
    pid_t pid;

    fill_standard_descriptors();
    TRY(make_socket("spawner_start", ends));
    pid = fork();
    if (pid == 0)
        be_spawner(ends[1], name);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return fail(ERR_UNAVAILABLE, "spawner_start", "fork: %s", strerrordesc_np(errno));
    }

    spawner = NEW(struct spawner);
    spawner->socket = ends[0];
    spawner->pid = pid;
    spawner->in_flight = xcalloc(1, sizeof *spawner->in_flight);
    *ret_spawner = spawner;
    return OK;
}

enum err spawner_open(struct spawner *spawner, struct spawner **ret_spawner)
{
    const struct spawn_packet packet = {.type = SPAWN_OPEN};
    struct spawner *further;
    int ends[2];
    enum err err;

    TRY(make_socket("spawner_open", ends));
    err = send_packet(spawner, &packet, NULL, &ends[1], 1);
    close(ends[1]);
    if (err != OK) {
        close(ends[0]);
        return err;
    }

    further = NEW(struct spawner);
    further->socket = ends[0];
    further->in_flight = spawner->in_flight;
    *ret_spawner = further;
    return OK;
}

static void drop_call(struct spawner *spawner, struct call *call)
{
    HASH_DEL(spawner->calls, call);
    atomic_fetch_sub(spawner->in_flight, 1);
    free(call);
}

void spawner_free(struct spawner *spawner)
{
    struct call *call;
    struct call *next;

    if (!spawner)
        return;
    close(spawner->socket);
    while (spawner->pid && waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    HASH_ITER (hh, spawner->calls, call, next) {
        drop_call(spawner, call);
    }
    if (spawner->pid)
        free(spawner->in_flight);
    free(spawner);
}

/* Requests ------------------------------------------------------------------------------------ */

static uint32_t append_texts(struct buf *texts, const char *const *list)
{
    uint32_t count = 0;

    for (; list && list[count]; count++)
        buf_append(texts, list[count], strlen(list[count]) + 1);
    return count;
}

/* The packet without its texts. */
static struct spawn_packet launch_packet(const struct spawn_request *request)
{
    return (struct spawn_packet){
        .type = SPAWN_LAUNCH,
        .signal_number = request->stop_signal,
        .user = request->user,
        .group = request->group,
        .set_user = request->set_user,
        .no_new_privileges = request->no_new_privileges,
        .has_log = request->log_path != NULL,
        .has_input = request->input_fd > 0,
        .has_third = request->third_fd > 0,
        .umask = request->umask,
        .nice = request->nice,
        .limits = request->limits,
        .bytes_max = {MIN(request->output_bytes_max, (uint32_t)SPAWN_OUTPUT_BYTES_MAX),
                      MIN(request->error_bytes_max, (uint32_t)SPAWN_OUTPUT_BYTES_MAX)},
        .flood_bytes_max = request->flood_bytes_max,
        .timeout_ms = request->timeout_ms,
        .grace_ms = request->grace_ms,
    };
}

static enum err send_launch(struct spawner *spawner, const struct spawn_request *request,
                            uint64_t id)
{
    CLEANUP(buf_clear_p) struct buf texts = {0};
    struct spawn_packet packet = launch_packet(request);
    const char *folder = request->folder ? request->folder : "/";
    int fds[SPAWN_PACKET_FDS_MAX];
    size_t fd_count = 0;

    packet.id = id;
    if (request->log_path)
        packet.bytes_max[0] = request->log_bytes_max;
    packet.argument_count = append_texts(&texts, request->argv);
    packet.environment_count = append_texts(&texts, request->environment);
    buf_append(&texts, folder, strlen(folder) + 1);
    if (request->log_path)
        buf_append(&texts, request->log_path, strlen(request->log_path) + 1);
    if (packet.argument_count == 0 || request->argv[0][0] != '/' ||
        texts.len > SPAWN_REQUEST_BYTES_MAX)
        return fail(ERR_INVALID, "spawn_request",
                    "a program needs an absolute path and at most %d bytes of arguments",
                    SPAWN_REQUEST_BYTES_MAX);
    if (packet.has_input)
        fds[fd_count++] = request->input_fd;
    if (packet.has_third)
        fds[fd_count++] = request->third_fd;
    return send_packet(spawner, &packet, &texts, fds, fd_count);
}

enum err spawner_launch(struct spawner *spawner, const struct spawn_request *request,
                        spawn_done_fn done, void *argument, uint64_t *ret_id)
{
    struct call *call;

    enum err err = OK;

    if (atomic_fetch_add(spawner->in_flight, 1) >= SPAWN_IN_FLIGHT_MAX)
        err = fail(ERR_LIMITED, "spawner_full", "%d programs are running already",
                   SPAWN_IN_FLIGHT_MAX);
    if (err == OK)
        err = send_launch(spawner, request, spawner->last_id + 1);
    if (err != OK) {
        atomic_fetch_sub(spawner->in_flight, 1);
        return err;
    }
    call = NEW(struct call);
    call->id = ++spawner->last_id;
    call->done = done;
    call->argument = argument;
    HASH_ADD(hh, spawner->calls, id, sizeof call->id, call);
    *ret_id = call->id;
    return OK;
}

/* Stopping must not be refused for a full socket; it waits for the little room that it needs. */
static void send_surely(struct spawner *spawner, const struct spawn_packet *packet)
{
    struct pollfd wait = {.fd = spawner->socket, .events = POLLOUT};

    while (send_packet(spawner, packet, NULL, NULL, 0) == ERR_LIMITED)
        poll(&wait, 1, 10);
}

void spawner_stop(struct spawner *spawner, uint64_t id)
{
    send_surely(spawner, &(struct spawn_packet){.type = SPAWN_STOP, .id = id});
}

void spawner_signal(struct spawner *spawner, uint64_t id, int signal_number)
{
    send_surely(spawner, &(struct spawn_packet){
                             .type = SPAWN_SIGNAL, .id = id, .signal_number = signal_number});
}

void spawner_abandon(struct spawner *spawner, uint64_t id)
{
    struct call *call;

    HASH_FIND(hh, spawner->calls, &id, sizeof id, call);
    if (!call)
        return;
    call->done = NULL; /* it counts as in flight until it has ended */
    spawner_stop(spawner, id);
}

/* Reports ------------------------------------------------------------------------------------- */

static void give(struct spawner *spawner, uint64_t id, const struct spawn_result *result)
{
    struct call *call;
    spawn_done_fn done;
    void *argument;

    HASH_FIND(hh, spawner->calls, &id, sizeof id, call);
    if (!call)
        return;
    done = call->done;
    argument = call->argument;
    drop_call(spawner, call);
    if (done)
        done(argument, result);
}

static void take_report(struct spawner *spawner)
{
    const char *data = spawner->packet + sizeof(struct spawn_report);
    struct spawn_report report;

    memcpy(&report, spawner->packet, sizeof report);
    if (report.type == SPAWN_BECAME) {
        spawner->became = report.status;
        return;
    }
    give(spawner, report.id,
         &(struct spawn_result){
             .end = report.end,
             .status = report.status,
             .output = str_n(data, report.len[0]),
             .error = str_n(data + report.len[0], report.len[1]),
             .output_truncated = report.truncated[0],
             .error_truncated = report.truncated[1],
             .wall_us = report.wall_us,
             .cpu_us = report.cpu_us,
         });
}

static enum err lose(struct spawner *spawner)
{
    const struct spawn_result gone = {.end = SPAWN_LOST};

    spawner->lost = true;
    while (spawner->calls)
        give(spawner, spawner->calls->id, &gone);
    return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs is gone");
}

int spawner_fd(const struct spawner *spawner)
{
    return spawner->socket;
}

enum err spawner_on_readable(struct spawner *spawner)
{
    while (!spawner->lost) {
        ssize_t len = recv(spawner->socket, spawner->packet, sizeof spawner->packet, MSG_DONTWAIT);

        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return OK;
        if (len < (ssize_t)sizeof(struct spawn_report))
            break;
        take_report(spawner);
    }
    return lose(spawner);
}

enum err spawner_wait(struct spawner *spawner, int timeout_ms)
{
    struct pollfd wait = {.fd = spawner->socket, .events = POLLIN};

    if (poll(&wait, 1, timeout_ms) <= 0)
        return OK;
    return spawner_on_readable(spawner);
}

enum err spawner_become(struct spawner *spawner, uid_t user, gid_t group)
{
    int64_t deadline_us = clock_monotonic_us() + BECOME_TIMEOUT_US;

    spawner->became = -1;
    TRY(send_packet(spawner,
                    &(struct spawn_packet){.type = SPAWN_BECOME, .user = user, .group = group},
                    NULL, NULL, 0));
    while (spawner->became < 0 && clock_monotonic_us() < deadline_us)
        TRY(spawner_wait(spawner, 1000));
    if (spawner->became < 0)
        return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs hangs");
    if (spawner->became > 0)
        return fail(ERR_DENIED, "user_change", "cannot become user %d: %s", (int)user,
                    strerrordesc_np(spawner->became));
    return OK;
}
