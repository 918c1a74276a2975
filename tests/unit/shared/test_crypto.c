/* The primitives behind keys and sessions. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/crypto.h"

static void test_sha256_is_the_standards(void **state)
{
    /* FIPS 180-2, example B.1. */
    static const uint8_t abc[SHA256_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    };
    uint8_t digest[SHA256_BYTES];

    (void)state;
    sha256(STR("abc"), digest);

    assert_memory_equal(digest, abc, sizeof abc);
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    for (size_t i = 0; i < len; i++)
        buf_printf(&text, "%02x", bytes[i]);
    assert_string_equal(text.data, hex);
}

static void test_md5_is_the_standards(void **state)
{
    uint8_t digest[MD5_BYTES];

    (void)state;
    assert_true(md5(STR("abc"), digest)); /* RFC 1321, A.5 */
    assert_hex(digest, sizeof digest, "900150983cd24fb0d6963f7d28e17f72");
    assert_true(md5((struct str){0}, digest));
    assert_hex(digest, sizeof digest, "d41d8cd98f00b204e9800998ecf8427e");
}

static void test_hmac_is_the_standards(void **state)
{
    uint8_t code[SHA256_BYTES];

    (void)state;
    hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), code); /* RFC 4231, 4.3 */
    assert_hex(code, sizeof code,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_sha256((struct str){0}, (struct str){0}, code);
    assert_hex(code, sizeof code,
               "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_pbkdf2_is_the_same_in_parts(void **state)
{
    /* From RFC 7914, section 11, the first 32 bytes; whole and in parts. */
    static const struct {
        struct str password;
        struct str salt;
        uint32_t rounds;
        const char *key;
    } cases[] = {
        {{"passwd", 6},
         {"salt", 4},
         1,
         "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"},
        {{"Password", 8},
         {"NaCl", 4},
         80000,
         "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"},
    };

    static const uint32_t parts[] = {1, 999, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t j = 0; j < ARRAY_LEN(parts); j++) {
            struct pbkdf2 pbkdf2 = {0};

            pbkdf2_begin(&pbkdf2, cases[i].password, cases[i].salt, cases[i].rounds);
            while (!pbkdf2_run(&pbkdf2, parts[j]))
                ;
            assert_hex(pbkdf2.key, sizeof pbkdf2.key, cases[i].key);
            pbkdf2_clear(&pbkdf2);
        }
    }
}

static void test_random_bytes_differ(void **state)
{
    uint8_t one[32];
    uint8_t other[32];

    (void)state;
    random_bytes(one, sizeof one);
    random_bytes(other, sizeof other);

    assert_memory_not_equal(one, other, sizeof one);
}

static void test_secret_equal_sees_the_last_byte(void **state)
{
    (void)state;
    assert_true(secret_equal("token-a", "token-a", 7));
    assert_false(secret_equal("token-a", "token-b", 7));
    assert_true(secret_equal("", "", 0));
}

static void test_seal_gives_back_what_was_sealed(void **state)
{
    static const uint8_t key[SEAL_KEY_BYTES] = {1, 2, 3};
    CLEANUP(buf_clear_p) struct buf sealed = {0};
    CLEANUP(buf_clear_p) struct buf again = {0};
    CLEANUP(buf_clear_p) struct buf plain = {0};

    (void)state;
    seal(key, STR("a secret"), &sealed);
    seal(key, STR("a secret"), &again);
    assert_int_equal(sealed.len, 12 + 8 + 16);
    assert_false(str_equal(buf_str(&sealed), buf_str(&again)));
    assert_true(unseal(key, buf_str(&sealed), &plain));
    assert_true(str_equal(buf_str(&plain), STR("a secret")));
}

static void test_seal_of_nothing(void **state)
{
    static const uint8_t key[SEAL_KEY_BYTES];
    CLEANUP(buf_clear_p) struct buf sealed = {0};
    CLEANUP(buf_clear_p) struct buf plain = {0};

    (void)state;
    seal(key, (struct str){0}, &sealed);
    assert_true(unseal(key, buf_str(&sealed), &plain));
    assert_int_equal(plain.len, 0);
}

static void test_unseal_refuses_any_altered_bit_and_any_cut(void **state)
{
    static const uint8_t key[SEAL_KEY_BYTES] = {9};
    static const uint8_t other[SEAL_KEY_BYTES] = {8};
    CLEANUP(buf_clear_p) struct buf sealed = {0};
    CLEANUP(buf_clear_p) struct buf plain = {0};

    (void)state;
    seal(key, STR("text"), &sealed);
    assert_false(unseal(other, buf_str(&sealed), &plain));
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(unseal(key, buf_str(&sealed), &plain));
        sealed.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(unseal(key, str_n(sealed.data, len), &plain));
    assert_int_equal(plain.len, 0);
    assert_true(unseal(key, buf_str(&sealed), &plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_is_the_standards),
        cmocka_unit_test(test_md5_is_the_standards),
        cmocka_unit_test(test_hmac_is_the_standards),
        cmocka_unit_test(test_pbkdf2_is_the_same_in_parts),
        cmocka_unit_test(test_random_bytes_differ),
        cmocka_unit_test(test_secret_equal_sees_the_last_byte),
        cmocka_unit_test(test_seal_gives_back_what_was_sealed),
        cmocka_unit_test(test_seal_of_nothing),
        cmocka_unit_test(test_unseal_refuses_any_altered_bit_and_any_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
