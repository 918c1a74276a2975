/* Metrics in Prometheus' text form. */
#include "tests/unit/unit_test.h"

#include "shared/metrics.h"

static struct metric ok = METRIC_COUNTER("t_requests_total", "Requests", .labels = "class=\"ok\"");
static struct metric between = METRIC_GAUGE("t_depth", "Depth");
static struct metric bad =
    METRIC_COUNTER("t_requests_total", "Requests", .labels = "class=\"bad\"");
static struct metric took = METRIC_DURATION("t_seconds", "Duration");

static void refresh(void *context)
{
    metric_set(context, 7);
}

static void test_metrics_are_written_by_family(void **state)
{
    struct buf out = {0};

    (void)state;
    metric_register(&ok);
    metric_register(&ok);
    metric_register(&between);
    metric_register(&bad);
    metric_register(&took);
    metrics_on_write(refresh, &between);
    metric_add(&ok, 2);
    metric_add(&bad, 1);
    metric_observe_us(&took, 100);
    metric_observe_us(&took, 101);
    metric_observe_us(&took, 20000000);

    metrics_write(&out);
    assert_non_null(strstr(out.data, "# HELP t_requests_total Requests\n"
                                     "# TYPE t_requests_total counter\n"
                                     "t_requests_total{class=\"ok\"} 2\n"
                                     "t_requests_total{class=\"bad\"} 1\n"
                                     "# HELP t_depth Depth\n# TYPE t_depth gauge\nt_depth 7\n"
                                     "# HELP t_seconds Duration\n# TYPE t_seconds histogram\n"
                                     "t_seconds_bucket{le=\"0.0001\"} 1\n"
                                     "t_seconds_bucket{le=\"0.00025\"} 2\n"));
    assert_non_null(strstr(out.data, "t_seconds_bucket{le=\"10\"} 2\n"
                                     "t_seconds_bucket{le=\"+Inf\"} 3\n"
                                     "t_seconds_sum 20.000201\nt_seconds_count 3\n"));
    assert_non_null(strstr(out.data, "process_resident_memory_bytes "));
    assert_non_null(strstr(out.data, "process_start_time_seconds 1"));
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_metrics_are_written_by_family)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
