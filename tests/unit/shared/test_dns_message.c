/* DNS messages: golden bytes of a question, names and rdata of answers, and what is refused. */
#include "tests/unit/unit_test.h"

#include "shared/dns_message.h"

#define HEAD     "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
#define QUESTION "\x04shop\x04test\x00\x00\x01\x00\x01"

static void test_question_golden(void **state)
{
    static const char bytes[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" QUESTION
                                "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
    CLEANUP(buf_clear_p) struct buf buf = {0};

    (void)state;
    dns_question_write(&buf, &(struct dns_question){STR("shop.test."), 1, 0x1234, true, true});
    assert_int_equal(buf.len, sizeof bytes - 1);
    assert_memory_equal(buf.data, bytes, buf.len);

    buf_reset(&buf);
    dns_question_write(&buf, &(struct dns_question){STR("."), 2, 1, false, false});
    assert_int_equal(buf.len, 12 + 1 + 4);
}

static void test_question_is_recognised_in_any_case(void **state)
{
    const struct dns_question question = {STR("SHOP.test"), 1, 0, true, true};

    (void)state;
    assert_true(dns_repeats_question(STR(HEAD QUESTION), &question));
    assert_false(dns_repeats_question(STR(HEAD "\x04shoq\x04test\x00\x00\x01\x00\x01"), &question));
    assert_false(dns_repeats_question(STR(HEAD "\x04shop\x04test\x00\x00\x02\x00\x01"), &question));
    assert_false(dns_repeats_question(STR(HEAD), &question));
    assert_false(dns_repeats_question(STR("\x12\x34"), &question));
}

static void test_names_that_can_be_asked_for(void **state)
{
    static const char *const good[] = {".", "a", "a.b.", "_sip._tcp.a", "xn--bcher-kva.test"};
    static const char *const bad[] = {"", "..", "a..b", ".a", "a b", "b\xc3\xbc"};
    char label[65];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(dns_name_is_valid(str_of(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(dns_name_is_valid(str_of(bad[i])));
    memset(label, 'a', sizeof label);
    assert_true(dns_name_is_valid(str_n(label, 63)));
    assert_false(dns_name_is_valid(str_n(label, 64)));
}

static bool on_record(void *context, const struct dns_record *record)
{
    *(struct dns_record *)context = *record;
    return true;
}

/* The one record that follows the question, as "name type rdata". */
static void assert_record(struct str record_bytes, const char *wanted)
{
    CLEANUP(buf_clear_p) struct buf message = {0};
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct dns_record record = {0};
    char word[DNS_WORD_BYTES];

    buf_append_str(&message, STR(HEAD QUESTION));
    buf_append_str(&message, record_bytes);
    if (!dns_records_read(buf_str(&message), on_record, &record)) {
        assert_null(wanted);
        return;
    }
    assert_non_null(wanted);
    buf_printf(&text, "%s %s ", record.name, dns_type_word(record.type, word));
    dns_rdata_write(&text, buf_str(&message), &record);
    assert_string_equal(text.data, wanted);
}

#define RECORD(name, type, len, data) STR(name "\x00" type "\x00\x01\x00\x00\x00\x3c\x00" len data)

static void test_records_as_text(void **state)
{
    (void)state;
    assert_record(RECORD("\xc0\x0c", "\x01", "\x04", "\x7f\x00\x00\x01"), "shop.test. A 127.0.0.1");
    assert_record(RECORD("\x01w\xc0\x0c", "\x05", "\x02", "\xc0\x0c"),
                  "w.shop.test. CNAME shop.test.");
    assert_record(RECORD("\x00", "\x0f", "\x06", "\x00\x0a\x01m\xc0\x11"), ". MX 10 m.test.");
    assert_record(RECORD("\xc0\x0c", "\x10", "\x05", "\x01\"\x02\x01x"),
                  "shop.test. TXT \"\"\" \"\\x01x\"");
    assert_record(RECORD("\x03"
                         "a.b\x00",
                         "\x01", "\x04", "\x01\x02\x03\x04"),
                  "a\\046b. A 1.2.3.4");
    assert_record(RECORD("\xc0\x0c", "\x01", "\x03", "\x7f\x00\x01"), "shop.test. A \\# 3 7f0001");
    assert_record(RECORD("\xc0\x0c", "\x10", "\x00", ""), "shop.test. TXT \\# 0 ");
    assert_record(RECORD("\xc0\x0c", "\xfe", "\x02", "\xab\x00"), "shop.test. TYPE254 \\# 2 ab00");
}

static void test_malformed_messages_are_refused(void **state)
{
    (void)state;
    assert_record(RECORD("\xc0\xff", "\x01", "\x04", "\x7f\x00\x00\x01"), NULL); /* forward */
    assert_record(RECORD("\xc0\x1b", "\x01", "\x04", "\x7f\x00\x00\x01"), NULL); /* itself */
    assert_record(RECORD("\x80\x00", "\x01", "\x04", "\x7f\x00\x00\x01"),
                  NULL); /* a label of 128 */
    assert_record(RECORD("\xc0\x0c", "\x01", "\x05", "\x7f\x00\x00\x01"), NULL); /* cut short */
    assert_record(STR(""), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question_golden),
        cmocka_unit_test(test_question_is_recognised_in_any_case),
        cmocka_unit_test(test_names_that_can_be_asked_for),
        cmocka_unit_test(test_records_as_text),
        cmocka_unit_test(test_malformed_messages_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
