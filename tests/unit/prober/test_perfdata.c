#include "tests/unit/unit_test.h"

#include "shared/json.h"

#include "prober/perfdata.h"

#define LIMIT 4096

static void assert_perfdata(const char *text, const char *wanted, size_t dropped)
{
    CLEANUP(buf_clear_p) struct buf json = {0};
    struct perfdata_counts counts = perfdata_write(&json, str_of(text), LIMIT);

    assert_string_equal(json.data, wanted);
    assert_int_equal(counts.dropped, dropped);
}

static void test_perfdata_write_reads_all_forms(void **state)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"", "{}"},
        {"  \t\n", "{}"},
        {"a=1", "{\"a\":{\"value\":1}}"},
        {"a=1 b=2", "{\"a\":{\"value\":1},\"b\":{\"value\":2}}"},
        {"time=0.5s;1;2;0;10", "{\"time\":{\"value\":0.5,\"uom\":\"s\",\"warn\":\"1\",\"crit\":"
                               "\"2\",\"min\":0,\"max\":10}}"},
        {"'a b'=1", "{\"a b\":{\"value\":1}}"},
        {"'it''s'=1", "{\"it's\":{\"value\":1}}"},
        {"'a=b'=1", "{\"a=b\":{\"value\":1}}"},
        {"a=U", "{\"a\":{\"value\":null}}"},
        {"a=U;1;2", "{\"a\":{\"value\":null,\"warn\":\"1\",\"crit\":\"2\"}}"},
        {"a=1;@10:20;~:5", "{\"a\":{\"value\":1,\"warn\":\"@10:20\",\"crit\":\"~:5\"}}"},
        {"a=1;10:;", "{\"a\":{\"value\":1,\"warn\":\"10:\"}}"},
        {"a=1;;;;", "{\"a\":{\"value\":1}}"},
        {"a=+.5%", "{\"a\":{\"value\":0.5,\"uom\":\"%\"}}"},
        {"a=-5.", "{\"a\":{\"value\":-5.0}}"},
        {"a=007", "{\"a\":{\"value\":7}}"},
        {"a=1e3B", "{\"a\":{\"value\":1e3,\"uom\":\"B\"}}"},
        {"a=1.e3", "{\"a\":{\"value\":1.0e3}}"},
        {"a=5e", "{\"a\":{\"value\":5,\"uom\":\"e\"}}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_perfdata(cases[i].text, cases[i].json, 0);
}

static void test_perfdata_write_drops_only_what_is_malformed(void **state)
{
    static const char *const bad[] = {
        "x",     "=1",      "x=",    "x=abc", "'x=1", "x=1;2;3;4;5;6", "x=1;a",
        "x=1;:", "x=1;;;u", "x=--1", "x=1;~", "x=1'", "x==1",          "''=1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_clear_p) struct buf text = {0};
        CLEANUP(buf_clear_p) struct buf json = {0};
        struct perfdata_counts counts;

        buf_printf(&text, "a=1 %s", bad[i]);
        counts = perfdata_write(&json, buf_str(&text), LIMIT);
        if (counts.items != 1 || counts.dropped != 1)
            print_error("%s\n", bad[i]);
        assert_int_equal(counts.items, 1);
        assert_int_equal(counts.dropped, 1);
    }
    assert_perfdata("a=1 a=2", "{\"a\":{\"value\":1}}", 1);
}

static void test_perfdata_write_keeps_its_limits(void **state)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    CLEANUP(buf_clear_p) struct buf json = {0};
    struct perfdata_counts counts;
    JSON_AUTO json_t *parsed = NULL;

    (void)state;
    for (int i = 0; i < 2 * PERFDATA_ITEMS_MAX; i++)
        buf_printf(&text, "label-number-%d=%d ", i, i);
    counts = perfdata_write(&json, buf_str(&text), 1000);
    assert_true(json.len <= 1000);
    assert_int_equal(counts.items + counts.dropped, 2 * PERFDATA_ITEMS_MAX);
    assert_int_equal(json_parse(buf_str(&json), &parsed), OK);
    assert_int_equal(json_object_size(parsed), counts.items);
}

static void test_perfdata_write_open_quotes_spoil_their_own_item_only(void **state)
{
    (void)state;
    assert_perfdata("don't=1 b=2", "{\"b\":{\"value\":2}}", 1);
    assert_perfdata("'a=1 b=2", "{\"b\":{\"value\":2}}", 1);
    assert_perfdata("'a b=1 c=2", "{\"b\":{\"value\":1},\"c\":{\"value\":2}}", 1);
    assert_perfdata("'a b'x=1 c=2", "{\"c\":{\"value\":2}}", 1);
    assert_perfdata("'''a'=1 'b''=2 c=3", "{\"'a\":{\"value\":1},\"c\":{\"value\":3}}", 1);
}

static void test_plugin_output_split_finds_all_parts(void **state)
{
    static const struct {
        const char *output;
        const char *message;
        const char *details;
        const char *perfdata;
    } cases[] = {
        {"OK", "OK", "", ""},
        {"OK | a=1\n", "OK", "", " a=1"},
        {"OK\nlong text\nmore", "OK", "long text\nmore", ""},
        {"OK|a=1\nlong text | b=2\nc=3", "OK", "long text ", "a=1  b=2\nc=3"},
        {"|a=1", "", "", "a=1"},
        {"", "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct plugin_output parts;

        plugin_output_split(str_of(cases[i].output), &parts);
        assert_true(str_equal(parts.message, str_of(cases[i].message)));
        assert_true(str_equal(parts.details, str_of(cases[i].details)));
        assert_true(str_equal(buf_str(&parts.perfdata), str_of(cases[i].perfdata)));
        plugin_output_clear(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_perfdata_write_reads_all_forms),
        cmocka_unit_test(test_perfdata_write_drops_only_what_is_malformed),
        cmocka_unit_test(test_perfdata_write_keeps_its_limits),
        cmocka_unit_test(test_perfdata_write_open_quotes_spoil_their_own_item_only),
        cmocka_unit_test(test_plugin_output_split_finds_all_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
