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

static bool set_limit(__rlimit_resource_t resource, uint64_t amount)
{
    const struct rlimit limit = {.rlim_cur = amount, .rlim_max = amount};

    return amount == 0 || setrlimit(resource, &limit) == 0;
}

static bool set_limits(const struct spawn_limits *limits)
{
    return set_limit(RLIMIT_CPU, limits->cpu_s) && set_limit(RLIMIT_AS, limits->memory_bytes) &&
           set_limit(RLIMIT_FSIZE, limits->file_bytes) && set_limit(RLIMIT_NOFILE, limits->files) &&
           set_limit(RLIMIT_NPROC, limits->processes);
}

static bool become_user(const struct spawn_packet *packet)
{
    return !packet->set_user ||
           (setgroups(0, NULL) == 0 && setgid(packet->group) == 0 && setuid(packet->user) == 0);
}

static void default_signals(void)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &usual, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool set_up(const struct child_start *start, pid_t spawner)
{
    const struct spawn_packet *packet = start->packet;
    int death_signal = packet->signal_number ? packet->signal_number : SIGKILL;

    if (setsid() < 0 || dup2(start->null_fd, 0) < 0 || dup2(start->output_fds[0], 1) < 0 ||
        dup2(start->output_fds[1], 2) < 0)
        return false;

    umask(packet->umask ? packet->umask : 077);
    if (!set_limits(&packet->limits) || !become_user(packet) || chdir(start->folder) < 0)
        return false;

    /* After the change of user, which clears it; the spawner may have died before. */
    return prctl(PR_SET_PDEATHSIG, death_signal) == 0 && getppid() == spawner;
}

NORETURN static void become_program(const struct child_start *start, pid_t spawner)
{
    default_signals();
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
