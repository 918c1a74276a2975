/* Content codings by a table of messages, each given whole, byte by byte, and cut in two at every
 * place; then what is wrong, what is over a limit, and bombs. */
#include "tests/unit/unit_test.h"

#include <brotli/encode.h>
#include <stdio.h>
#include <sys/resource.h>
#include <zlib.h>

#include "shared/buf.h"
#include "shared/inflate.h"
#include "shared/mem.h"

#define MIB 1048576

static const struct inflate_limits generous = {
    .input_bytes = 1 << 30,
    .output_bytes = INT64_MAX,
    .ratio = UINT32_MAX,
    .ratio_from_bytes = UINT32_MAX,
    .memory_bytes = 32 << 20,
};

static const char poem[] =
    "It is an ancient Mariner, and he stoppeth one of three. By thy long grey "
    "beard and glittering eye, now wherefore stopp'st thou me?";

/* ---- encoding ---- */

/* `window_bits` chooses the form as zlib's deflateInit2() has it. */
static void append_zlib(struct buf *out, struct str text, int window_bits, int flush)
{
    z_stream zlib = {0};

    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    zlib.next_in = (unsigned char *)text.ptr;
    zlib.avail_in = (unsigned)text.len;
    zlib.avail_out = (unsigned)deflateBound(&zlib, text.len) + 16;
    zlib.next_out = (unsigned char *)buf_reserve(out, zlib.avail_out);
    assert_int_equal(deflate(&zlib, flush), flush == Z_FINISH ? Z_STREAM_END : Z_OK);
    out->len += zlib.total_out;
    deflateEnd(&zlib);
}

static void append_gzip(struct buf *out, struct str text)
{
    append_zlib(out, text, 31, Z_FINISH);
}

static void append_br(struct buf *out, struct str text, int window_bits)
{
    size_t len = BrotliEncoderMaxCompressedSize(text.len) + 16;

    assert_true(BrotliEncoderCompress(9, window_bits, BROTLI_MODE_GENERIC, text.len,
                                      (const uint8_t *)text.ptr, &len,
                                      (uint8_t *)buf_reserve(out, len)));
    out->len += len;
}

/* Encodes as `codings` says; "raw" stands for deflate without zlib's header. */
static void encode(struct buf *out, const char *codings, struct str text)
{
    struct str rest = str_of(codings);
    struct buf in = {0};

    buf_append_str(out, text);
    while (rest.ptr) {
        struct str coding = str_trim(str_cut(&rest, ','));
        struct buf plain = *out;

        *out = in;
        in = plain;
        buf_reset(out);
        if (str_equal(coding, STR("gzip")))
            append_gzip(out, buf_str(&in));
        else if (str_equal(coding, STR("deflate")))
            append_zlib(out, buf_str(&in), 15, Z_FINISH);
        else if (str_equal(coding, STR("raw")))
            append_zlib(out, buf_str(&in), -15, Z_FINISH);
        else if (str_equal(coding, STR("br")))
            append_br(out, buf_str(&in), 22);
        else
            buf_append_str(out, buf_str(&in));
    }
    buf_clear(&in);
}

/* ---- decoding ---- */

struct decoded {
    enum inflate_status status;
    uint64_t bytes;
    uint64_t extra_bytes;
    char reason[128];
    struct buf text; /* its first MiB */
};

static void decoded_clear(struct decoded *decoded)
{
    buf_clear(&decoded->text);
}

static enum inflate_status feed(struct inflater *inflater, struct str input,
                                struct decoded *decoded)
{
    for (;;) {
        struct str data = {0};
        size_t used = SIZE_MAX;
        enum inflate_status status = inflater_run(inflater, input, &used, &data);

        assert_true(used <= input.len);
        input = str_sub(input, used, input.len);
        if (status != INFLATE_DATA) {
            assert_true(status == INFLATE_MALFORMED || status == INFLATE_OVER_LIMIT ||
                        input.len == 0);
            return status;
        }
        assert_true(data.len > 0);
        decoded->bytes += data.len;
        if (decoded->text.len + data.len <= MIB)
            buf_append_str(&decoded->text, data);
    }
}

