/*
 * How late a loop is that knows nothing but timers: the floor of what bench/schedule.py measures. It
 * sleeps to the next due time, notes how far beyond it this is, is busy for as long as a probe
 * would be, and goes on. Due times are spread evenly. Busy it has to be: a machine that shares its
 * cores takes them from those who use them.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void sleep_until(int64_t at_ns)
{
    struct timespec at = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        continue;
}

static void be_busy(int64_t for_ns)
{
    int64_t until_ns = now_ns() + for_ns;

    while (now_ns() < until_ns)
        continue;
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return a < b ? -1 : a > b;
}

int main(int argc, char **argv)
{
    size_t per_second = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    size_t seconds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    int64_t busy_ns = argc > 3 ? (int64_t)(strtod(argv[3], NULL) * 1e3) : 0;
    size_t count = per_second * seconds;
    int64_t *lags_ns = calloc(count ? count : 1, sizeof(*lags_ns));

    if (count == 0 || !lags_ns) {
        fprintf(stderr, "usage: bench-raw-timers PER_SECOND SECONDS [BUSY_US]\n");
        return 2;
    }
    int64_t began_ns = now_ns();

    for (size_t i = 0; i < count; i++) {
        int64_t due_ns = began_ns + (int64_t)((double)i * 1e9 / (double)per_second);

        if (now_ns() < due_ns)
            sleep_until(due_ns);
        lags_ns[i] = now_ns() - due_ns;
        be_busy(busy_ns);
    }
    qsort(lags_ns, count, sizeof(*lags_ns), by_size);
    printf("{\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}\n", (double)lags_ns[count / 2] / 1e3,
           (double)lags_ns[count * 99 / 100] / 1e3, (double)lags_ns[count - 1] / 1e3);
    free(lags_ns);
    return 0;
}
