/* RFC 3339 in and out. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/clock.h"

static void test_timestamp_format_known_instants(void **state)
{
    static const struct {
        int64_t wall_ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1795168800123, "2026-11-20T10:00:00.123Z"},
        {4107542399999, "2100-02-28T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
    };

    char text[TIMESTAMP_BYTES];
    int64_t back;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(timestamp_format(cases[i].wall_ms, text), cases[i].text);
        assert_true(timestamp_parse(str_of(text), &back));
        assert_int_equal(back, cases[i].wall_ms);
    }
}

static void test_timestamp_parse_offsets_and_fractions(void **state)
{
    static const struct {
        const char *text;
        int64_t wall_ms;
    } cases[] = {
        {"2026-11-20T10:00:00Z", 1795168800000},
        {"2026-11-20t10:00:00.5z", 1795168800500},
        {"2026-11-20T15:30:00+05:30", 1795168800000},
        {"2026-11-20T05:00:00.1239-05:00", 1795168800123},
    };

    int64_t wall_ms;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(timestamp_parse(str_of(cases[i].text), &wall_ms));
        assert_int_equal(wall_ms, cases[i].wall_ms);
    }
}

static void test_timestamp_parse_refuses(void **state)
{
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11-20",
        "2026-11-20 10:00:00Z",
        "2026-13-20T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T10:60:00Z",
        "2026-11-20T10:00:60Z",
        "2026-11-20T10:00:00",
        "2026-11-20T10:00:00.Z",
        "2026-11-20T10:00:00.1234567890Z",
        "2026-11-20T10:00:00+24:00",
        "2026-11-20T10:00:00Zz",
        "2026-11-2OT10:00:00Z",
    };
    int64_t wall_ms;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(timestamp_parse(str_of(cases[i]), &wall_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timestamp_format_known_instants),
        cmocka_unit_test(test_timestamp_parse_offsets_and_fractions),
        cmocka_unit_test(test_timestamp_parse_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
