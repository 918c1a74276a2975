/* A run whose probe is over is kept by its check until the child is reaped. */
#include "prober/scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/map.h"
#include "shared/mem.h"
#include "shared/str.h"
#include "shared/user.h"

#define USER_DEFAULT "nobody"

/* What one script may use. It shares the machine with the loops, so it comes after them. */
#define NICE             5
#define MEMORY_BYTES     (UINT64_C(4) << 30) /* of addresses: interpreters reserve much */
#define FILE_BYTES       (64 * 1024 * 1024)
#define FILES            256
#define PROCESSES_ALONE  512  /* of all scripts, when they have a user of their own */
#define PROCESSES_SHARED 4096 /* of the user that everything runs as */

/* No start is tried for a while after one failed for want of processes, memory or descriptors. */
#define HOLD_MS     100
#define HOLD_MS_MAX 5000

struct scripts {
    struct ev_loop *ev;
    struct spawner *spawner;
    const struct scripts_settings *settings;
    int64_t cores;
    ev_io reports;
    struct script_run *left; /* by check: their probes are over */
    struct script_run *live; /* by child: all others */
    int64_t held_until_us;
    int64_t hold_ms; /* 0: the last start was fine */
    int hold_errno;
};

struct script_run {
    struct scripts *scripts;
    struct uuid check;
    uint64_t child;
    spawn_done_fn done; /* NULL: its probe is over */
    void *argument;
    UT_hash_handle hh;
};

/* Who and where ------------------------------------------------------------------------------- */

static enum err find_user(struct run_as *run_as, const char *name)
{
    if (!name && geteuid() != 0)
        return OK;
    run_as->name = name ? name : USER_DEFAULT;
    if (user_find(run_as->name, &run_as->user, &run_as->group) != OK)
        return fail(ERR_NOT_FOUND, "scripts_user_missing",
                    "Scripts run as %s, and there is no such user: make it with `useradd --system "
                    "%s`, or name another with --scripts-user.",
                    run_as->name, run_as->name);
    if (run_as->user == 0)
        return fail(ERR_INVALID, "scripts_user_root",
                    "--scripts-user names root: name an unprivileged user.");
    if (geteuid() != 0 && run_as->user != geteuid())
        return fail(ERR_INVALID, "scripts_user_other",
                    "Only root can run scripts as %s: start em-prober as root, or leave "
                    "--scripts-user out.",
                    run_as->name);
    run_as->set_user = geteuid() == 0;
    return OK;
}

static enum err find_directory(const char *directory, char **ret_path)
{
    AUTO(xfree) char *path = realpath(directory, NULL);
    struct stat status;

    if (!path)
        return fail(ERR_NOT_FOUND, "scripts_directory", "--scripts %s: %s", directory,
                    strerrordesc_np(errno));
    if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
        return fail(ERR_INVALID, "scripts_directory", "--scripts %s: it is not a directory",
                    directory);
    *ret_path = TAKE(path);
    return OK;
}

enum err scripts_settings_init(struct scripts_settings *settings, const char *directory,
                               const char *name)
{
    *settings = (struct scripts_settings){0};
    TRY(find_user(&settings->run_as, name));
    return directory ? find_directory(directory, &settings->directory) : OK;
}

void scripts_settings_clear(struct scripts_settings *settings)
{
    free(settings->directory);
    *settings = (struct scripts_settings){0};
}

/* Whether it is there and no symbolic link: the usual case, in one call. */
static bool is_plain(const char *path)
{
    char target[1];

    return readlink(path, target, sizeof target) < 0 && errno == EINVAL;
}

static enum err check_path(const struct scripts *scripts, const char *name, const char *path)
{
    const char *directory = scripts->settings->directory;
    AUTO(xfree) char *real = realpath(path, NULL);
    size_t len = strlen(directory);

    if (!real)
        return fail(ERR_NOT_FOUND, "script_missing", "the script %s cannot be found: %s", name,
                    strerrordesc_np(errno));
    if (strncmp(real, directory, len) != 0 || real[len] != '/')
        return fail(ERR_DENIED, "script_outside",
                    "the script %s leads out of the scripts directory", name);
    return OK;
}

enum err scripts_find(const struct scripts *scripts, const char *name, char **ret_path)
{
    AUTO(xfree) char *path = NULL;

    if (strchr(name, '/') || name[0] == '.')
        return fail(ERR_DENIED, "script_name", "\"%s\" is not a plain file name", name);
    path = xasprintf("%s/%s", scripts->settings->directory, name);
    if (!is_plain(path))
        TRY(check_path(scripts, name, path));
    *ret_path = TAKE(path);
    return OK;
}

/* What a script reads ------------------------------------------------------------------------- */

enum err scripts_pipe(struct str text, int *ret_fd)
{
    int ends[2];
    ssize_t written;

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return fail(ERR_UNAVAILABLE, "script_pipe", "no pipe for what the script reads: %s",
                    strerrordesc_np(errno));
    /* The kernel makes pipes small for a user who has many. */
    if (text.len > PIPE_BUF && fcntl(ends[1], F_GETPIPE_SZ) < SCRIPTS_PIPE_BYTES_MAX)
        fcntl(ends[1], F_SETPIPE_SZ, SCRIPTS_PIPE_BYTES_MAX);
    written = write(ends[1], text.ptr ? text.ptr : "", text.len);
    close(ends[1]);
    if (written != (ssize_t)text.len) {
        close(ends[0]);
        return fail(ERR_UNAVAILABLE, "script_pipe",
                    "no pipe has room for the %zu bytes that the script reads", text.len);
    }
    fcntl(ends[0], F_SETFL, 0);
    *ret_fd = ends[0];
    return OK;
}

