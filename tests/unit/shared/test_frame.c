/* The bytes on the bus: golden frames, both ways, and what is refused. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "shared/attrs.h"
#include "shared/frame.h"

static struct uuid id_of(uint8_t last)
{
    return (struct uuid){.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, last}};
}

#define ID(last) "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17" last

static const struct result plain = {
    .check_id = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x10}},
    .scheduled_at_ms = 0x0102030405060708,
    .at_ms = 0x0102030405060709,
    .verdict = VERDICT_FAIL,
    .outcome = OUTCOME_CONNECT_REFUSED,
    .phase = PHASE_CONNECT,
    .timings = {1, 2, 3, 4, 5, 6, 0x01020304},
    .message = {"no", 2},
};

static const char plain_bytes[] =
    "\x44\x00" ID("\x10") "\x08\x07\x06\x05\x04\x03\x02\x01"
                          "\x09\x07\x06\x05\x04\x03\x02\x01"
                          "\x02\x07\x02\x00"
                          "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0\x04\x03\x02\x01"
                          "\x02\x00no";

/* Every optional part; the address of the second is IPv6. */
static struct result full_result(void)
{
    struct result result = plain;

    result.has = RESULT_HAS_ADDRESS | RESULT_HAS_HTTP | RESULT_HAS_TLS | RESULT_HAS_PERFDATA;
    result.address = (struct result_address){AF_INET, 0x1f90, {127, 0, 0, 1}};
    result.http = (struct result_http){503, 2, true, 0x01020304};
    result.tls = (struct result_tls){0x0304, 0x0a, 0x0b, 0x0c};
    result.perfdata = STR("{\"a\":1}");
    return result;
}

static const char full_tail[] = "\x04\x90\x1f\x7f\x00\x00\x01"
                                "\xf7\x01\x02\x01\x04\x03\x02\x01"
                                "\x04\x03\x0a\0\0\0\0\0\0\0\x0b\0\0\0\0\0\0\0"
                                "\x0c\0\0\0\0\0\0\0"
                                "\x07\x00{\"a\":1}";

static void test_result_record_golden(void **state)
{
    CLEANUP(buf_clear_p) struct buf buf = {0};
    struct result full = full_result();

    (void)state;
    frame_result_write(&buf, &plain);
    assert_int_equal(buf.len, sizeof plain_bytes - 1);
    assert_memory_equal(buf.data, plain_bytes, buf.len);

    buf_reset(&buf);
    frame_result_write(&buf, &full);
    assert_int_equal((uint8_t)buf.data[0], 0x44 + sizeof full_tail - 1);
    assert_int_equal(buf.len, sizeof plain_bytes - 1 + sizeof full_tail - 1);
    assert_memory_equal(buf.data + sizeof plain_bytes - 1, full_tail, sizeof full_tail - 1);
}

static void test_result_record_reads_back(void **state)
{
    CLEANUP(buf_clear_p) struct buf buf = {0};
    struct result full = full_result();
    struct result got;
    struct str rest;

    (void)state;
    full.address.family = AF_INET6;
    memset(full.address.bytes, 0xee, 16);
    frame_result_write(&buf, &full);
    rest = buf_str(&buf);
    assert_true(frame_result_read(&rest, &got));
    assert_int_equal(rest.len, 0);
    assert_true(uuid_equal(&got.check_id, &full.check_id));
    assert_int_equal(got.scheduled_at_ms, full.scheduled_at_ms);
    assert_int_equal(got.at_ms, full.at_ms);
    assert_int_equal(got.verdict, full.verdict);
    assert_int_equal(got.outcome, full.outcome);
    assert_int_equal(got.phase, full.phase);
    assert_int_equal(got.has, full.has);
    assert_memory_equal(&got.timings, &full.timings, sizeof got.timings);
    assert_memory_equal(&got.address, &full.address, sizeof got.address);
    assert_int_equal(got.http.status, 503);
    assert_true(got.http.truncated);
    assert_int_equal(got.tls.chain_not_after_ms, 0x0b);
    assert_int_equal(got.tls.verified_not_after_ms, 0x0c);
    assert_true(str_equal(got.message, full.message));
    assert_true(str_equal(got.perfdata, full.perfdata));
}