/* Gives the bytes in pieces: `first`, then `each` at a time. */
static struct decoded decode(const char *codings, struct str input, size_t first, size_t each,
                             const struct inflate_limits *limits)
{
    struct decoded decoded = {.status = INFLATE_NEED_MORE};
    struct inflater *inflater;
    size_t len = first;

    assert_int_equal(inflater_new(str_of(codings), limits, &inflater), OK);
    while (input.len > 0 && decoded.status == INFLATE_NEED_MORE) {
        /* In memory of its own, so that it shows when a view of it is kept. */
        size_t part = MIN(len, input.len);
        char *copy = xmalloc(part);

        memcpy(copy, input.ptr, part);
        decoded.status = feed(inflater, str_n(copy, part), &decoded);
        free(copy);
        input = str_sub(input, part, input.len);
        len = each;
    }
    if (decoded.status == INFLATE_END && input.len > 0)
        assert_int_equal(feed(inflater, input, &decoded), INFLATE_END);
    if (decoded.status == INFLATE_NEED_MORE)
        decoded.status = inflater_finish(inflater);
    assert_int_equal(inflater_finish(inflater), decoded.status);
    decoded.extra_bytes = inflater_extra_bytes(inflater);
    snprintf(decoded.reason, sizeof decoded.reason, "%s", inflater_reason(inflater));
    inflater_free(inflater);
    return decoded;
}

static void assert_decodes(const char *codings, struct str encoded, struct str text,
                           uint64_t extra_bytes)
{
    for (size_t first = 0; first <= encoded.len; first++) {
        size_t each = first == 0 ? 1 : encoded.len;
        struct decoded decoded = decode(codings, encoded, first == 0 ? 1 : first, each, &generous);

        assert_string_equal(decoded.reason, "");
        assert_int_equal(decoded.status, INFLATE_END);
        assert_true(str_equal(buf_str(&decoded.text), text));
        assert_int_equal(decoded.extra_bytes, extra_bytes);
        decoded_clear(&decoded);
    }
}

static void assert_gives_up(const char *codings, struct str encoded, enum inflate_status status,
                            const char *reason, const struct inflate_limits *limits)
{
    for (size_t first = 0; first <= encoded.len; first += encoded.len / 200 + 1) {
        struct decoded decoded =
            decode(codings, encoded, first == 0 ? 1 : first, first == 0 ? 1 : encoded.len, limits);

        assert_string_equal(decoded.reason, reason);
        assert_int_equal(decoded.status, status);
        decoded_clear(&decoded);
    }
}

/* ---- what is right ---- */

static void test_codings_decode_in_every_split(void **state)
{
    static const struct {
        const char *named;
        const char *encoded;
    } rows[] = {
        {"", ""},
        {"identity", ""},
        {"gzip", "gzip"},
        {"GZip", "gzip"},
        {"x-gzip", "gzip"},
        {"deflate", "deflate"},
        {"deflate", "raw"},
        {"br", "br"},
        {"identity, gzip", "gzip"},
        {" ,gzip,\t", "gzip"},
        {"gzip, gzip", "gzip, gzip"},
        {"br, gzip", "br, gzip"},
        {"deflate, br", "raw, br"},
        {"gzip, identity, deflate, identity", "gzip, raw"},
    };
    struct buf encoded = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        encode(&encoded, rows[i].encoded, str_of(poem));
        assert_decodes(rows[i].named, buf_str(&encoded), str_of(poem), 0);
        buf_reset(&encoded);
        encode(&encoded, rows[i].encoded, STR("x"));
        assert_decodes(rows[i].named, buf_str(&encoded), STR("x"), 0);
        buf_reset(&encoded);
        encode(&encoded, rows[i].encoded, STR(""));
        assert_decodes(rows[i].named, buf_str(&encoded), STR(""), 0);
        buf_reset(&encoded);
    }
    buf_clear(&encoded);
}

