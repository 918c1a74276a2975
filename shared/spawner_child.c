/*
 * Until exec the child borrows the spawner's memory, and the spawner waits; so only plain system
 * calls happen here, and nothing is written but the number of an error. Sanitizers turn vfork into
 * fork, hence the shared memory.
 *
 * What a child is given stands in a few low places of the spawner's table of descriptors, which
 * are /dev/null between two starts, so that the child can leave all others behind in one call.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/spawner_private.h"

/* The status of a child that never became the program. */
#define STATUS_NOT_RUN 127

#define STACK_BYTES (64 * 1024)

static const __rlimit_resource_t resources[] = {RLIMIT_CPU, RLIMIT_AS, RLIMIT_FSIZE, RLIMIT_NOFILE,
                                                RLIMIT_NPROC};

static uint64_t hard_limit(__rlimit_resource_t resource, uint64_t *ret_soft)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    getrlimit(resource, &limit);
    *ret_soft = limit.rlim_cur;
    return limit.rlim_max;
}

static void hold_places(int null_fd)
{
    for (int at = FD_INPUT; at < CHILD_FDS; at++)
        dup3(null_fd, at, O_CLOEXEC);
}

void child_defaults_read(struct child_defaults *defaults, int null_fd)
{
    defaults->null_fd = null_fd;
    defaults->spawner = getpid();
    hold_places(null_fd);
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        uint64_t soft;

        defaults->maximum[i] = hard_limit(resources[i], &soft);
        if (resources[i] == RLIMIT_NOFILE)
            defaults->files = soft;
    }
}

static bool set_limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
    const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

    return setrlimit(resource, &limit) == 0;
}

static bool set_limits(const struct child_start *start)
{
    const struct spawn_limits *limits = &start->packet->limits;
    const uint64_t *maximum = start->defaults->maximum;
    const uint64_t amounts[] = {limits->cpu_s, limits->memory_bytes, limits->file_bytes,
                                limits->files, limits->processes};

    if (limits->no_core_file && !set_limit(RLIMIT_CORE, 0, 0))
        return false;
    /* The spawner has raised its own for the pipes of all children. */
    if (!limits->files &&
        !set_limit(RLIMIT_NOFILE, start->defaults->files, start->defaults->maximum[3]))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        uint64_t soft = MIN(amounts[i], maximum[i]);
        uint64_t hard = resources[i] == RLIMIT_CPU ? MIN(amounts[i] + 1, maximum[i]) : soft;

        if (amounts[i] && !set_limit(resources[i], soft, hard))
            return false;
    }
    return true;
}

/* Further groups the spawner has none. */
static bool become_user(const struct spawn_packet *packet)
{
    return !packet->set_user || (setgid(packet->group) == 0 && setuid(packet->user) == 0);
}

/* From the places below CHILD_FDS to where the program expects them; the rest closes by itself. */
static bool set_descriptors(const struct child_start *start)
{
    return (start->input_fd < 0 || dup2(FD_INPUT, 0) >= 0) && dup2(FD_OUTPUT, 1) >= 0 &&
           dup2(FD_ERROR, 2) >= 0 && (start->third_fd < 0 || dup2(FD_THIRD, SPAWN_THIRD_FD) >= 0);
}

static bool set_up(const struct child_start *start)
{
    const struct spawn_packet *packet = start->packet;
    int death_signal = packet->signal_number ? packet->signal_number : SIGKILL;

    if (setpgid(0, 0) < 0 || !set_descriptors(start))
        return false;

    umask(packet->umask ? packet->umask : 077);
    if (!set_limits(start) || !become_user(packet) || chdir(start->folder) < 0)
        return false;
    if (packet->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return false;

    /* After the change of user, which clears it; the spawner may have died before. */
    return prctl(PR_SET_PDEATHSIG, death_signal) == 0 && getppid() == start->defaults->spawner;
}

NORETURN static void become_program(const struct child_start *start)
{
    sigset_t none;

    /* A table of descriptors of its own, without those of all other children: to copy and to close
     * them would be most of the cost of a start when there are hundreds. */
    close_range(CHILD_FDS, ~0U, CLOSE_RANGE_UNSHARE);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (set_up(start))
        execve(start->arguments[0], start->arguments, start->environment);
    *start->error_number = errno ? errno : ESRCH;
    _exit(STATUS_NOT_RUN);
}

static int on_own_stack(void *start)
{
    become_program(start);
}

/* As vfork(), but that the descriptors are shared, too, until the child has a table of its own. */
static pid_t fork_cheaply(struct child_start *start)
{
#ifdef EM_INSTRUMENTED
    pid_t pid = vfork(); /* NOLINT: cheap whatever the size of the process */

    if (pid == 0)
        on_own_stack(start);
    return pid;
#else
    static _Alignas(16) char stack[STACK_BYTES];

    return clone(on_own_stack, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD,
                 start);
#endif
}

/* Puts a descriptor where the child takes it from, or frees the place. */
static void place(int fd, int at, int null_fd)
{
    dup3(fd >= 0 ? fd : null_fd, at, O_CLOEXEC);
}

static void place_all(const struct child_start *start, bool is_over)
{
    int null_fd = start->defaults->null_fd;

    place(is_over ? -1 : start->output_fds[0], FD_OUTPUT, null_fd);
    place(is_over ? -1 : start->output_fds[1], FD_ERROR, null_fd);
    if (start->input_fd >= 0)
        place(is_over ? -1 : start->input_fd, FD_INPUT, null_fd);
    if (start->third_fd >= 0)
        place(is_over ? -1 : start->third_fd, FD_THIRD, null_fd);
}

pid_t child_start(struct child_start *start)
{
    pid_t pid;

    *start->error_number = 0;
    place_all(start, false);
    pid = fork_cheaply(start);
    place_all(start, true);
    return pid;
}
