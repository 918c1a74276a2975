/*
 * What it takes to add, change and remove one of many checks: the engine alone, one loop, as the
 * plan feeds it. The checks wait for a slot that is far away, except one in LIVE_EVERY, whose
 * punctuality tells whether a change disturbs others. The targets refuse: nobody listens there.
 *
 * bench-changes CHECKS CHANGES prints one JSON object: how long loading took, what a check holds,
 * and for adding, changing and removing the time from the call until the loop has done it.
 */
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/process.h"

#include "prober/check.h"
#include "prober/engine.h"

#define LIVE_EVERY 100
#define GIVE_UP_US 5000000
#define PAUSE_US   10 /* between two looks: who spins keeps the loop from its core */

struct times {
    int64_t *us;
    size_t count;
};

static _Atomic uint64_t changed_ended; /* results of the check that is changed */
static struct uuid changed_id;

static void on_result(void *context, const char *label, const struct result *result)
{
    (void)context;
    (void)label;
    if (memcmp(&result->check_id, &changed_id, sizeof changed_id) == 0)
        atomic_fetch_add(&changed_ended, 1);
}

static struct uuid id_of(size_t number)
{
    struct uuid id = {0};

    for (size_t i = 0; i < 8; i++)
        id.bytes[i] = (uint8_t)((number + 1) * 0x9e3779b97f4a7c15u >> (8 * i));
    return id;
}

static void set_check(struct engine *engine, size_t number, uint32_t interval_ms, bool at_once)
{
    json_t *spec = json_pack("{s:s}", "url", "http://127.0.0.1:9/health");
    struct engine_check check = {
        .id = id_of(number),
        .kind = STR("http"),
        .interval_ms = interval_ms,
        .timeout_ms = 1000,
        .spec = spec,
        .at_once = at_once,
    };

    if (engine_set_check(engine, &check) != OK) {
        fprintf(stderr, "check %zu: %s\n", number, failure_last()->detail);
        exit(2);
    }
    json_decref(spec);
}

static uint64_t checks_of(struct engine *engine)
{
    struct engine_metrics metrics;

    engine_read_metrics(engine, &metrics);
    return metrics.checks;
}

static void wait_for_checks(struct engine *engine, uint64_t count)
{
    int64_t until_us = clock_monotonic_us() + GIVE_UP_US * 20;

    while (checks_of(engine) != count) {
        if (clock_monotonic_us() > until_us) {
            fprintf(stderr, "the loop has %llu checks in place of %llu\n",
                    (unsigned long long)checks_of(engine), (unsigned long long)count);
            exit(2);
        }
        usleep(PAUSE_US);
    }
}

static void wait_for_result(uint64_t count)
{
    int64_t until_us = clock_monotonic_us() + GIVE_UP_US;

    while (atomic_load(&changed_ended) < count) {
        if (clock_monotonic_us() > until_us) {
            fprintf(stderr, "no result of the changed check\n");
            exit(2);
        }
        usleep(PAUSE_US);
    }
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return a < b ? -1 : a > b;
}

static void print_times(const char *name, struct times *times)
{
    qsort(times->us, times->count, sizeof *times->us, by_size);
    printf(", \"%s_us\": {\"p50\": %lld, \"p99\": %lld, \"max\": %lld}", name,
           (long long)times->us[times->count / 2], (long long)times->us[times->count * 99 / 100],
           (long long)times->us[times->count - 1]);
}

static void note(struct times *times, int64_t began_us)
{
    times->us[times->count++] = clock_monotonic_us() - began_us;
}

static uint32_t interval_of(size_t number)
{
    return number % LIVE_EVERY == 0 ? 1000 : 3600 * 1000;
}

int main(int argc, char **argv)
{
    size_t checks = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    size_t changes = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    struct engine_options options = {.loops = 1, .on_result = on_result};
    struct engine *engine;
    struct engine_lag before;
    struct engine_lag after;

    if (checks < 2 || changes == 0) {
        fprintf(stderr, "usage: bench-changes CHECKS CHANGES\n");
        return 2;
    }
    struct times added = {.us = xcalloc(changes, sizeof(int64_t))};
    struct times changed = {.us = xcalloc(changes, sizeof(int64_t))};
    struct times removed = {.us = xcalloc(changes, sizeof(int64_t))};

    if (check_schemas_load() != OK || engine_new(&options, &engine) != OK)
        return 2;
    set_check(engine, 0, interval_of(0), false);
    wait_for_checks(engine, 1);
    uint64_t empty_bytes = process_resident_bytes();
    int64_t began_us = clock_monotonic_us();

    for (size_t i = 1; i < checks; i++)
        set_check(engine, i, interval_of(i), false);
    wait_for_checks(engine, checks);
    int64_t loaded_us = clock_monotonic_us() - began_us;
    uint64_t check_bytes = (process_resident_bytes() - empty_bytes) / (checks - 1);

    sleep(2);
    engine_read_lag(engine, &before);
    changed_id = id_of(1);
    for (size_t i = 0; i < changes; i++) {
        began_us = clock_monotonic_us();
        set_check(engine, checks + i, 3600 * 1000, false);
        wait_for_checks(engine, checks + 1);
        note(&added, began_us);

        uint64_t ended = atomic_load(&changed_ended);

        began_us = clock_monotonic_us();
        set_check(engine, 1, i % 2 ? 3600 * 1000 : 1800 * 1000, true);
        wait_for_result(ended + 1);
        note(&changed, began_us);

        struct uuid id = id_of(checks + i);

        began_us = clock_monotonic_us();
        engine_drop_check(engine, &id);
        wait_for_checks(engine, checks);
        note(&removed, began_us);
        usleep(1000);
    }
    engine_read_lag(engine, &after);

    printf("{\"load_s\": %.3f, \"bytes_per_check\": %llu", (double)loaded_us / 1e6,
           (unsigned long long)check_bytes);
    print_times("add", &added);
    print_times("change", &changed);
    print_times("remove", &removed);
    printf(
        ", \"lag_before_us\": {\"p50\": %llu, \"p99\": %llu}, \"lag_us\": {\"p50\": %llu, \"p99\": "
        "%llu, \"max\": %llu}}\n",
        (unsigned long long)before.p50_us, (unsigned long long)before.p99_us,
        (unsigned long long)after.p50_us, (unsigned long long)after.p99_us,
        (unsigned long long)after.max_us);
    engine_free(engine);
    check_schemas_unload();
    free(added.us);
    free(changed.us);
    free(removed.us);
    return 0;
}
