/*
 * Numbers about the process, in Prometheus' text form. A metric is a static variable that registers
 * itself once; adding to it is one relaxed atomic operation, from any thread.
 *
 *   static struct metric requests = METRIC_COUNTER("em_http_requests_total", "Requests");
 *   metric_register(&requests);
 *   metric_add(&requests, 1);
 *
 * Metrics of one name with different labels (`.labels = "class=\"2xx\""`) are registered one after
 * the other.
 *
 * Thread: any.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"

#define METRIC_BUCKETS 14

enum metric_type { METRIC_IS_COUNTER, METRIC_IS_GAUGE, METRIC_IS_HISTOGRAM };

struct metric {
    enum metric_type type;
    const char *name;
    const char *help;
    const char *labels; /* without braces, or NULL */
    _Atomic int64_t value;
    _Atomic int64_t buckets[METRIC_BUCKETS + 1]; /* histogram: the last one is above all bounds */
    struct metric *next;
    bool registered;
};

#define METRIC_COUNTER(name_, help_, ...)                                                          \
    {                                                                                              \
        .type = METRIC_IS_COUNTER, .name = (name_), .help = (help_), ##__VA_ARGS__                 \
    }
#define METRIC_GAUGE(name_, help_, ...)                                                            \
    {                                                                                              \
        .type = METRIC_IS_GAUGE, .name = (name_), .help = (help_), ##__VA_ARGS__                   \
    }
/* A histogram of durations; its bounds are 0.1 ms … 10 s (metrics.c). */
#define METRIC_DURATION(name_, help_, ...)                                                         \
    {                                                                                              \
        .type = METRIC_IS_HISTOGRAM, .name = (name_), .help = (help_), ##__VA_ARGS__               \
    }

/* Makes the metric visible; harmless when it is already. It must live as long as the process. */
void metric_register(struct metric *metric);

static inline void metric_add(struct metric *metric, int64_t amount)
{
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

static inline void metric_set(struct metric *gauge, int64_t value)
{
    atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

static inline int64_t metric_value(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

/* Counts one duration. */
void metric_observe_us(struct metric *histogram, int64_t duration_us);

/* Runs before the metrics are written, to set gauges; from the thread that writes them. */
void metrics_on_write(void (*refresh)(void *context), void *context);

/* Writes all metrics in the text format 0.0.4, with process metrics (memory, descriptors, CPU,
 * start time). */
void metrics_write(struct buf *out);