/* Cut anywhere, a record is refused and nothing is read past its end (ASan watches). */
static void test_result_record_cut_short(void **state)
{
    CLEANUP(buf_clear_p) struct buf buf = {0};
    struct result full = full_result();
    struct result got;

    (void)state;
    frame_result_write(&buf, &full);
    for (size_t len = 0; len < buf.len; len++) {
        char *copy = str_dup(str_n(buf.data, len));
        struct str rest = str_n(copy, len);

        assert_false(frame_result_read(&rest, &got));
        assert_int_equal(rest.len, len);
        free(copy);
    }
}

struct spoiled {
    size_t at;
    uint8_t value;
};

static void test_result_record_refuses_values_out_of_range(void **state)
{
    static const struct spoiled cases[] = {
        {34, VERDICT_COUNT}, {35, OUTCOME_COUNT}, {36, PHASE_COUNT}, {37, 0x10},           {66, 3},
        {68, 0xff},          {0, 0x43},           {0, 0x45},         {37, RESULT_HAS_TLS},
    };
    struct result got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char bytes[sizeof plain_bytes];
        struct str rest = {bytes, sizeof bytes - 1};

        memcpy(bytes, plain_bytes, sizeof bytes);
        bytes[cases[i].at] = (char)cases[i].value;
        assert_false(frame_result_read(&rest, &got));
    }
}

static void test_result_record_refuses_perfdata_that_is_no_object(void **state)
{
    static const char *const cases[] = {"{", "[]", "1", "{\"a\":1}x", ""};
    struct result got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear_p) struct buf buf = {0};
        struct result result = plain;
        struct str rest;

        result.has = RESULT_HAS_PERFDATA;
        result.perfdata = str_of(cases[i]);
        frame_result_write(&buf, &result);
        rest = buf_str(&buf);
        assert_false(frame_result_read(&rest, &got));
    }
}

static struct frame_report report_of_two(struct buf *frame)
{
    struct frame_report report = {
        .flags = 0,
        .prober_id = id_of(0x20),
        .boot_id = 0x1122334455667788,
        .first_seq = 7,
        .plan_version = 9,
        .sent_at_ms = 0x0102030405060708,
    };
    struct result full = full_result();

    frame_report_begin(frame, &report);
    assert_true(frame_report_add_result(frame, &report, &plain));
    assert_true(frame_report_add_result(frame, &report, &full));
    assert_true(frame_report_add_preview(frame, &report, &(struct frame_preview){0x33, STR("{}")}));
    frame_report_end(frame, &report);
    return report;
}

static void test_report_header_golden(void **state)
{
    static const char header[] =
        "EMB1\x01\x01\x00\x00" ID("\x20") "\x88\x77\x66\x55\x44\x33\x22\x11"
                                          "\x07\0\0\0\0\0\0\0"
                                          "\x09\0\0\0\0\0\0\0"
                                          "\x08\x07\x06\x05\x04\x03\x02\x01"
                                          "\x02\x00\x01\x00";
    static const char preview[] = "\x33\0\0\0\0\0\0\0\x02\0\0\0{}";
    CLEANUP(buf_clear_p) struct buf frame = {0};
    size_t body;

    (void)state;
    report_of_two(&frame);
    assert_memory_equal(frame.data, header, sizeof header - 1);
    body = frame.len - BUS_REPORT_HEADER_BYTES;
    assert_int_equal((uint8_t)frame.data[60] | (uint8_t)frame.data[61] << 8, body);
    assert_memory_equal(frame.data + BUS_REPORT_HEADER_BYTES, plain_bytes, sizeof plain_bytes - 1);
    assert_memory_equal(frame.data + frame.len - sizeof preview + 1, preview, sizeof preview - 1);
}

static void test_report_reads_back(void **state)
{
    CLEANUP(buf_clear_p) struct buf frame = {0};
    CLEANUP(buf_clear_p) struct buf again = {0};
    struct frame_report sent = report_of_two(&frame);
    struct frame_report got;
    struct frame_cursor cursor;
    struct frame_preview preview;
    struct result result;
    struct str record;

    (void)state;
    assert_int_equal(frame_report_open(buf_str(&frame), &got, &cursor), OK);
    assert_true(uuid_equal(&got.prober_id, &sent.prober_id));
    assert_int_equal(got.boot_id, sent.boot_id);
    assert_int_equal(got.first_seq, 7);
    assert_int_equal(got.plan_version, 9);
    assert_int_equal(got.sent_at_ms, sent.sent_at_ms);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.previews, 1);
    frame_next_result(&cursor, &result, &record);
    assert_int_equal(result.outcome, OUTCOME_CONNECT_REFUSED);
    assert_int_equal(record.len, sizeof plain_bytes - 1);
    frame_next_result(&cursor, &result, NULL);
    assert_int_equal(result.http.status, 503);
    frame_next_preview(&cursor, &preview);
    assert_int_equal(preview.token, 0x33);
    assert_true(str_equal(preview.document, STR("{}")));
    assert_int_equal(cursor.rest.len, 0);

    /* A record may be put into another frame as it is. */
    frame_report_begin(&again, &got);
    assert_true(frame_report_add_record(&again, &got, record));
    frame_report_end(&again, &got);
    assert_int_equal(frame_report_open(buf_str(&again), &got, &cursor), OK);
    assert_int_equal(got.count, 1);
}

