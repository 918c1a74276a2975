/* Signatures: the vector is that of the Standard Webhooks reference libraries. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"

#include "control/notify/webhook_signature.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static void test_sign_known_vector(void **state)
{
    CLEANUP(buf_clear_p) struct buf out = {0};
    struct webhook_secret secret;

    (void)state;
    assert_true(webhook_secret_read(STR(SECRET), &secret));
    assert_int_equal(secret.len, 24);
    webhook_sign(&secret, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                 STR("{\"test\": 2432232314}"), &out);
    assert_true(str_equal(buf_str(&out), STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")));
}

static void test_secrets_are_read_strictly(void **state)
{
    static const char *const wrong[] = {
        "",
        "whsec_",
        "whsec_c2hvcnQ=",                         /* 5 bytes */
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY=", /* 23 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",  /* no whole group */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa w",
        "whsec_"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    struct webhook_secret secret;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(webhook_secret_read(str_of(wrong[i]), &secret));
}

static void test_new_secrets_are_sound_and_differ(void **state)
{
    CLEANUP(buf_clear_p) struct buf one = {0};
    CLEANUP(buf_clear_p) struct buf other = {0};
    struct webhook_secret secret;

    (void)state;
    webhook_secret_make(&one);
    webhook_secret_make(&other);
    assert_true(webhook_secret_read(buf_str(&one), &secret));
    assert_int_equal(secret.len, 32);
    assert_false(str_equal(buf_str(&one), buf_str(&other)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign_known_vector),
        cmocka_unit_test(test_secrets_are_read_strictly),
        cmocka_unit_test(test_new_secrets_are_sound_and_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
