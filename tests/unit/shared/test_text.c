/* struct str and struct buf: cutting, numbers, UTF-8, escaping. */
#include "tests/unit/unit_test.h"

#include "shared/buf.h"
#include "shared/mem.h"

static void assert_str(struct str got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.ptr, wanted, got.len);
}

static void test_str_cut_walks_a_list(void **state)
{
    struct str rest = STR("a,,b");

    (void)state;
    assert_str(str_cut(&rest, ','), "a");
    assert_str(str_cut(&rest, ','), "");
    assert_str(str_cut(&rest, ','), "b");
    assert_null(rest.ptr);
}

static void test_str_to_u64_limits(void **state)
{
    uint64_t number = 7;

    (void)state;
    assert_true(str_to_u64(STR("65535"), 65535, &number));
    assert_int_equal(number, 65535);
    assert_false(str_to_u64(STR("65536"), 65535, &number));
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &number));
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &number));
    assert_false(str_to_u64(STR(""), 10, &number));
    assert_false(str_to_u64(STR("-1"), 10, &number));
    assert_false(str_to_u64(STR(" 1"), 10, &number));
}

static void test_str_is_utf8_by_rfc_3629(void **state)
{
    (void)state;
    assert_true(str_is_utf8(STR("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")));
    assert_false(str_is_utf8(STR("\xc0\xaf")));         /* overlong */
    assert_false(str_is_utf8(STR("\xed\xa0\x80")));     /* surrogate */
    assert_false(str_is_utf8(STR("\xf4\x90\x80\x80"))); /* past U+10FFFF */
    assert_false(str_is_utf8(STR("\xe2\x82")));         /* cut */
    assert_false(str_is_utf8(STR("\x80")));
}

static void test_buf_grows_and_drops(void **state)
{
    CLEANUP(buf_clear_p) struct buf buf = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%d,", i);
    assert_int_equal(buf.len, 3890);
    buf_drop(&buf, 3886);
    assert_str(buf_str(&buf), "999,");
    buf_drop(&buf, 100);
    assert_int_equal(buf.len, 0);
}

static void test_buf_append_integer_has_all_digits(void **state)
{
    static const int64_t numbers[] = {0, 7, -1, 10, -210, INT64_MAX, INT64_MIN};
    CLEANUP(buf_clear_p) struct buf buf = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        buf_append_integer(&buf, numbers[i]);
        buf_append_char(&buf, ' ');
    }
    assert_string_equal(buf.data, "0 7 -1 10 -210 9223372036854775807 -9223372036854775808 ");
}

static void test_buf_append_escaped_keeps_utf8_and_limit(void **state)
{
    CLEANUP(buf_clear_p) struct buf buf = {0};

    (void)state;
    buf_append_escaped(&buf, STR("a\x1b[31m\xc3\xa9\xff\0z"), 100);
    assert_str(buf_str(&buf), "a\\x1b[31m\xc3\xa9\\xff\\x00z");
    buf_reset(&buf);
    buf_append_escaped(&buf, STR("abc\x01"), 5); /* the escape would be cut: left out whole */
    assert_str(buf_str(&buf), "abc");
}

static void test_buf_append_base64_pads(void **state)
{
    /* RFC 4648, 10 */
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"\xff\xfe\xfb", "//77"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf text = {0};
        uint8_t bytes[8];
        size_t len;

        buf_append_base64(&text, str_of(pairs[i][0]));
        assert_str(buf_str(&text), pairs[i][1]);
        assert_true(str_from_base64(buf_str(&text), bytes, sizeof bytes, &len));
        assert_int_equal(len, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], len);
        buf_clear(&text);
    }
}

static void test_str_from_base64_is_strict(void **state)
{
    static const char *const wrong[] = {
        "Z",    "Zg",       "Zg=",      "Zm9",   "Z===",      "====", "=g==",     "Zm=v", "Zh==",
        "Zm9=", "Zg==Zg==", "Zm8=Zm8=", "Zm\n9", "Zm9v\nZg=", "-_-_", "Zm9v Zg=", " Zm9", "Zm9\xff",
    };
    uint8_t bytes[8];
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        if (str_from_base64(str_of(wrong[i]), bytes, sizeof bytes, &len))
            print_error("wrong[%zu]\n", i);
        assert_false(str_from_base64(str_of(wrong[i]), bytes, sizeof bytes, &len));
    }
}

static void test_str_from_base64_gives_what_fits(void **state)
{
    uint8_t bytes[5];
    size_t len;

    (void)state;
    assert_true(str_from_base64(STR("Zm9vYmE="), bytes, 5, &len));
    assert_false(str_from_base64(STR("Zm9vYmFy"), bytes, 5, &len));
    assert_false(str_from_base64(STR("Zg=="), bytes, 0, &len));
}

static void test_buf_append_json_string_is_valid_json(void **state)
{
    CLEANUP(buf_clear_p) struct buf buf = {0};

    (void)state;
    buf_append_json_string(&buf, STR("q\" b\\ n\n t\t c\x01 \xc3\xa9 bad\xff!"));
    assert_str(buf_str(&buf), "\"q\\\" b\\\\ n\\n t\\t c\\u0001 \xc3\xa9 bad\xef\xbf\xbd!\"");
    buf_reset(&buf);
    buf_append_json_string(&buf, (struct str){NULL, 0});
    assert_str(buf_str(&buf), "\"\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_cut_walks_a_list),
        cmocka_unit_test(test_str_to_u64_limits),
        cmocka_unit_test(test_str_is_utf8_by_rfc_3629),
        cmocka_unit_test(test_buf_grows_and_drops),
        cmocka_unit_test(test_buf_append_integer_has_all_digits),
        cmocka_unit_test(test_buf_append_escaped_keeps_utf8_and_limit),
        cmocka_unit_test(test_buf_append_base64_pads),
        cmocka_unit_test(test_str_from_base64_is_strict),
        cmocka_unit_test(test_str_from_base64_gives_what_fits),
        cmocka_unit_test(test_buf_append_json_string_is_valid_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
