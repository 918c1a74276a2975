/*
 * Between vfork and exec the child borrows the spawner's memory, and the spawner waits; so only
 * plain system calls happen here, and nothing is written but the number of an error. Sanitizers
 * turn vfork into fork, hence the shared memory.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/spawner_private.h"

/* The status of a child that never became the program. */
#define STATUS_NOT_RUN 127

static const __rlimit_resource_t resources[] = {RLIMIT_CPU, RLIMIT_AS, RLIMIT_FSIZE, RLIMIT_NOFILE,
                                                RLIMIT_NPROC};

static uint64_t hard_limit(__rlimit_resource_t resource, uint64_t *ret_soft)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    getrlimit(resource, &limit);
    *ret_soft = limit.rlim_cur;
    return limit.rlim_max;
}

void child_defaults_read(struct child_defaults *defaults)
{
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

static bool become_user(const struct spawn_packet *packet)
{
    return !packet->set_user ||
           (setgroups(0, NULL) == 0 && setgid(packet->group) == 0 && setuid(packet->user) == 0);
}

static bool set_descriptors(const struct child_start *start)
{
    return dup2(start->input_fd, 0) >= 0 && dup2(start->output_fds[0], 1) >= 0 &&
           dup2(start->output_fds[1], 2) >= 0 &&
           (start->third_fd < 0 || dup2(start->third_fd, SPAWN_THIRD_FD) >= 0);
}

static bool set_up(const struct child_start *start, pid_t spawner)
{
    const struct spawn_packet *packet = start->packet;
    int death_signal = packet->signal_number ? packet->signal_number : SIGKILL;

    if (setsid() < 0 || !set_descriptors(start))
        return false;

    umask(packet->umask ? packet->umask : 077);
    if (packet->nice && setpriority(PRIO_PROCESS, 0, packet->nice) < 0)
        return false;
    if (!set_limits(start) || !become_user(packet) || chdir(start->folder) < 0)
        return false;
    if (packet->no_new_privileges && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                                      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0))
        return false;

    /* After the change of user, which clears it; the spawner may have died before. */
    return prctl(PR_SET_PDEATHSIG, death_signal) == 0 && getppid() == spawner;
}

NORETURN static void become_program(const struct child_start *start, pid_t spawner)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (set_up(start, spawner))
        execve(start->arguments[0], start->arguments, start->environment);
    *start->error_number = errno ? errno : ESRCH;
    _exit(STATUS_NOT_RUN);
}

pid_t child_start(const struct child_start *start)
{
    pid_t spawner = getpid();
    pid_t pid;

    *start->error_number = 0;
    pid = vfork(); /* NOLINT: cheap whatever the size of the process */
    if (pid == 0)
        become_program(start, spawner);
    return pid;
}
