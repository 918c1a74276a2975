/*
 * The limit of a script check: posix_spawn() and waitid(), a fixed number of children in flight.
 * Arguments: PROGRAM IN_FLIGHT SECONDS [bare|captured]. `bare` writes into /dev/null; `captured` gives
 * each child a pipe for standard output and reads it to its end, the least that a check can do.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct raw_child {
    pid_t pid;
    int pipe; /* -1: none */
};

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t cpu_us(int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void give_up(const char *what)
{
    perror(what);
    exit(2);
}

static void start(struct raw_child *child, const char *program, bool is_captured)
{
    char *const argv[] = {(char *)program, NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    int ends[2] = {-1, -1};
    int error;

    if (is_captured && pipe2(ends, O_CLOEXEC) < 0)
        give_up("pipe2");
    posix_spawn_file_actions_init(&actions);
    if (is_captured)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    error = posix_spawn(&child->pid, program, &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (error) {
        errno = error;
        give_up("posix_spawn");
    }
    if (is_captured)
        close(ends[1]);
    child->pipe = ends[0];
}

/* Whether it ended as it should. */
static bool take_end(struct raw_child *child, int status)
{
    char output[4096];
    ssize_t len = 1;

    while (child->pipe >= 0 && len > 0)
        len = read(child->pipe, output, sizeof output);
    if (child->pipe >= 0)
        close(child->pipe);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static struct raw_child *child_of(struct raw_child *children, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (children[i].pid == pid)
            return &children[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s PROGRAM IN_FLIGHT SECONDS [bare|captured]\n", argv[0]);
        return 2;
    }
    size_t in_flight = strtoul(argv[2], NULL, 10);
    double until = seconds_now() + strtod(argv[3], NULL);
    bool is_captured = argc > 4 && strcmp(argv[4], "captured") == 0;
    struct raw_child *children = calloc(in_flight, sizeof *children);
    double began = seconds_now();
    uint64_t probes = 0;
    uint64_t failed = 0;
    int null_fd = open("/dev/null", O_RDWR);
    int output = dup(1);

    if (!children || in_flight == 0 || null_fd < 0 || output < 0)
        return 2;
    fcntl(output, F_SETFD, FD_CLOEXEC);
    dup2(null_fd, 0);
    dup2(null_fd, 1);
    for (size_t i = 0; i < in_flight; i++)
        start(&children[i], argv[1], is_captured);
    for (size_t left = in_flight; left > 0;) {
        struct raw_child *child;
        int status;
        pid_t pid = wait(&status);

        if (pid < 0)
            give_up("wait");
        child = child_of(children, in_flight, pid);
        probes++;
        failed += !take_end(child, status);
        if (seconds_now() < until)
            start(child, argv[1], is_captured);
        else
            left--;
    }
    dprintf(output, "{\"probes\": %llu, \"failed\": %llu, \"seconds\": %.3f, \"cpu_us\": %llu}\n",
            (unsigned long long)probes, (unsigned long long)failed, seconds_now() - began,
            (unsigned long long)(cpu_us(RUSAGE_SELF) + cpu_us(RUSAGE_CHILDREN)));
    free(children);
    return 0;
}