static void test_report_refuses(void **state)
{
    static const struct spoiled cases[] = {
        {0, 'X'}, {4, 2},  {5, BUS_REPLY}, {32, 0}, {39, 0x80}, {56, 3},
        {56, 1},  {58, 2}, {58, 0},        {57, 2}, {60, 0},
    };
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct frame_report report;
    struct frame_cursor cursor;

    (void)state;
    report_of_two(&frame);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char was = frame.data[cases[i].at];

        frame.data[cases[i].at] = (char)cases[i].value;
        assert_int_equal(frame_report_open(buf_str(&frame), &report, &cursor), ERR_INVALID);
        assert_string_equal(failure_last()->code, "frame_malformed");
        frame.data[cases[i].at] = was;
    }
    for (size_t len = 0; len < frame.len; len++)
        assert_int_equal(frame_report_open(str_n(frame.data, len), &report, &cursor), ERR_INVALID);
    buf_append_char(&frame, 'x');
    assert_int_equal(frame_report_open(buf_str(&frame), &report, &cursor), ERR_INVALID);
    failure_clear();
}

static void test_report_is_full(void **state)
{
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct frame_report report = {.first_seq = 1};
    struct result large = plain;
    struct frame_cursor cursor;
    char perfdata[RESULT_PERFDATA_BYTES_MAX];
    unsigned added = 0;

    (void)state;
    frame_report_begin(&frame, &report);
    while (frame_report_add_result(&frame, &report, &plain))
        added++;
    assert_int_equal(added, BUS_RESULTS_MAX);

    memset(perfdata, ' ', sizeof perfdata);
    perfdata[0] = '{';
    perfdata[sizeof perfdata - 1] = '}';
    large.has = RESULT_HAS_PERFDATA;
    large.perfdata = str_n(perfdata, sizeof perfdata);
    frame_report_begin(&frame, &report);
    for (added = 0; frame_report_add_result(&frame, &report, &large);)
        added++;
    frame_report_end(&frame, &report);
    assert_in_range(added, 50, 70);
    assert_in_range(frame.len, BUS_FRAME_BYTES_MAX - 5000, BUS_FRAME_BYTES_MAX);
    assert_int_equal(frame_report_open(buf_str(&frame), &report, &cursor), OK);
    assert_int_equal(report.count, added);
}

static struct frame_reply reply_of_all(struct buf *frame)
{
    struct frame_reply reply = {
        .flags = BUS_REPLY_MORE | BUS_REPLY_REWIND,
        .boot_id = 0x1122334455667788,
        .acked_seq = 8,
        .plan_version = 10,
        .server_time_ms = 0x0102030405060708,
        .credit = 500,
    };
    const struct frame_item items[] = {
        {.type = BUS_PLAN_RESET},
        {.type = BUS_CHECK_SET,
         .check_id = id_of(1),
         .flags = BUS_CHECK_AT_ONCE,
         .interval_ms = 30000,
         .timeout_ms = 5000,
         .kind = STR("tcp"),
         .document = STR("{\"port\":1}")},
        {.type = BUS_CHECK_DROP, .check_id = id_of(2)},
        {.type = BUS_RUN_AT, .check_id = id_of(3), .delay_ms = 10000},
        {.type = BUS_PREVIEW, .token = 0x44, .document = STR("{}")},
    };

    frame_reply_begin(frame, &reply);
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        assert_true(frame_reply_add_item(frame, &reply, &items[i]));
    frame_reply_end(frame, &reply);
    return reply;
}

