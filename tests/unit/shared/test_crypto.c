/* The primitives behind keys and sessions. */
#include "tests/unit/unit_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_is_the_standards),
        cmocka_unit_test(test_random_bytes_differ),
        cmocka_unit_test(test_secret_equal_sees_the_last_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
