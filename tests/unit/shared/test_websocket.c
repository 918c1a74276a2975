/* Frames both ways: the examples of RFC 6455, every rule that a frame may break, and the handshake. */
#include "tests/unit/unit_test.h"

#include "shared/websocket.h"

#define MESSAGE_MAX 70000

static void expect_event(struct websocket_reader *reader, struct str input, size_t step,
                         enum websocket_event event)
{
    enum websocket_event seen = WEBSOCKET_NEED_MORE;
    size_t used;

    while (input.len > 0 && seen == WEBSOCKET_NEED_MORE) {
        struct str part = str_sub(input, 0, step);

        seen = websocket_read(reader, part, &used);
        if (seen == WEBSOCKET_NEED_MORE)
            assert_int_equal(used, part.len);
        input = str_sub(input, used, input.len);
    }
    assert_int_equal(seen, event);
    if (event == WEBSOCKET_MESSAGE || event == WEBSOCKET_CONTROL)
        assert_int_equal(input.len, 0);
}

#define BYTES(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static void test_the_examples_of_the_rfc(void **state)
{
    /* Section 5.7. */
    static const struct {
        enum websocket_peer peer;
        struct str bytes;
        enum websocket_event event;
        enum websocket_opcode opcode;
        struct str payload;
    } cases[] = {
        {WEBSOCKET_SERVER, BYTES("\x81\x05Hello"), WEBSOCKET_MESSAGE, WEBSOCKET_TEXT,
         BYTES("Hello")},
        {WEBSOCKET_CLIENT, BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), WEBSOCKET_MESSAGE,
         WEBSOCKET_TEXT, BYTES("Hello")},
        {WEBSOCKET_SERVER, BYTES("\x01\x03Hel\x80\x02lo"), WEBSOCKET_MESSAGE, WEBSOCKET_TEXT,
         BYTES("Hello")},
        {WEBSOCKET_SERVER, BYTES("\x89\x05Hello"), WEBSOCKET_CONTROL, WEBSOCKET_PING,
         BYTES("Hello")},
        {WEBSOCKET_CLIENT, BYTES("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), WEBSOCKET_CONTROL,
         WEBSOCKET_PONG, BYTES("Hello")},
        {WEBSOCKET_SERVER, BYTES("\x82\x00"), WEBSOCKET_MESSAGE, WEBSOCKET_BINARY, BYTES("")},
        {WEBSOCKET_SERVER, BYTES("\x02\x01\xff\x00\x00\x80\x01\xfe"), WEBSOCKET_MESSAGE,
         WEBSOCKET_BINARY, BYTES("\xff\xfe")},
    };

    static const size_t steps[] = {1, 2, 1000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(steps); i++) {
        size_t row = i / ARRAY_LEN(steps);
        struct websocket_reader reader;

        websocket_reader_init(&reader, cases[row].peer, MESSAGE_MAX);
        expect_event(&reader, cases[row].bytes, steps[i % ARRAY_LEN(steps)], cases[row].event);
        assert_int_equal(reader.opcode, cases[row].opcode);
        assert_true(str_equal(reader.payload, cases[row].payload));
        websocket_reader_clear(&reader);
    }
}

static void test_what_breaks_the_rules(void **state)
{
    static const struct {
        struct str bytes;
        uint16_t code;
        const char *why;
    } cases[] = {
        {BYTES("\xc1\x00"), 1002, "a frame has reserved bits set"},
        {BYTES("\x91\x00"), 1002, "a frame has reserved bits set"},
        {BYTES("\x83\x00"), 1002, "a frame has a reserved opcode"},
        {BYTES("\x8b\x00"), 1002, "a frame has a reserved opcode"},
        {BYTES("\x81\x85"), 1002, "a server's frame is masked"},
        {BYTES("\x09\x00"), 1002, "a control frame is fragmented"},
        {BYTES("\x89\x7e"), 1002, "a control frame is longer than 125 bytes"},
        {BYTES("\x80\x00"), 1002, "a message goes on that has not begun"},
        {BYTES("\x01\x00\x81\x00"), 1002, "a message begins within another"},
        {BYTES("\x81\x7e\x00\x7d"), 1002, "a length is not in its shortest form"},
        {BYTES("\x81\x7f\0\0\0\0\0\0\xff\xff"), 1002, "a length is not in its shortest form"},
        {BYTES("\x81\x01\xff"), 1007, "a text is not UTF-8"},
        {BYTES("\x01\x01\xc3\x80\x01X"), 1007, "a text is not UTF-8"},
        {BYTES("\x88\x01X"), 1002, "a close frame has half a code"},
        {BYTES("\x88\x02\x03\xed"), 1002, "a close frame has a code that may not be sent"},
        {BYTES("\x88\x02\x00\x00"), 1002, "a close frame has a code that may not be sent"},
        {BYTES("\x88\x03\x03\xe8\xff"), 1007, "the reason of a close frame is not UTF-8"},
    };

    size_t used;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t step = 1; step <= cases[i].bytes.len; step++) {
            struct websocket_reader reader;

            websocket_reader_init(&reader, WEBSOCKET_SERVER, MESSAGE_MAX);
            expect_event(&reader, cases[i].bytes, step, WEBSOCKET_BROKEN);
            assert_string_equal(reader.why, cases[i].why);
            assert_int_equal(reader.code, cases[i].code);
            assert_int_equal(websocket_read(&reader, STR("\x81\x00"), &used), WEBSOCKET_BROKEN);
            websocket_reader_clear(&reader);
        }
    }
}