/* Back-off ------------------------------------------------------------------------------------ */

static bool is_shortage(int error_number)
{
    return error_number == EAGAIN || error_number == ENOMEM || error_number == EMFILE ||
           error_number == ENFILE;
}

static void note_start(struct scripts *scripts, const struct spawn_result *result)
{
    if (result->end != SPAWN_FAILED || !is_shortage(result->status)) {
        scripts->hold_ms = 0;
        return;
    }
    if (clock_monotonic_us() < scripts->held_until_us)
        return; /* it was tried before the hold began */
    scripts->hold_ms = scripts->hold_ms ? MIN(scripts->hold_ms * 2, (int64_t)HOLD_MS_MAX) : HOLD_MS;
    scripts->hold_errno = result->status;
    scripts->held_until_us = clock_monotonic_us() + scripts->hold_ms * 1000;
    log_error("scripts.held", "ms=%lld error=%s", (long long)scripts->hold_ms,
              strerrordesc_np(result->status));
}

static enum err check_hold(const struct scripts *scripts)
{
    int64_t left_us = scripts->held_until_us - clock_monotonic_us();

    if (left_us <= 0)
        return OK;
    return fail(ERR_LIMITED, "scripts_held",
                "no script is started for another %lld ms, after one could not be: %s",
                (long long)(left_us / 1000 + 1), strerrordesc_np(scripts->hold_errno));
}

/* Runs ---------------------------------------------------------------------------------------- */

static void run_free(struct script_run *run)
{
    struct scripts *scripts = run->scripts;

    if (run->done)
        HASH_DEL(scripts->live, run);
    else
        HASH_DEL(scripts->left, run);
    free(run);
}

static void on_done(void *argument, const struct spawn_result *result)
{
    struct script_run *run = argument;
    spawn_done_fn done = run->done;
    void *its_argument = run->argument;

    note_start(run->scripts, result);
    run_free(run);
    if (done)
        done(its_argument, result);
}

static struct spawn_request settle(const struct scripts *scripts,
                                   const struct spawn_request *request)
{
    const struct scripts_settings *settings = scripts->settings;
    struct spawn_request settled = *request;

    settled.set_user = settings->run_as.set_user;
    settled.user = settings->run_as.user;
    settled.group = settings->run_as.group;
    settled.no_new_privileges = true;
    settled.nice = NICE;
    settled.limits = (struct spawn_limits){
        /* More than it can use up in time: for the case that nobody is left to end it. */
        .cpu_s = (uint64_t)((request->timeout_ms / 1000 + 2) * scripts->cores),
        .memory_bytes = MEMORY_BYTES,
        .file_bytes = FILE_BYTES,
        .files = FILES,
        .processes = settings->run_as.set_user ? PROCESSES_ALONE : PROCESSES_SHARED,
        .no_core_file = true,
    };
    return settled;
}

static enum err check_lives(const struct scripts *scripts, const struct uuid *check)
{
    struct script_run *run;

    HASH_FIND(hh, scripts->left, check, sizeof *check, run);
    if (!run)
        return OK;
    return fail(ERR_CONFLICT, "script_lives",
                "the script's last run was told to stop and has not ended yet");
}

enum err scripts_run(struct scripts *scripts, const struct uuid *check,
                     const struct spawn_request *request, spawn_done_fn done, void *argument,
                     struct script_run **ret_run)
{
    const struct spawn_request settled = settle(scripts, request);
    AUTO(xfree) struct script_run *run = NEW(struct script_run);

    TRY(check_lives(scripts, check));
    TRY(check_hold(scripts));
    TRY(spawner_launch(scripts->spawner, &settled, on_done, run, &run->child));
    run->scripts = scripts;
    run->check = *check;
    run->done = done;
    run->argument = argument;
    HASH_ADD(hh, scripts->live, child, sizeof run->child, run);
    *ret_run = TAKE(run);
    return OK;
}

void scripts_leave(struct script_run *run)
{
    struct scripts *scripts = run->scripts;

    HASH_DEL(scripts->live, run);
    run->done = NULL;
    HASH_ADD(hh, scripts->left, check, sizeof run->check, run);
    spawner_stop(scripts->spawner, run->child);
}

/* Life ---------------------------------------------------------------------------------------- */

static void on_report(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct scripts *scripts = container_of(watcher, struct scripts, reports);

    (void)events;
    if (spawner_on_readable(scripts->spawner) == OK)
        return;
    log_error("scripts.spawner_lost", "detail=%s", failure_last()->detail);
    failure_clear();
    ev_io_stop(ev, watcher);
}

struct scripts *scripts_new(struct ev_loop *ev, struct spawner *spawner_take,
                            const struct scripts_settings *settings)
{
    struct scripts *scripts = NEW(struct scripts);

    scripts->ev = ev;
    scripts->spawner = spawner_take;
    scripts->settings = settings;
    scripts->cores = MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L);
    ev_io_init(&scripts->reports, on_report, spawner_fd(scripts->spawner), EV_READ);
    ev_io_start(ev, &scripts->reports);
    return scripts;
}

void scripts_free(struct scripts *scripts)
{
    if (!scripts)
        return;
    ev_io_stop(scripts->ev, &scripts->reports);
    spawner_free(scripts->spawner);
    while (scripts->live)
        run_free(scripts->live);
    while (scripts->left)
        run_free(scripts->left);
    free(scripts);
}
