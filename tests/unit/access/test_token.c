/* The forms of keys and tokens. */
#include "tests/unit/unit_test.h"

#include "control/access/token.h"

static void test_new_keys_are_sound_and_differ(void **state)
{
    char one[API_KEY_BYTES];
    char other[API_KEY_BYTES];

    (void)state;
    api_key_new(one);
    api_key_new(other);

    assert_int_equal(strlen(one), API_KEY_BYTES - 1);
    assert_memory_equal(one, API_KEY_PREFIX, strlen(API_KEY_PREFIX));
    assert_true(api_key_is_sound(str_of(one)));
    assert_string_not_equal(one, other);
}

static void test_checksum_is_that_of_crc32(void **state)
{
    (void)state;
    /* zlib.crc32(b"0123456789abcdefghijklmnopqrst") = 3415005092, written with six base62
     * digits. */
    assert_true(api_key_is_sound(STR("em_key_0123456789abcdefghijklmnopqrst3j70pI")));
}

static void test_any_changed_character_is_seen(void **state)
{
    char key[API_KEY_BYTES];

    (void)state;
    api_key_new(key);
    for (size_t i = 0; i < strlen(key); i++) {
        char was = key[i];

        key[i] = was == 'A' ? 'B' : 'A';
        assert_false(api_key_is_sound(str_of(key)));
        key[i] = was;
    }
    assert_false(api_key_is_sound(str_n(key, strlen(key) - 1)));
    assert_false(api_key_is_sound(STR("")));
}

static void test_tokens_have_one_form(void **state)
{
    char token[TOKEN_BYTES];

    (void)state;
    token_new(token);

    assert_true(token_is_sound(str_of(token)));
    token[3] = '-';
    assert_false(token_is_sound(str_of(token)));
    assert_false(token_is_sound(str_n(token, 42)));
}

static void test_csrf_token_follows_from_the_session(void **state)
{
    char csrf[2 * SHA256_BYTES + 1];
    char again[2 * SHA256_BYTES + 1];
    char other[2 * SHA256_BYTES + 1];
    char token[TOKEN_BYTES];

    (void)state;
    token_new(token);
    token_csrf(str_of(token), csrf);
    token_csrf(str_of(token), again);
    token[0] = token[0] == 'A' ? 'B' : 'A';
    token_csrf(str_of(token), other);

    assert_int_equal(strlen(csrf), 64);
    assert_string_equal(csrf, again);
    assert_string_not_equal(csrf, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_keys_are_sound_and_differ),
        cmocka_unit_test(test_checksum_is_that_of_crc32),
        cmocka_unit_test(test_any_changed_character_is_seen),
        cmocka_unit_test(test_tokens_have_one_form),
        cmocka_unit_test(test_csrf_token_follows_from_the_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