static void test_limits_hold_before_anything_is_kept(void **state)
{
    static const struct str large[] = {
        BYTES("\x82\x7f\0\0\0\0\x40\0\0\0"),               /* 1 GB */
        BYTES("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), /* all that can be said */
        BYTES("\x82\x7e\x03\xe9"),                         /* one more than 1,000 */
        BYTES("\x02\x01X\x80\x7e\x03\xe8"),                /* the same in two fragments */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(large); i++) {
        struct websocket_reader reader;

        websocket_reader_init(&reader, WEBSOCKET_SERVER, 1000);
        expect_event(&reader, large[i], 100, WEBSOCKET_TOO_LARGE);
        assert_int_equal(reader.code, WEBSOCKET_CODE_TOO_BIG);
        websocket_reader_clear(&reader);
    }
}

static void test_fragments_are_limited(void **state)
{
    struct websocket_reader reader;
    enum websocket_event event;
    unsigned fragments = 1;
    size_t used;

    (void)state;
    websocket_reader_init(&reader, WEBSOCKET_SERVER, 1000);
    event = websocket_read(&reader, STR("\x02\x00"), &used);
    while (event == WEBSOCKET_NEED_MORE && fragments++ < 2 * WEBSOCKET_FRAGMENTS_MAX)
        event = websocket_read(&reader, STR("\x00\x00"), &used);
    assert_int_equal(event, WEBSOCKET_TOO_LARGE);
    assert_int_equal(fragments, WEBSOCKET_FRAGMENTS_MAX + 1);
    websocket_reader_clear(&reader);
}

static void test_control_frames_come_between_fragments(void **state)
{
    struct websocket_reader reader;
    struct str input = STR("\x01\x01"
                           "a"
                           "\x89\x01p"
                           "\x80\x01"
                           "b"
                           "\x88\x05\x03\xe9"
                           "bye");
    size_t used;

    (void)state;
    websocket_reader_init(&reader, WEBSOCKET_SERVER, 1000);
    assert_int_equal(websocket_read(&reader, input, &used), WEBSOCKET_CONTROL);
    assert_true(str_equal(reader.payload, STR("p")));
    input = str_sub(input, used, input.len);
    assert_int_equal(websocket_read(&reader, input, &used), WEBSOCKET_MESSAGE);
    assert_true(str_equal(reader.payload, STR("ab")));
    input = str_sub(input, used, input.len);
    assert_int_equal(websocket_read(&reader, input, &used), WEBSOCKET_CONTROL);
    assert_int_equal(reader.opcode, WEBSOCKET_CLOSE);
    assert_int_equal(reader.code, WEBSOCKET_CODE_GOING_AWAY);
    assert_true(str_equal(reader.payload, STR("bye")));
    websocket_reader_clear(&reader);

    websocket_reader_init(&reader, WEBSOCKET_SERVER, 1000);
    assert_int_equal(websocket_read(&reader, STR("\x88\x00"), &used), WEBSOCKET_CONTROL);
    assert_int_equal(reader.code, WEBSOCKET_CODE_NONE);
    websocket_reader_clear(&reader);
}

static void test_what_is_written_is_read_again(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536};
    static const uint8_t mask[4] = {0x12, 0x00, 0xff, 0x7e};

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        CLEANUP(buf_clear_p) struct buf payload = {0};
        CLEANUP(buf_clear_p) struct buf out = {0};
        bool is_client = i % 2;
        struct websocket_reader reader;

        for (size_t at = 0; at < sizes[i / 2]; at++)
            buf_append_char(&payload, (char)('a' + at % 26));
        websocket_append_frame(&out, WEBSOCKET_TEXT, buf_str(&payload), is_client ? mask : NULL);
        websocket_reader_init(&reader, is_client ? WEBSOCKET_CLIENT : WEBSOCKET_SERVER,
                              MESSAGE_MAX);
        expect_event(&reader, buf_str(&out), 4096, WEBSOCKET_MESSAGE);
        assert_true(str_equal(reader.payload, buf_str(&payload)));
        websocket_reader_clear(&reader);
    }
}

static void test_the_handshake(void **state)
{
    char accept[WEBSOCKET_ACCEPT_BYTES];
    char key[WEBSOCKET_KEY_BYTES];
    char other[WEBSOCKET_KEY_BYTES];

    (void)state;
    assert_true(websocket_accept(STR("dGhlIHNhbXBsZSBub25jZQ=="), accept)); /* section 1.3 */
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    websocket_key(key);
    websocket_key(other);
    assert_true(websocket_accept(str_of(key), accept));
    assert_string_not_equal(key, other);
    assert_false(websocket_accept(STR("dGhlIHNhbXBsZSBub25jZQ"), accept));
    assert_false(websocket_accept(STR("dGhlIHNhbXBsZSBub25jZQAA"), accept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_the_rfc),
        cmocka_unit_test(test_what_breaks_the_rules),
        cmocka_unit_test(test_limits_hold_before_anything_is_kept),
        cmocka_unit_test(test_fragments_are_limited),
        cmocka_unit_test(test_control_frames_come_between_fragments),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_the_handshake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
