/* Socket.IO's packets, as bytes. */
#include "tests/unit/unit_test.h"

#include "shared/json.h"
#include "shared/mem.h"

#include "control/api/socket_io.h"

/* A packet in words: type, attachments, namespace, number, payload. */
static char *describe(const char *text)
{
    struct buf words = {0};
    struct socket_packet packet;

    if (!socket_packet_read(str_of(text), &packet)) {
        assert_null(packet.payload);
        return xstrdup("refused");
    }
    buf_printf(&words, "%d %zu " STR_FMT " " STR_FMT " ", packet.type, packet.attachments,
               STR_ARG(packet.name_space), STR_ARG(packet.ack));
    if (packet.payload)
        json_write(packet.payload, &words);
    socket_packet_clear(&packet);
    return buf_take_text(&words);
}

static void test_packets_are_read(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"0", "0 0 /  "},
        {"0{\"token\":\"123\"}", "0 0 /  {\"token\":\"123\"}"},
        {"0/custom,", "0 0 /custom  "},
        {"0/custom", "0 0 /custom  "},
        {"0/custom,{\"a\":1}", "0 0 /custom  {\"a\":1}"},
        {"1", "1 0 /  "},
        {"1/custom,", "1 0 /custom  "},
        {"2[\"hey\"]", "2 0 /  [\"hey\"]"},
        {"212[\"hey\",{\"a\":[true]}]", "2 0 / 12 [\"hey\",{\"a\":[true]}]"},
        {"2/custom,13[\"hey\"]", "2 0 /custom 13 [\"hey\"]"},
        {"2[\"hey\",{\"_placeholder\":true,\"num\":5}]",
         "2 0 /  [\"hey\",{\"_placeholder\":true,\"num\":5}]"},
        {"312[]", "3 0 / 12 []"},
        {"51-[\"hey\",{\"_placeholder\":true,\"num\":0}]",
         "5 1 /  [\"hey\",{\"_placeholder\":true,\"num\":0}]"},
        {"52-/custom,7[\"hey\",[{\"_placeholder\":true,\"num\":1}]]",
         "5 2 /custom 7 [\"hey\",[{\"_placeholder\":true,\"num\":1}]]"},
        {"50-[\"hey\"]", "5 0 /  [\"hey\"]"},
        {"61-3[{\"_placeholder\":true,\"num\":0}]", "6 1 / 3 [{\"_placeholder\":true,\"num\":0}]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(xfree_p) char *words = describe(cases[i].text);

        assert_string_equal(words, cases[i].words);
    }
}

static void test_what_is_no_packet_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "7",
        "abc",
        "0[1]",
        "0\"text\"",
        "05{}",
        "1{}",
        "11",
        "2",
        "2{}",
        "2[]",
        "2[1]",
        "2[null]",
        "2abc[\"hey\"]",
        "2[\"hey\"",
        "2[\"hey\"]x",
        "212345678901[\"hey\"]",
        "3[]",
        "312",
        "312{}",
        "4{\"message\":\"no\"}",
        "5[\"hey\"]",
        "5-[\"hey\"]",
        "517-[\"hey\"]",
        "51[\"hey\"]",
        "51-[\"hey\",{\"_placeholder\":true,\"num\":1}]",
        "51-[\"hey\",{\"_placeholder\":true,\"num\":-1}]",
        "51-[\"hey\",{\"a\":{\"_placeholder\":true}}]",
        "61-[{\"_placeholder\":true,\"num\":0}]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CLEANUP(xfree_p) char *words = describe(texts[i]);

        assert_string_equal(words, "refused");
    }
}

static void test_a_namespace_has_a_bound(void **state)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    CLEANUP(xfree_p) char *words = NULL;

    (void)state;
    buf_append_text(&text, "0/");
    for (int i = 0; i < SOCKET_NAMESPACE_MAX; i++)
        buf_append_char(&text, 'x');
    words = describe(text.data);
    assert_string_equal(words, "refused");
}

static void test_packets_are_written(void **state)
{
    static const struct {
        struct socket_packet packet;
        const char *text;
    } cases[] = {
        {{.type = SOCKET_CONNECT, .name_space = {"/", 1}}, "0"},
        {{.type = SOCKET_EVENT, .name_space = {"/custom", 7}, .ack = {"13", 2}}, "2/custom,13"},
        {{.type = SOCKET_BINARY_ACK, .attachments = 2, .name_space = {"/", 1}, .ack = {"7", 1}},
         "62-7"},
        {{.type = SOCKET_CONNECT_ERROR, .name_space = {"/random", 7}}, "4/random,"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear_p) struct buf out = {0};

        socket_packet_begin(&out, &cases[i].packet);
        assert_string_equal(out.data, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_are_read),
        cmocka_unit_test(test_what_is_no_packet_is_refused),
        cmocka_unit_test(test_a_namespace_has_a_bound),
        cmocka_unit_test(test_packets_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