/* Larger than any buffer inside, and not compressible. */
static void test_large_data_comes_out_whole(void **state)
{
    static const char *codings[] = {"gzip", "deflate", "raw", "br", "br, gzip", "identity"};
    struct buf text = {0};
    uint32_t number = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        number = number * 1664525 + 1013904223;
        buf_append_char(&text, (char)(number >> 24));
    }
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        struct buf encoded = {0};
        const char *named = strcmp(codings[i], "raw") == 0 ? "deflate" : codings[i];

        encode(&encoded, codings[i], buf_str(&text));
        for (size_t each = 1; each < encoded.len * 7; each *= 7) {
            struct decoded decoded = decode(named, buf_str(&encoded), each, each, &generous);

            assert_string_equal(decoded.reason, "");
            assert_int_equal(decoded.status, INFLATE_END);
            assert_true(str_equal(buf_str(&decoded.text), buf_str(&text)));
            decoded_clear(&decoded);
        }
        buf_clear(&encoded);
    }
    buf_clear(&text);
}

static void test_gzip_members_follow_one_another(void **state)
{
    struct buf encoded = {0};

    (void)state;
    append_gzip(&encoded, STR("one "));
    append_gzip(&encoded, STR(""));
    append_gzip(&encoded, STR("two"));
    assert_decodes("gzip", buf_str(&encoded), STR("one two"), 0);

    buf_append_text(&encoded, "\x1f\x8b no");
    assert_gives_up("gzip", buf_str(&encoded), INFLATE_MALFORMED,
                    "The gzip data is malformed: unknown compression method.", &generous);
    buf_clear(&encoded);
}

static void test_bytes_after_the_end_are_counted(void **state)
{
    static const char *codings[] = {"gzip", "deflate", "raw", "br", "br, gzip", "gzip, br"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        struct buf encoded = {0};

        encode(&encoded, codings[i], str_of(poem));
        buf_append(&encoded, "\0\0 more", 7);
        assert_decodes(strcmp(codings[i], "raw") == 0 ? "deflate" : codings[i], buf_str(&encoded),
                       str_of(poem), 7);
        buf_clear(&encoded);
    }
}

static void test_an_empty_message_is_complete(void **state)
{
    (void)state;
    assert_decodes("gzip", STR(""), STR(""), 0);
    assert_decodes("br, deflate", STR(""), STR(""), 0);
    assert_decodes("", STR(""), STR(""), 0);
}

/* ---- what is wrong ---- */

static void test_truncated_data_is_malformed(void **state)
{
    static const struct {
        const char *codings;
        const char *reason;
    } rows[] = {
        {"gzip", "The gzip data is malformed: it ends early."},
        {"deflate", "The deflate data is malformed: it ends early."},
        {"br", "The br data is malformed: it ends early."},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf encoded = {0};

        encode(&encoded, rows[i].codings, str_of(poem));
        for (size_t len = 1; len < encoded.len; len++)
            assert_gives_up(rows[i].codings, str_n(encoded.data, len), INFLATE_MALFORMED,
                            rows[i].reason, &generous);
        buf_clear(&encoded);
    }
}

/* One of two codings is complete, the other is not. */
static void test_data_truncated_in_one_coding_is_malformed(void **state)
{
    struct buf inner = {0};
    struct buf encoded = {0};

    (void)state;
    encode(&encoded, "br, gzip", str_of(poem));
    assert_gives_up("br, gzip", str_n(encoded.data, encoded.len - 1), INFLATE_MALFORMED,
                    "The gzip data is malformed: it ends early.", &generous);
    buf_reset(&encoded);
    append_gzip(&inner, str_of(poem));
    append_br(&encoded, str_n(inner.data, inner.len - 1), 22);
    assert_gives_up("gzip, br", buf_str(&encoded), INFLATE_MALFORMED,
                    "The gzip data is malformed: it ends early.", &generous);
    buf_clear(&encoded);
    buf_clear(&inner);
}

