/* Engine.IO's packets, payloads and queries, as bytes. */
#include "tests/unit/unit_test.h"

#include "shared/mem.h"

#include "control/api/engine_io.h"

static void test_a_packet_is_a_digit_and_the_rest(void **state)
{
    struct engine_packet packet;

    (void)state;
    assert_true(engine_packet_read(STR("4hello"), &packet));
    assert_int_equal(packet.type, ENGINE_MESSAGE);
    assert_true(str_equal(packet.data, STR("hello")) && !packet.is_binary);
    assert_true(engine_packet_read(STR("6"), &packet));
    assert_int_equal(packet.type, ENGINE_NOOP);
    assert_int_equal(packet.data.len, 0);
    assert_false(engine_packet_read(STR(""), &packet));
    assert_false(engine_packet_read(STR("7"), &packet));
    assert_false(engine_packet_read(STR("abc"), &packet));
}

/* What a payload says, one line for each packet. */
static void expect_payload(struct str payload, const char *wanted)
{
    CLEANUP(buf_clear_p) struct buf scratch = {0};
    CLEANUP(buf_clear_p) struct buf heard = {0};
    struct engine_packet packet;
    enum engine_step step;

    while ((step = engine_payload_next(&payload, &scratch, &packet)) == ENGINE_STEP_PACKET) {
        buf_printf(&heard, "%d%s ", packet.type, packet.is_binary ? "b" : "");
        buf_append_escaped(&heard, packet.data, 1000);
        buf_append_char(&heard, '\n');
    }
    buf_append_text(&heard, step == ENGINE_STEP_END ? "end" : "invalid");
    assert_string_equal(heard.data, wanted);
}

static void test_payloads_are_cut_at_the_separator(void **state)
{
    (void)state;
    expect_payload(STR("4one"), "4 one\nend");
    expect_payload(STR("4one\x1e"
                       "3\x1e"
                       "4"),
                   "4 one\n3 \n4 \nend");
    expect_payload(STR("4text\x1e"
                       "bAQIDBA=="),
                   "4 text\n4b \\x01\\x02\\x03\\x04\nend");
    expect_payload(STR("b"), "4b \nend");
    expect_payload(STR(""), "invalid");
    expect_payload(STR("4one\x1e"), "4 one\ninvalid");
    expect_payload(STR("4one\x1e\x1e"
                       "4two"),
                   "4 one\ninvalid");
    expect_payload(STR("bAQ"), "invalid");
    expect_payload(STR("bA Q="), "invalid");
    expect_payload(STR("4\x1e"
                       "9"),
                   "4 \ninvalid");
    expect_payload((struct str){0}, "end");
}

static void test_payloads_are_put_together_the_same_way(void **state)
{
    CLEANUP(buf_clear_p) struct buf payload = {0};

    (void)state;
    engine_payload_append(&payload, false, STR("4hello"));
    engine_payload_append(&payload, true, STR("\x01\x02\x03\x04"));
    engine_payload_append(&payload, false, STR("2"));
    assert_string_equal(payload.data, "4hello\x1e"
                                      "bAQIDBA==\x1e"
                                      "2");
}

static void test_queries_are_read_strictly(void **state)
{
    static const struct {
        const char *query;
        enum engine_error error;
        const char *sid;
        enum engine_transport transport;
    } cases[] = {
        {"EIO=4&transport=polling", ENGINE_FINE, NULL, ENGINE_POLLING},
        {"t=x1&transport=websocket&EIO=4&sid=ab", ENGINE_FINE, "ab", ENGINE_WEBSOCKET},
        {"EIO=4&transport=polling&sid=", ENGINE_FINE, "", ENGINE_POLLING},
        {"transport=polling", ENGINE_VERSION_UNSUPPORTED, NULL, ENGINE_POLLING},
        {"EIO=3&transport=polling", ENGINE_VERSION_UNSUPPORTED, NULL, ENGINE_POLLING},
        {"EIO=4&EIO=4&transport=polling", ENGINE_VERSION_UNSUPPORTED, NULL, ENGINE_POLLING},
        {"EIO&transport=polling", ENGINE_VERSION_UNSUPPORTED, NULL, ENGINE_POLLING},
        {"EIO=4", ENGINE_TRANSPORT_UNKNOWN, NULL, ENGINE_POLLING},
        {"EIO=4&transport=carrier", ENGINE_TRANSPORT_UNKNOWN, NULL, ENGINE_POLLING},
        {"EIO=4&transport=polling&sid=a&sid=b", ENGINE_SID_UNKNOWN, NULL, ENGINE_POLLING},
        {"", ENGINE_TRANSPORT_UNKNOWN, NULL, ENGINE_POLLING},
        {NULL, ENGINE_TRANSPORT_UNKNOWN, NULL, ENGINE_POLLING},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine_query query;

        assert_int_equal(engine_query_read(str_of(cases[i].query), &query), cases[i].error);
        if (cases[i].error != ENGINE_FINE)
            continue;
        assert_int_equal(query.transport, cases[i].transport);
        assert_true(str_equal(query.sid, str_of(cases[i].sid)));
        assert_int_equal(query.sid.ptr != NULL, cases[i].sid != NULL);
    }
}

static void test_what_is_said_first_and_last(void **state)
{
    CLEANUP(buf_clear_p) struct buf out = {0};

    (void)state;
    engine_open_append(&out, &(struct engine_open){.sid = "ab",
                                                   .may_upgrade = true,
                                                   .ping_interval_ms = 300,
                                                   .ping_timeout_ms = 200,
                                                   .payload_bytes_max = 1000});
    assert_string_equal(out.data, "0{\"sid\":\"ab\",\"upgrades\":[\"websocket\"],\"pingInterval\":"
                                  "300,\"pingTimeout\":200,\"maxPayload\":1000}");
    buf_reset(&out);
    engine_error_append(&out, ENGINE_SID_UNKNOWN);
    assert_string_equal(out.data, "{\"code\":1,\"message\":\"Session ID unknown\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packet_is_a_digit_and_the_rest),
        cmocka_unit_test(test_payloads_are_cut_at_the_separator),
        cmocka_unit_test(test_payloads_are_put_together_the_same_way),
        cmocka_unit_test(test_queries_are_read_strictly),
        cmocka_unit_test(test_what_is_said_first_and_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
