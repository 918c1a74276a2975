/* Packed samples: exact, small, and refused when spoiled. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "shared/attrs.h"

#include "control/health/samples.h"

/* A repeatable stand-in for noise. */
static uint32_t noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Every 30 s with a start jitter of some ms, totals around `total_us`, `bad_of_100` failures. */
static void make(struct sample *samples, uint32_t total_us, unsigned bad_of_100)
{
    uint32_t seed = 42;
    int64_t at_ms = 1795212000123;

    for (size_t i = 0; i < SAMPLES_PER_CHUNK; i++) {
        bool bad = noise(&seed) % 100 < bad_of_100;

        samples[i] = (struct sample){
            .at_ms = at_ms + noise(&seed) % 5,
            .verdict = bad ? VERDICT_FAIL : VERDICT_OK,
            .outcome = bad ? OUTCOME_CONNECT_REFUSED : OUTCOME_OK,
            .total_us = total_us + noise(&seed) % (total_us / 4),
        };
        at_ms += 30000;
    }
}

static void assert_reads_back(const struct sample *samples, size_t count, struct buf *buf)
{
    struct sample got[SAMPLES_PER_CHUNK];
    size_t got_count;

    buf_reset(buf);
    samples_pack(buf, samples, count);
    assert_true(samples_unpack(buf_str(buf), got, &got_count));
    assert_int_equal(got_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(got[i].at_ms, samples[i].at_ms);
        assert_int_equal(got[i].verdict, samples[i].verdict);
        assert_int_equal(got[i].outcome, samples[i].outcome);
        assert_int_equal(got[i].total_us, samples[i].total_us);
    }
}

static void test_samples_are_exact_and_small(void **state)
{
    struct sample samples[SAMPLES_PER_CHUNK];
    CLEANUP(buf_clear_p) struct buf buf = {0};

    (void)state;
    make(samples, 400, 0); /* a local service */
    assert_reads_back(samples, SAMPLES_PER_CHUNK, &buf);
    assert_in_range(buf.len, 1, 96 * 3 + 20);
    make(samples, 80000, 5); /* a remote one that fails now and then */
    assert_reads_back(samples, SAMPLES_PER_CHUNK, &buf);
    assert_in_range(buf.len, 1, 96 * 5);
}

static void test_samples_at_the_edges(void **state)
{
    static const struct sample samples[] = {
        {0, VERDICT_OK, OUTCOME_OK, 0},
        {-5, VERDICT_ERROR, OUTCOME_PROBER_ERROR, UINT32_MAX},
        {253402300799999, VERDICT_WARN, OUTCOME_CERT_EXPIRING, 0},
        {253402300799999, VERDICT_WARN, OUTCOME_SLOW, 1},
    };
    CLEANUP(buf_clear_p) struct buf buf = {0};

    (void)state;
    assert_reads_back(samples, 0, &buf);
    assert_reads_back(samples, 1, &buf);
    assert_reads_back(samples, ARRAY_LEN(samples), &buf);
}

static void test_samples_refuse(void **state)
{
    struct sample samples[SAMPLES_PER_CHUNK];
    struct sample got[SAMPLES_PER_CHUNK];
    CLEANUP(buf_clear_p) struct buf buf = {0};
    size_t count;

    (void)state;
    make(samples, 80000, 50);
    samples_pack(&buf, samples, SAMPLES_PER_CHUNK);
    for (size_t len = 0; len < buf.len; len++)
        assert_false(samples_unpack(str_n(buf.data, len), got, &count));
    buf_append_char(&buf, 'x');
    assert_false(samples_unpack(buf_str(&buf), got, &count));
    assert_false(samples_unpack(STR("\x02\x00"), got, &count));
    assert_false(samples_unpack(STR("\x01\x61"), got, &count));
    assert_false(samples_unpack(STR("\x01\x01\x00\x01\x04\x00"), got, &count));
    assert_false(samples_unpack(STR("\x01\x01\x00\x01\x00\x7f"), got, &count));
    assert_false(
        samples_unpack(STR("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), got, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_are_exact_and_small),
        cmocka_unit_test(test_samples_at_the_edges),
        cmocka_unit_test(test_samples_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
