/* The registry is a list that only grows; values are read without stopping who writes them. */
#include "shared/metrics.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/process.h"
#include "shared/vec.h"

struct refresher {
    void (*refresh)(void *context);
    void *context;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static struct metric *first;
static struct metric **last = &first;
static VEC(struct refresher) refreshers;

static int64_t started_at_ms; /* set before main() */

__attribute__((constructor)) static void note_start(void)
{
    started_at_ms = clock_wall_ms();
}

/* Upper bounds of the buckets. */
static const int64_t bounds_us[METRIC_BUCKETS] = {100,    250,     500,     1000,    2500,
                                                  5000,   10000,   25000,   50000,   100000,
                                                  250000, 1000000, 2500000, 10000000};

void metric_register(struct metric *metric)
{
    pthread_mutex_lock(&mutex);
    if (!metric->registered) {
        metric->registered = true;
        metric->next = NULL;
        *last = metric;
        last = &metric->next;
    }
    pthread_mutex_unlock(&mutex);
}

void metric_observe_us(struct metric *histogram, int64_t duration_us)
{
    size_t bucket = 0;

    while (bucket < METRIC_BUCKETS && duration_us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
    metric_add(histogram, duration_us);
}

void metrics_on_write(void (*refresh)(void *context), void *context)
{
    pthread_mutex_lock(&mutex);
    vec_push(&refreshers, (struct refresher){refresh, context});
    pthread_mutex_unlock(&mutex);
}

static void write_histogram(const struct metric *metric, struct buf *out)
{
    const char *labels = metric->labels ? metric->labels : "";
    const char *comma = metric->labels ? "," : "";
    int64_t count = 0;

    for (size_t i = 0; i <= METRIC_BUCKETS; i++) {
        count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        if (i < METRIC_BUCKETS)
            buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %lld\n", metric->name, labels, comma,
                       (double)bounds_us[i] / 1e6, (long long)count);
        else
            buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %lld\n", metric->name, labels, comma,
                       (long long)count);
    }
    buf_printf(out, "%s_sum%s%s%s %.6f\n", metric->name, metric->labels ? "{" : "", labels,
               metric->labels ? "}" : "", (double)metric_value(metric) / 1e6);
    buf_printf(out, "%s_count%s%s%s %lld\n", metric->name, metric->labels ? "{" : "", labels,
               metric->labels ? "}" : "", (long long)count);
}

static void write_metric(const struct metric *metric, struct buf *out)
{
    if (metric->type == METRIC_IS_HISTOGRAM) {
        write_histogram(metric, out);
        return;
    }
    buf_append_text(out, metric->name);
    if (metric->labels)
        buf_printf(out, "{%s}", metric->labels);
    buf_printf(out, " %lld\n", (long long)metric_value(metric));
}

/* The text format wants all metrics of one name together, under one head. */
static void write_family(const struct metric *family, struct buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};

    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
               types[family->type]);
    for (const struct metric *metric = family; metric; metric = metric->next) {
        if (strcmp(metric->name, family->name) == 0)
            write_metric(metric, out);
    }
}

static bool is_first_of_its_name(const struct metric *metric)
{
    for (const struct metric *earlier = first; earlier != metric; earlier = earlier->next) {
        if (strcmp(earlier->name, metric->name) == 0)
            return false;
    }
    return true;
}

static void write_gauge(struct buf *out, const char *name, const char *help, double value)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %.10g\n", name, help, name, name, value);
}

static int64_t open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int64_t count = -3; /* ".", ".." and the one that looks */

    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void write_process(struct buf *out)
{
    buf_printf(out,
               "# HELP process_cpu_seconds_total Processor time used\n"
               "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.3f\n",
               (double)process_cpu_us() / 1e6);
    write_gauge(out, "process_resident_memory_bytes", "Memory in use",
                (double)process_resident_bytes());
    write_gauge(out, "process_open_fds", "Open descriptors", (double)open_descriptors());
    write_gauge(out, "process_start_time_seconds", "When it began, as Unix time",
                (double)started_at_ms / 1000);
}

void metrics_write(struct buf *out)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < refreshers.len; i++)
        refreshers.items[i].refresh(refreshers.items[i].context);
    for (const struct metric *metric = first; metric; metric = metric->next) {
        if (is_first_of_its_name(metric))
            write_family(metric, out);
    }
    pthread_mutex_unlock(&mutex);
    write_process(out);
}
