/*
 * One server: a child of the spawner with a log file. When it ends unasked it is started again, at
 * once after a long good run, with growing pauses when it keeps failing.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/spawner.h"

#include "control/embedded_private.h"

#define LOG_BYTES_MAX    (8u * 1024 * 1024)
#define BACK_OFF_FIRST_S 0.05
#define BACK_OFF_MAX_S   1.0 /* so that it is back soon after a full disk has room again */
#define GOOD_RUN_US      INT64_C(10000000)
#define STALE_POLL_MS    20
#define STALE_STEP_US    INT64_C(8000000)
#define ENVIRONMENT_PATH "PATH=/usr/local/bin:/usr/bin:/bin"

static void on_restart(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct server_child *server = container_of(watcher, struct server_child, restart);

    (void)ev;
    (void)events;
    if (server_child_start(server) != OK)
        log_error("embedded.start_failed", "server=%s detail=\"%s\"", server->kind->name,
                  failure_last()->detail);
}

void server_child_init(struct server_child *server, const struct server_kind *kind,
                       const struct embedded_options *options)
{
    const char *dir = data_dir_path(options->dir);

    server->kind = kind;
    server->spawner = options->spawner;
    server->loop = options->loop;
    server->folder = xasprintf("%s/%s", dir, kind->name);
    server->log_path = xasprintf("%s/log/%s.log", dir, kind->name);
    server->back_off_s = BACK_OFF_FIRST_S;
    ev_timer_init(&server->restart, on_restart, 0, 0);
}

void server_child_clear(struct server_child *server)
{
    if (server->loop)
        ev_timer_stop(loop_ev(server->loop), &server->restart);
    for (int i = 0; i < server->argument_count; i++)
        free(server->arguments[i]);
    free(server->folder);
    free(server->log_path);
}

void server_child_argument(struct server_child *server, const char *format, ...)
{
    char text[4096];
    va_list arguments;

    assert(server->argument_count < SERVER_ARGUMENTS_MAX);
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    server->arguments[server->argument_count++] = xstrdup(text);
}

/* Stale servers ------------------------------------------------------------------------------- */

/* The pid in the file when that process works in the server's folder; 0 otherwise. */
static pid_t find_stale(const struct server_child *server)
{
    CLEANUP(xfree_p) char *path = xasprintf("%s/%s", server->folder, server->kind->pid_file);
    char folder[4096];
    char line[32] = "";
    char link[64];
    FILE *file = fopen(path, "re");
    ssize_t len;
    long pid;

    if (!file)
        return 0;
    if (!fgets(line, sizeof line, file))
        line[0] = '\0';
    fclose(file);
    pid = strtol(line, NULL, 10);
    if (pid <= 1)
        return 0;

    snprintf(link, sizeof link, "/proc/%ld/cwd", pid);
    len = readlink(link, folder, sizeof folder - 1);
    if (len <= 0)
        return 0;
    folder[len] = '\0';
    return strcmp(folder, server->folder) == 0 ? (pid_t)pid : 0;
}

/* Its folder is asked for each time, because a pid alone may belong to a zombie, or to somebody
 * else by now. */
static bool has_ended_by(const struct server_child *server, pid_t pid, int64_t deadline_us)
{
    while (find_stale(server) == pid) {
        if (clock_monotonic_us() > deadline_us)
            return false;
        poll(NULL, 0, STALE_POLL_MS);
    }
    return true;
}

enum err server_child_end_stale(const struct server_child *server)
{
    const int steps[] = {server->kind->stop_signal, SIGQUIT, SIGKILL};
    pid_t pid = find_stale(server);

    if (!pid)
        return OK;
    log_warning("embedded.stale", "server=%s server_pid=%d", server->kind->name, (int)pid);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (kill(pid, steps[i]) < 0 && errno == EPERM)
            break;
        if (has_ended_by(server, pid, clock_monotonic_us() + STALE_STEP_US))
            return OK;
    }
    return fail(ERR_UNAVAILABLE, "embedded_stale",
                "%s of an earlier start still runs as process %d and cannot be stopped",
                server->kind->name, (int)pid);
}

/* Life ---------------------------------------------------------------------------------------- */

static void start_later(struct server_child *server)
{
    if (clock_monotonic_us() - server->started_us > GOOD_RUN_US)
        server->back_off_s = BACK_OFF_FIRST_S;
    ev_timer_set(&server->restart, server->back_off_s, 0);
    ev_timer_start(loop_ev(server->loop), &server->restart);
    server->back_off_s = MIN(server->back_off_s * 2, BACK_OFF_MAX_S);
}

static void on_end(void *argument, const struct spawn_result *result)
{
    struct server_child *server = argument;

    server->id = 0;
    server->had_end = true;
    if (server->stopping || result->end == SPAWN_LOST) {
        log_info("embedded.stopped", "server=%s", server->kind->name);
        return;
    }
    log_error("embedded.died", "server=%s by=%s number=%d log=%s", server->kind->name,
              result->end == SPAWN_SIGNALLED ? "signal" : "status", result->status,
              server->log_path);
    if (server->loop)
        start_later(server);
}

enum err server_child_start(struct server_child *server)
{
    const char *const environment[] = {ENVIRONMENT_PATH, "LC_ALL=C.UTF-8", "TZ=UTC", NULL};
    const struct spawn_request request = {
        .argv = (const char *const *)server->arguments,
        .environment = environment,
        .folder = server->folder,
        .log_path = server->log_path,
        .log_bytes_max = LOG_BYTES_MAX,
        .stop_signal = server->kind->stop_signal,
        .grace_ms = server->kind->grace_ms,
    };

    if (server->loop)
        ev_timer_stop(loop_ev(server->loop), &server->restart);
    server->had_end = false;
    server->started_us = clock_monotonic_us();
    return spawner_launch(server->spawner, &request, on_end, server, &server->id);
}

void server_child_stop(struct server_child *server)
{
    server->stopping = true;
    if (server->loop)
        ev_timer_stop(loop_ev(server->loop), &server->restart);
    if (server->id)
        spawner_stop(server->spawner, server->id);
}

enum err server_remove_folder(struct spawner *spawner, const char *path)
{
    const char *const argv[] = {"/bin/rm", "-rf", "--", path, NULL};
    const struct spawn_request request = {
        .argv = argv, .error_bytes_max = 4096, .timeout_ms = 60000};

    return spawner_run(spawner, &request, NULL);
}
