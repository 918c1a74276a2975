/* The queue of unacknowledged results: order, numbers, bounds. */
#include "tests/unit/unit_test.h"

#include "shared/mem.h"

#include "prober/backlog.h"

#define BYTES_MAX (1024 * 1024)

/* A result that can be told apart by its time. */
static void put(struct backlog *backlog, int64_t at_ms)
{
    backlog_put(backlog, &(struct result){.at_ms = at_ms, .message = STR("ok")});
}

/* Fills a frame and returns its report; `ret_first_at` is the time of the first result,
 * `ret_last_at` of the last. */
static struct frame_report fill(struct backlog *backlog, int64_t *ret_first_at,
                                int64_t *ret_last_at)
{
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct frame_report report = {0};
    struct frame_report opened;
    struct frame_cursor cursor;

    frame_report_begin(&frame, &report);
    backlog_fill(backlog, &frame, &report);
    frame_report_end(&frame, &report);
    assert_int_equal(frame_report_open(buf_str(&frame), &opened, &cursor), OK);
    assert_int_equal(opened.first_seq, report.first_seq);
    for (unsigned i = 0; i < opened.count; i++) {
        struct result result;

        frame_next_result(&cursor, &result, NULL);
        if (i == 0)
            *ret_first_at = result.at_ms;
        *ret_last_at = result.at_ms;
    }
    return opened;
}

static void test_backlog_gives_again_until_acknowledged(void **state)
{
    AUTO(backlog_free) struct backlog *backlog = backlog_new(1000, BYTES_MAX);
    struct frame_report report;
    int64_t first;
    int64_t last;

    (void)state;
    for (int i = 1; i <= 3; i++)
        put(backlog, i);
    for (int again = 0; again < 2; again++) {
        report = fill(backlog, &first, &last);
        assert_int_equal(report.first_seq, 1);
        assert_int_equal(report.count, 3);
        assert_int_equal(first, 1);
    }
    put(backlog, 4);
    assert_int_equal(backlog_acknowledge(backlog, 2), 2);
    report = fill(backlog, &first, &last);
    assert_int_equal(report.first_seq, 3);
    assert_int_equal(first, 3);
    assert_int_equal(last, 4);
    assert_int_equal(backlog_acknowledge(backlog, 4), 2);
    assert_int_equal(backlog_len(backlog), 0);
}

static void test_backlog_ignores_numbers_that_were_not_sent(void **state)
{
    AUTO(backlog_free) struct backlog *backlog = backlog_new(1000, BYTES_MAX);
    int64_t first;
    int64_t last;

    (void)state;
    put(backlog, 1);
    assert_int_equal(backlog_acknowledge(backlog, 1), 0); /* nothing was under way */
    fill(backlog, &first, &last);
    put(backlog, 2);
    assert_int_equal(backlog_acknowledge(backlog, 2), 0);
    assert_int_equal(backlog_len(backlog), 2);
}

static void test_backlog_drops_the_oldest_that_waits(void **state)
{
    AUTO(backlog_free) struct backlog *backlog = backlog_new(600, BYTES_MAX);
    struct frame_report report;
    int64_t first;
    int64_t last;

    (void)state;
    for (int i = 1; i <= 600; i++)
        put(backlog, i);
    report = fill(backlog, &first, &last);
    assert_int_equal(report.count, BUS_RESULTS_MAX);
    put(backlog, 601); /* 501 gives way: 1 to 500 are under way */
    assert_int_equal(backlog_dropped(backlog), 1);

    report = fill(backlog, &first, &last);
    assert_int_equal(report.first_seq, 1);
    assert_int_equal(last, BUS_RESULTS_MAX);
    assert_int_equal(backlog_acknowledge(backlog, BUS_RESULTS_MAX), BUS_RESULTS_MAX);
    report = fill(backlog, &first, &last);
    assert_int_equal(report.first_seq, BUS_RESULTS_MAX + 1); /* no gap in the numbers */
    assert_int_equal(first, 502);
    assert_int_equal(last, 601);
}

static void test_backlog_is_bounded_by_bytes(void **state)
{
    AUTO(backlog_free) struct backlog *backlog = backlog_new(100000, BYTES_MAX);

    (void)state;
    for (int i = 0; i < 50000; i++)
        put(backlog, i);
    assert_true(backlog_dropped(backlog) > 0);
    assert_int_equal(backlog_len(backlog) + backlog_dropped(backlog), 50000);
}

static void test_backlog_rewinds_or_starts_anew(void **state)
{
    AUTO(backlog_free) struct backlog *backlog = backlog_new(1000, BYTES_MAX);
    struct frame_report before;
    struct frame_report after;
    int64_t first;
    int64_t last;

    (void)state;
    for (int i = 1; i <= 4; i++)
        put(backlog, i);
    before = fill(backlog, &first, &last);
    backlog_acknowledge(backlog, 2);

    backlog_rewind(backlog, 3); /* it has 3 already: 4 is next, same boot */
    after = fill(backlog, &first, &last);
    assert_int_equal(after.boot_id, before.boot_id);
    assert_int_equal(after.first_seq, 4);
    assert_int_equal(first, 4);

    backlog_rewind(backlog, 0); /* 1 to 3 are gone: a new boot counts from 1 */
    after = fill(backlog, &first, &last);
    assert_int_not_equal(after.boot_id, before.boot_id);
    assert_int_equal(after.first_seq, 1);
    assert_int_equal(first, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backlog_gives_again_until_acknowledged),
        cmocka_unit_test(test_backlog_ignores_numbers_that_were_not_sent),
        cmocka_unit_test(test_backlog_drops_the_oldest_that_waits),
        cmocka_unit_test(test_backlog_is_bounded_by_bytes),
        cmocka_unit_test(test_backlog_rewinds_or_starts_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
