/* What is encoded is decoded by inflate.h; what an Accept-Encoding likes, by a table. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/deflate.h"
#include "shared/inflate.h"

static const struct inflate_limits limits = {
    .input_bytes = 1 << 30,
    .output_bytes = 1 << 30,
    .ratio = UINT32_MAX,
    .ratio_from_bytes = UINT32_MAX,
    .memory_bytes = 32 << 20,
};

static void decode(struct str coding, struct str encoded, struct buf *out)
{
    AUTO(inflater_free) struct inflater *inflater = NULL;
    enum inflate_status status;
    struct str data;
    size_t used;

    assert_int_equal(inflater_new(coding, &limits, &inflater), OK);
    do {
        status = inflater_run(inflater, encoded, &used, &data);
        encoded = str_sub(encoded, used, encoded.len);
        if (status == INFLATE_DATA)
            buf_append_str(out, data);
    } while (status == INFLATE_DATA);
    assert_int_equal(inflater_finish(inflater), INFLATE_END);
}

static void test_encoded_is_decoded(void **state)
{
    CLEANUP(buf_clear_p) struct buf plain = {0};

    (void)state;
    for (int i = 0; i < 5000; i++)
        buf_printf(&plain, "{\"key\": \"system-%d\", \"state\": \"operational\"},", i * 7919);
    for (int coding = CODING_BROTLI; coding < CODING_COUNT; coding++) {
        CLEANUP(buf_clear_p) struct buf encoded = {0};
        CLEANUP(buf_clear_p) struct buf decoded = {0};

        buf_append_text(&encoded, "kept");
        assert_true(content_encode((enum content_coding)coding, buf_str(&plain), &encoded));
        assert_true(encoded.len < plain.len / 4);
        assert_memory_equal(encoded.data, "kept", 4);
        decode(content_coding_words[coding], str_sub(buf_str(&encoded), 4, encoded.len), &decoded);
        assert_true(str_equal(buf_str(&decoded), buf_str(&plain)));
    }
}

static void test_what_would_not_be_shorter_is_left(void **state)
{
    static const char random_like[] = "\x91\x02\xfe\x3c\x77\xa8\x10\xd5\x4b\x6e\xc9";
    CLEANUP(buf_clear_p) struct buf out = {0};

    (void)state;
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        assert_false(content_encode((enum content_coding)coding, str_of(random_like), &out));
        assert_false(content_encode((enum content_coding)coding, STR(""), &out));
        assert_false(content_encode((enum content_coding)coding, STR("a"), &out));
    }
    assert_int_equal(out.len, 0);
}

static void test_the_coding_that_is_liked(void **state)
{
    static const struct {
        const char *accepted;
        enum content_coding all;
        enum content_coding only_gzip;
    } cases[] = {
        {NULL, CODING_IDENTITY, CODING_IDENTITY},
        {"", CODING_IDENTITY, CODING_IDENTITY},
        {"gzip, deflate, br", CODING_BROTLI, CODING_GZIP},
        {"GZIP", CODING_GZIP, CODING_GZIP},
        {"gzip;q=1.0, br;q=0", CODING_GZIP, CODING_GZIP},
        {"br;q=0.000 , gzip;q=0.001", CODING_GZIP, CODING_GZIP},
        {"br ; q=0.5", CODING_BROTLI, CODING_IDENTITY},
        {"gzipped, brr", CODING_IDENTITY, CODING_IDENTITY},
        {"identity, *;q=0", CODING_IDENTITY, CODING_IDENTITY},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str accepted = cases[i].accepted ? str_of(cases[i].accepted) : (struct str){0};

        assert_int_equal(content_coding_choose(accepted, 7), cases[i].all);
        assert_int_equal(content_coding_choose(accepted, 1U << CODING_GZIP), cases[i].only_gzip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoded_is_decoded),
        cmocka_unit_test(test_what_would_not_be_shorter_is_left),
        cmocka_unit_test(test_the_coding_that_is_liked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
