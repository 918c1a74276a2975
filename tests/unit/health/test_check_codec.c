/* The state of a check as bytes, and the packed samples. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "shared/attrs.h"

#include "control/health/check_codec.h"

static struct check_state full_state(void)
{
    struct check_state state = {
        .hard = STATE_DOWN,
        .in_maintenance = true,
        .flapping = true,
        .has_result = true,
        .has_verdict = true,
        .last_verdict = VERDICT_FAIL,
        .error_count = 2,
        .window_len = 3,
        .flap_bits = 0xa5a5a,
        .hard_since_ms = 1795212000123,
        .last_result_at_ms = 1795212060456,
        .told = {STATE_DEGRADED, STATE_DOWN, true, true},
        .window = {VERDICT_OK, VERDICT_WARN, VERDICT_FAIL},
        .window_at_ms = {1795212000123, 1795212030001, 1795212060456},
    };

    return state;
}

static void test_state_reads_back(void **state)
{
    struct check_state cases[] = {{0}, full_state()};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear_p) struct buf buf = {0};
        struct check_state got;

        check_state_write(&buf, &cases[i]);
        assert_true(check_state_read(buf_str(&buf), &got));
        assert_memory_equal(&got, &cases[i], sizeof got);
        assert_int_equal(buf.len, 28 + 5 * cases[i].window_len);
    }
}

static void test_state_golden(void **state)
{
    static const char bytes[] =
        "\x01\x03\x3f\x02\x02\x32\x5a\x5a\x0a\x00"
        "\x7b\x3b\xf9\xfa\xa1\x01\x00\x00\x28\x27\xfa\xfa\xa1\x01\x00\x00"
        "\x03\x00\x00\xad\xeb\x00\x00\x01\xf7\x76\x00\x00\x02\x00\x00\x00\x00";
    CLEANUP(buf_clear_p) struct buf buf = {0};
    struct check_state full = full_state();

    (void)state;
    check_state_write(&buf, &full);
    assert_int_equal(buf.len, sizeof bytes - 1);
    assert_memory_equal(buf.data, bytes, buf.len);
}

static void test_state_refuses(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } cases[] = {
        {0, 2},   {1, STATE_MAINTENANCE}, {3, VERDICT_ERROR}, {4, 21}, {5, 4}, {5, 0x40}, {26, 2},
        {26, 21}, {28, VERDICT_ERROR}};
    CLEANUP(buf_clear_p) struct buf buf = {0};
    struct check_state full = full_state();
    struct check_state got;

    (void)state;
    check_state_write(&buf, &full);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char was = buf.data[cases[i].at];

        buf.data[cases[i].at] = (char)cases[i].value;
        assert_false(check_state_read(buf_str(&buf), &got));
        buf.data[cases[i].at] = was;
    }
    for (size_t len = 0; len < buf.len; len++)
        assert_false(check_state_read(str_n(buf.data, len), &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_reads_back),
        cmocka_unit_test(test_state_golden),
        cmocka_unit_test(test_state_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
