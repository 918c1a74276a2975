/* Counters are bumped from all loops; what is read of them between begin and end is a
 * difference. */
#include "prober/summary.h"

#include <stdatomic.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/process.h"
#include "shared/result_json.h"

#include "prober/engine.h"

struct reading {
    int64_t at_us;
    int64_t cpu_us;
    uint64_t probes;
};

struct summary {
    _Atomic uint64_t probes;
    _Atomic uint64_t by_verdict[VERDICT_COUNT];
    _Atomic uint64_t by_outcome[OUTCOME_COUNT];
    struct reading begin;
    struct reading end;
};

struct summary *summary_new(void)
{
    return NEW(struct summary);
}

void summary_free(struct summary *summary)
{
    free(summary);
}

void summary_add(struct summary *summary, const struct result *result)
{
    atomic_fetch_add_explicit(&summary->probes, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&summary->by_verdict[result->verdict], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&summary->by_outcome[result->outcome], 1, memory_order_relaxed);
}

static struct reading read_now(struct summary *summary)
{
    return (struct reading){
        .at_us = clock_monotonic_us(),
        .cpu_us = process_cpu_us(),
        .probes = summary->probes,
    };
}

void summary_begin(struct summary *summary)
{
    summary->begin = read_now(summary);
}

void summary_end(struct summary *summary)
{
    summary->end = read_now(summary);
}

void summary_write(struct summary *summary, struct engine *engine, struct buf *out)
{
    double seconds = (double)(summary->end.at_us - summary->begin.at_us) / 1e6;
    uint64_t probes = summary->end.probes - summary->begin.probes;
    struct engine_metrics metrics;
    struct engine_lag lag;

    engine_read_lag(engine, &lag);
    engine_read_metrics(engine, &metrics);
    buf_printf(out, "{\"probes\":%llu,\"by_verdict\":{", (unsigned long long)summary->probes);
    for (int i = 0; i < VERDICT_COUNT; i++)
        buf_printf(out, "%s\"%s\":%llu", i > 0 ? "," : "", verdict_word((enum verdict)i),
                   (unsigned long long)summary->by_verdict[i]);
    buf_append_text(out, "},\"by_outcome\":{");
    for (int i = 0, written = 0; i < OUTCOME_COUNT; i++) {
        if (summary->by_outcome[i] > 0)
            buf_printf(out, "%s\"%s\":%llu", written++ > 0 ? "," : "",
                       outcome_word((enum outcome)i), (unsigned long long)summary->by_outcome[i]);
    }
    buf_printf(out, "},\"per_second\":%.1f,\"cpu_us_per_probe\":%.2f",
               seconds > 0 ? (double)probes / seconds : 0.,
               probes > 0 ? (double)(summary->end.cpu_us - summary->begin.cpu_us) / (double)probes
                          : 0.);
    buf_printf(out,
               ",\"start_lag_us\":{\"p50\":%llu,\"p99\":%llu,\"max\":%llu},\"skipped\":%llu,"
               "\"perfdata_dropped\":%llu,\"rss_bytes\":%llu}\n",
               (unsigned long long)lag.p50_us, (unsigned long long)lag.p99_us,
               (unsigned long long)lag.max_us, (unsigned long long)metrics.slots_skipped,
               (unsigned long long)metrics.perfdata_dropped,
               (unsigned long long)process_resident_bytes());
}
