/*
 * The owner's half: requests go out as one packet each, reports come in as one packet each, and a
 * map keeps who waits for which child. The socket is never written blocking: when it is full, the
 * request is refused.
 */
#include "shared/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#define DETAIL_BYTES      200

struct call {
    uint64_t id;
    spawn_done_fn done; /* NULL: abandoned */
    void *argument;
    UT_hash_handle hh;
};

struct spawner {
    int socket;
    pid_t pid;
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

/* In the new process: keep the socket and standard error, close all else that was inherited. */
NORETURN static void be_spawner(int socket, const char *name)
{
    if (dup2(socket, 3) < 0)
        _exit(1);
    close_range(4, ~0U, 0);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    spawner_process_run(3, name);
}

enum err spawner_start(const char *name, struct spawner **ret_spawner)
{
    struct spawner *spawner;
    int ends[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fail(ERR_UNAVAILABLE, "spawner_start", "socketpair: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        set_size(ends[i], SO_SNDBUF);

    pid = fork();
    if (pid == 0)
        be_spawner(ends[1], name);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return fail(ERR_UNAVAILABLE, "spawner_start", "fork: %s", strerror(errno));
    }

    spawner = NEW(struct spawner);
    spawner->socket = ends[0];
    spawner->pid = pid;
    *ret_spawner = spawner;
    return OK;
}

static void drop_call(struct spawner *spawner, struct call *call)
{
    HASH_DEL(spawner->calls, call);
    free(call);
}

void spawner_free(struct spawner *spawner)
{
    struct call *call;
    struct call *next;

    if (!spawner)
        return;
    close(spawner->socket);
    while (waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    HASH_ITER (hh, spawner->calls, call, next) {
        drop_call(spawner, call);
    }
    free(spawner);
}

/* Requests ------------------------------------------------------------------------------------ */

static enum err send_packet(struct spawner *spawner, const struct spawn_packet *packet,
                            const struct buf *texts)
{
    struct iovec parts[2] = {{(void *)packet, sizeof *packet},
                             {texts ? texts->data : NULL, texts ? texts->len : 0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    if (spawner->lost)
        return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs is gone");
    if (sendmsg(spawner->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return OK;
    if (errno == EAGAIN || errno == ENOBUFS)
        return fail(ERR_LIMITED, "spawner_full", "too many programs are being started");
    return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs: %s",
                strerror(errno));
}

static uint32_t append_texts(struct buf *texts, const char *const *list)
{
    uint32_t count = 0;

    for (; list && list[count]; count++)
        buf_append(texts, list[count], strlen(list[count]) + 1);
    return count;
}

enum err spawner_launch(struct spawner *spawner, const struct spawn_request *request,
                        spawn_done_fn done, void *argument, uint64_t *ret_id)
{
    CLEANUP(buf_clear_p) struct buf texts = {0};
    struct call *call;
    const char *folder = request->folder ? request->folder : "/";
    struct spawn_packet packet = {
        .type = SPAWN_LAUNCH,
        .signal_number = request->stop_signal,
        .user = request->user,
        .group = request->group,
        .set_user = request->set_user,
        .has_log = request->log_path != NULL,
        .umask = request->umask,
        .limits = request->limits,
        .bytes_max = {MIN(request->output_bytes_max, (uint32_t)SPAWN_OUTPUT_BYTES_MAX),
                      MIN(request->error_bytes_max, (uint32_t)SPAWN_OUTPUT_BYTES_MAX)},
        .timeout_ms = request->timeout_ms,
        .grace_ms = request->grace_ms,
    };

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
    if (HASH_COUNT(spawner->calls) >= SPAWN_IN_FLIGHT_MAX)
        return fail(ERR_LIMITED, "spawner_full", "%d programs are running already",
                    SPAWN_IN_FLIGHT_MAX);

    packet.id = spawner->last_id + 1;
    TRY(send_packet(spawner, &packet, &texts));
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

    while (send_packet(spawner, packet, NULL) == ERR_LIMITED)
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
    TRY(send_packet(
        spawner, &(struct spawn_packet){.type = SPAWN_BECOME, .user = user, .group = group}, NULL));
    while (spawner->became < 0 && clock_monotonic_us() < deadline_us)
        TRY(spawner_wait(spawner, 1000));
    if (spawner->became < 0)
        return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs hangs");
    if (spawner->became > 0)
        return fail(ERR_DENIED, "user_change", "cannot become user %d: %s", (int)user,
                    strerror(spawner->became));
    return OK;
}

/* Blocking ------------------------------------------------------------------------------------ */

struct run {
    bool is_over;
    enum spawn_end end;
    int status;
    char *output;
    char detail[DETAIL_BYTES];
};

static struct str last_line(struct str text)
{
    size_t from;

    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    for (from = text.len; from > 0 && text.ptr[from - 1] != '\n';)
        from--;
    return str_sub(text, from, text.len);
}

static void on_run_done(void *argument, const struct spawn_result *result)
{
    struct run *run = argument;
    struct str line = last_line(result->error);

    run->is_over = true;
    run->end = result->end;
    run->status = result->status;
    run->output = str_dup(result->output);
    snprintf(run->detail, sizeof run->detail, STR_FMT, STR_ARG(line));
}

static enum err run_outcome(const char *program, const struct run *run)
{
    switch (run->end) {
    case SPAWN_EXITED:
        if (run->status == 0)
            return OK;
        return fail(ERR_UNAVAILABLE, "program_failed", "%s ended with status %d: %s", program,
                    run->status, run->detail);
    case SPAWN_SIGNALLED:
        return fail(ERR_UNAVAILABLE, "program_failed", "%s was ended by signal %d: %s", program,
                    run->status, run->detail);
    case SPAWN_TIMED_OUT:
        return fail(ERR_TIMEOUT, "program_timeout", "%s took too long: %s", program, run->detail);
    case SPAWN_FAILED:
        return fail(run->status == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
                    run->status == ENOENT ? "program_missing" : "program_failed",
                    "%s cannot be run: %s", program, strerror(run->status));
    case SPAWN_LOST:
        return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs is gone");
    }
    return ERR_BUG;
}

enum err spawner_run(struct spawner *spawner, const struct spawn_request *request,
                     char **ret_output)
{
    struct run run = {0};
    uint64_t id;
    enum err err;

    TRY(spawner_launch(spawner, request, on_run_done, &run, &id));
    while (!run.is_over) {
        if (spawner_wait(spawner, 1000) != OK)
            break; /* then on_run_done has been told */
    }
    err = run_outcome(request->argv[0], &run);
    if (err == OK && ret_output)
        *ret_output = TAKE(run.output);
    free(run.output);
    return err;
}