static const char reply_bytes[] =
    "EMB1\x01\x02\x03\x00\x88\x77\x66\x55\x44\x33\x22\x11"
    "\x08\0\0\0\0\0\0\0"
    "\x0a\0\0\0\0\0\0\0"
    "\x08\x07\x06\x05\x04\x03\x02\x01"
    "\xf4\x01\0\0\x05\0\0\0\x63\0\0\0"
    "\x01"
    "\x02" ID("\1") "\x01\x30\x75\0\0\x88\x13\0\0\x03\0tcp\x0a\0\0\0{\"port\":1}"
                    "\x03" ID("\2") "\x04" ID("\3") "\x10\x27\0\0"
                                                    "\x05\x44\0\0\0\0\0\0\0\x02\0\0\0{}";

static void test_reply_golden(void **state)
{
    CLEANUP(buf_clear_p) struct buf frame = {0};

    (void)state;
    reply_of_all(&frame);
    assert_int_equal(frame.len, sizeof reply_bytes - 1);
    assert_memory_equal(frame.data, reply_bytes, frame.len);
}

static void test_reply_reads_back(void **state)
{
    struct frame_reply reply;
    struct frame_cursor cursor;
    struct frame_item item;

    (void)state;
    assert_int_equal(frame_reply_open(str_n(reply_bytes, sizeof reply_bytes - 1), &reply, &cursor),
                     OK);
    assert_int_equal(reply.flags, BUS_REPLY_MORE | BUS_REPLY_REWIND);
    assert_int_equal(reply.acked_seq, 8);
    assert_int_equal(reply.plan_version, 10);
    assert_int_equal(reply.credit, 500);
    assert_int_equal(reply.items, 5);
    frame_next_item(&cursor, &item);
    assert_int_equal(item.type, BUS_PLAN_RESET);
    frame_next_item(&cursor, &item);
    assert_int_equal(item.type, BUS_CHECK_SET);
    assert_int_equal(item.check_id.bytes[15], 1);
    assert_int_equal(item.flags, BUS_CHECK_AT_ONCE);
    assert_int_equal(item.interval_ms, 30000);
    assert_int_equal(item.timeout_ms, 5000);
    assert_true(str_equal(item.kind, STR("tcp")));
    assert_true(str_equal(item.document, STR("{\"port\":1}")));
    frame_next_item(&cursor, &item);
    assert_int_equal(item.type, BUS_CHECK_DROP);
    frame_next_item(&cursor, &item);
    assert_int_equal(item.delay_ms, 10000);
    frame_next_item(&cursor, &item);
    assert_int_equal(item.token, 0x44);
}

static void test_reply_refuses(void **state)
{
    static const struct spoiled cases[] = {{5, BUS_REPORT}, {44, 4}, {44, 6}, {46, 1}, {52, 9}};
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct frame_reply reply;
    struct frame_cursor cursor;

    (void)state;
    reply_of_all(&frame);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char was = frame.data[cases[i].at];

        frame.data[cases[i].at] = (char)cases[i].value;
        assert_int_equal(frame_reply_open(buf_str(&frame), &reply, &cursor), ERR_INVALID);
        frame.data[cases[i].at] = was;
    }
    for (size_t len = 0; len < frame.len; len++)
        assert_int_equal(frame_reply_open(str_n(frame.data, len), &reply, &cursor), ERR_INVALID);
    failure_clear();
}

static void test_reply_is_full(void **state)
{
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct frame_reply reply = {0};
    struct frame_cursor cursor;
    char spec[60000];
    struct frame_item item = {.type = BUS_CHECK_SET, .kind = STR("http")};

    (void)state;
    memset(spec, 'a', sizeof spec);
    item.document = str_n(spec, sizeof spec);
    frame_reply_begin(&frame, &reply);
    for (int i = 0; i < 4; i++)
        assert_true(frame_reply_add_item(&frame, &reply, &item));
    assert_false(frame_reply_add_item(&frame, &reply, &item));
    frame_reply_end(&frame, &reply);
    assert_int_equal(frame_reply_open(buf_str(&frame), &reply, &cursor), OK);
    assert_int_equal(reply.items, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_record_golden),
        cmocka_unit_test(test_result_record_reads_back),
        cmocka_unit_test(test_result_record_cut_short),
        cmocka_unit_test(test_result_record_refuses_values_out_of_range),
        cmocka_unit_test(test_result_record_refuses_perfdata_that_is_no_object),
        cmocka_unit_test(test_report_header_golden),
        cmocka_unit_test(test_report_reads_back),
        cmocka_unit_test(test_report_refuses),
        cmocka_unit_test(test_report_is_full),
        cmocka_unit_test(test_reply_golden),
        cmocka_unit_test(test_reply_reads_back),
        cmocka_unit_test(test_reply_refuses),
        cmocka_unit_test(test_reply_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