static void test_garbage_is_malformed(void **state)
{
    static const struct {
        const char *codings;
        const char *bytes;
        const char *reason;
    } rows[] = {
        {"gzip", "<html>", "The gzip data is malformed: incorrect header check."},
        {"gzip", "\x1f\x8b\x07 not deflate",
         "The gzip data is malformed: unknown compression method."},
        {"deflate", "<html>", "The deflate data is malformed: invalid code lengths set."},
        {"deflate", "\xff\xff", "The deflate data is malformed: invalid block type."},
        {"deflate", "\x78\xbb\x01\x01\x01\x01",
         "The deflate data is malformed: it needs a dictionary."},
        {"br", "\xff\xff\xff\xff", "The br data is malformed: PADDING_2."},
        {"br, gzip", "<html>", "The gzip data is malformed: incorrect header check."},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_gives_up(rows[i].codings, str_of(rows[i].bytes), INFLATE_MALFORMED, rows[i].reason,
                        &generous);
}

static void test_a_wrong_check_sum_is_malformed(void **state)
{
    struct buf encoded = {0};

    (void)state;
    append_gzip(&encoded, str_of(poem));
    encoded.data[encoded.len - 8] ^= 1;
    assert_gives_up("gzip", buf_str(&encoded), INFLATE_MALFORMED,
                    "The gzip data is malformed: incorrect data check.", &generous);
    encoded.data[encoded.len - 8] ^= 1;
    encoded.data[encoded.len - 1] ^= 1;
    assert_gives_up("gzip", buf_str(&encoded), INFLATE_MALFORMED,
                    "The gzip data is malformed: incorrect length check.", &generous);
    buf_clear(&encoded);
}

static void test_unknown_and_nested_codings_are_refused(void **state)
{
    struct inflater *inflater;

    (void)state;
    assert_int_equal(inflater_new(STR("gzip, zstd"), &generous, &inflater), ERR_INVALID);
    assert_string_equal(failure_last()->code, "coding_unknown");
    assert_string_equal(failure_last()->detail, "The content coding \"zstd\" is not known.");
    assert_int_equal(inflater_new(STR("\xff\x01"), &generous, &inflater), ERR_INVALID);
    assert_string_equal(failure_last()->detail, "The content coding \"\\xff\\x01\" is not known.");
    assert_int_equal(inflater_new(STR("gzip;q=1"), &generous, &inflater), ERR_INVALID);
    assert_int_equal(inflater_new(STR("gzip, br, gzip"), &generous, &inflater), ERR_LIMITED);
    assert_string_equal(failure_last()->code, "coding_nested");
    failure_clear();
}

/* ---- limits ---- */

static void test_limits_hold_to_the_byte(void **state)
{
    static const char *codings[] = {"gzip", "deflate", "br", "identity", "gzip, br"};
    char reason[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        struct inflate_limits limits = generous;
        struct buf encoded = {0};
        struct decoded decoded;

        encode(&encoded, codings[i], str_of(poem));
        limits.output_bytes = sizeof poem - 1;
        limits.input_bytes = encoded.len;
        if (i == 4) /* the inner coding is longer than what is in it */
            limits.output_bytes += 100;
        decoded = decode(codings[i], buf_str(&encoded), 1, 1, &limits);
        assert_int_equal(decoded.status, INFLATE_END);
        decoded_clear(&decoded);

        limits.input_bytes--;
        snprintf(reason, sizeof reason, "The %s data is longer than %zu bytes.",
                 i == 4 ? "br" : codings[i], encoded.len - 1);
        if (i != 3)
            assert_gives_up(codings[i], buf_str(&encoded), INFLATE_OVER_LIMIT, reason, &limits);
        limits.input_bytes++;

        limits.output_bytes = sizeof poem - 2;
        snprintf(reason, sizeof reason, "The %s data decodes to more than %zu bytes.",
                 i == 4 ? "gzip" : codings[i], sizeof poem - 2);
        if (i == 3)
            snprintf(reason, sizeof reason, "The data is longer than %zu bytes.", sizeof poem - 2);
        if (i != 4)
            assert_gives_up(codings[i], buf_str(&encoded), INFLATE_OVER_LIMIT, reason, &limits);
        buf_clear(&encoded);
    }
}

static void test_the_ratio_is_limited(void **state)
{
    struct inflate_limits limits = generous;
    struct buf zeros = {0};
    struct buf encoded = {0};
    struct decoded decoded;

    (void)state;
    memset(buf_reserve(&zeros, MIB), 0, MIB);
    zeros.len = MIB;
    limits.ratio = 200;
    limits.ratio_from_bytes = 64 * 1024;

    append_gzip(&encoded, buf_str(&zeros));
    assert_gives_up("gzip", buf_str(&encoded), INFLATE_OVER_LIMIT,
                    "The gzip data decodes to more than 200 times its length.", &limits);
    decoded = decode("gzip", buf_str(&encoded), encoded.len, 1, &limits);
    assert_true(decoded.bytes <= limits.ratio_from_bytes + 200 * encoded.len);
    decoded_clear(&decoded);

    /* Twice over it is caught in the outer coding already. */
    zeros.len = 0;
    buf_append_str(&zeros, buf_str(&encoded));
    buf_reset(&encoded);
    for (int i = 0; i < 900; i++)
        buf_append_str(&encoded, buf_str(&zeros));
    buf_reset(&zeros);
    append_br(&zeros, buf_str(&encoded), 22);
    assert_gives_up("gzip, br", buf_str(&zeros), INFLATE_OVER_LIMIT,
                    "The gzip data decodes to more than 200 times its length.", &limits);

    /* What is small may be of any ratio. */
    buf_reset(&zeros);
    buf_reset(&encoded);
    memset(buf_reserve(&zeros, 65536), 0, 65536);
    zeros.len = 65536;
    append_br(&encoded, buf_str(&zeros), 22);
    decoded = decode("br", buf_str(&encoded), 1, 1, &limits);
    assert_int_equal(decoded.status, INFLATE_END);
    decoded_clear(&decoded);
    buf_clear(&encoded);
    buf_clear(&zeros);
}

/* A window of 16 MiB is announced and used, but only 1 MiB may be had. */
static void test_memory_for_br_is_limited(void **state)
{
    struct inflate_limits limits = generous;
    struct buf text = {0};
    struct buf encoded = {0};
    struct decoded decoded;

    (void)state;
    memset(buf_reserve(&text, 8 * MIB), 'x', 8 * MIB);
    text.len = 8 * MIB;
    append_br(&encoded, buf_str(&text), 24);
    limits.memory_bytes = MIB;
    assert_gives_up("br", buf_str(&encoded), INFLATE_OVER_LIMIT,
                    "Decoding the br data takes more than 1048576 bytes of memory.", &limits);
    limits.memory_bytes = 10;
    assert_gives_up("br", buf_str(&encoded), INFLATE_OVER_LIMIT,
                    "Decoding the br data takes more than 10 bytes of memory.", &limits);

    /* A large window costs nothing where the data is small. */
    buf_reset(&encoded);
    append_br(&encoded, str_of(poem), 24);
    limits.memory_bytes = 128 * 1024;
    decoded = decode("br", buf_str(&encoded), 1, 1, &limits);
    assert_int_equal(decoded.status, INFLATE_END);
    decoded_clear(&decoded);
    buf_clear(&encoded);
    buf_clear(&text);
}

/* ---- bombs ---- */

static long peak_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* 1 GiB of zeros as blocks of 1 MiB, each of which stands for itself. */
static void append_raw_bomb(struct buf *out)
{
    struct buf zeros = {0};
    struct buf block = {0};

    memset(buf_reserve(&zeros, MIB), 0, MIB);
    zeros.len = MIB;
    append_zlib(&block, buf_str(&zeros), -15, Z_FULL_FLUSH);
    for (int i = 0; i < 1024; i++)
        buf_append_str(out, buf_str(&block));
    append_zlib(out, STR(""), -15, Z_FINISH);
    buf_clear(&block);
    buf_clear(&zeros);
}

static void append_br_bomb(struct buf *out)
{
    BrotliEncoderState *encoder = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    uint8_t *zeros = xcalloc(1, MIB);

    assert_non_null(encoder);
    BrotliEncoderSetParameter(encoder, BROTLI_PARAM_QUALITY, 2);
    for (int i = 0; i < 1024; i++) {
        const uint8_t *next_in = zeros;
        size_t in_left = MIB;
        BrotliEncoderOperation operation =
            i < 1023 ? BROTLI_OPERATION_PROCESS : BROTLI_OPERATION_FINISH;

        while (in_left > 0 || BrotliEncoderHasMoreOutput(encoder)) {
            uint8_t *next_out = (uint8_t *)buf_reserve(out, 65536);
            size_t out_left = 65536;

            assert_true(BrotliEncoderCompressStream(encoder, operation, &in_left, &next_in,
                                                    &out_left, &next_out, NULL));
            out->len += 65536 - out_left;
        }
    }
    BrotliEncoderDestroyInstance(encoder);
    free(zeros);
}

static void assert_flat(const char *codings, struct str bomb)
{
    long before_kib = peak_kib();
    struct decoded decoded = decode(codings, bomb, 16384, 16384, &generous);

    assert_string_equal(decoded.reason, "");
    assert_int_equal(decoded.status, INFLATE_END);
    assert_int_equal(decoded.bytes, 1 << 30);
    assert_in_range(peak_kib() - before_kib, 0, 12 * 1024); /* of which brotli's window is 4 MiB */
    decoded_clear(&decoded);
}

static void test_bombs_are_met_with_the_same_memory(void **state)
{
    struct buf bomb = {0};
    struct buf again = {0};

    (void)state;
    append_raw_bomb(&bomb);
    append_gzip(&again, buf_str(&bomb));
    assert_in_range(bomb.len, MIB / 2, 2 * MIB);
    assert_in_range(again.len, 1, 16 * 1024);
    assert_flat("deflate, gzip", buf_str(&again));
    buf_reset(&bomb);
    append_br_bomb(&bomb);
    assert_in_range(bomb.len, 1, 16 * 1024);
    assert_flat("br", buf_str(&bomb));
    buf_clear(&again);
    buf_clear(&bomb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codings_decode_in_every_split),
        cmocka_unit_test(test_large_data_comes_out_whole),
        cmocka_unit_test(test_gzip_members_follow_one_another),
        cmocka_unit_test(test_bytes_after_the_end_are_counted),
        cmocka_unit_test(test_an_empty_message_is_complete),
        cmocka_unit_test(test_truncated_data_is_malformed),
        cmocka_unit_test(test_data_truncated_in_one_coding_is_malformed),
        cmocka_unit_test(test_garbage_is_malformed),
        cmocka_unit_test(test_a_wrong_check_sum_is_malformed),
        cmocka_unit_test(test_unknown_and_nested_codings_are_refused),
        cmocka_unit_test(test_limits_hold_to_the_byte),
        cmocka_unit_test(test_the_ratio_is_limited),
        cmocka_unit_test(test_memory_for_br_is_limited),
        cmocka_unit_test(test_bombs_are_met_with_the_same_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
