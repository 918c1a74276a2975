/*
 * What goes wrong around a program, put in front of the C library by LD_PRELOAD:
 *
 *   EM_FAIL_ALLOCATION=N  the N-th allocation after the first socket was opened gives NULL, and each
 *                         later one whose number is a multiple of N, too
 *   EM_CLOCK_FILE=PATH    a file of 8 bytes: microseconds that the wall clock is off, read at each
 *                         look at it; so it jumps while the program runs
 *
 * The program must be built without sanitizers, which have allocators of their own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static atomic_long allocations; /* counted from the first socket on */
static atomic_bool counting;
static long fail_at;
static const volatile int64_t *clock_offset_us;

__attribute__((constructor)) static void begin(void)
{
    const char *number = getenv("EM_FAIL_ALLOCATION");
    const char *path = getenv("EM_CLOCK_FILE");
    int fd;

    fail_at = number ? strtol(number, NULL, 10) : 0;
    fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *page = mmap(NULL, sizeof *clock_offset_us, PROT_READ, MAP_SHARED, fd, 0);

        clock_offset_us = page == MAP_FAILED ? NULL : page;
        close(fd);
    }
}

static int fails(void)
{
    if (!fail_at || !atomic_load(&counting) || (atomic_fetch_add(&allocations, 1) + 1) % fail_at)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails() ? NULL : __libc_realloc(block, size);
}

int socket(int domain, int type, int protocol)
{
    atomic_store(&counting, 1);
    return (int)syscall(SYS_socket, domain, type, protocol);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result == 0 && clock_offset_us &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t us = (int64_t)now->tv_sec * 1000000 + now->tv_nsec / 1000 + *clock_offset_us;

        now->tv_sec = us / 1000000;
        now->tv_nsec = us % 1000000 * 1000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *ret_now)
{
    struct timespec precise;

    clock_gettime(CLOCK_REALTIME, &precise);
    if (ret_now)
        *ret_now = precise.tv_sec;
    return precise.tv_sec;
}
