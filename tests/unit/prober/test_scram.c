/* SCRAM-SHA-256: the exchange of RFC 7677, section 3, and servers that lie. */
#include "tests/unit/unit_test.h"

#include "prober/kinds/scram.h"

#define NONCE        "rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT         "W22ZaJ0SNY7soEsUEjb6gQ=="
#define SERVER_FIRST "r=" SERVER_NONCE ",s=" SALT ",i=4096"
#define CLIENT_LAST  "c=biws,r=" SERVER_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SERVER_LAST  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void begin(struct scram *scram, enum scram_binding binding, struct buf *message)
{
    scram_begin(scram, STR("pencil"),
                &(struct scram_options){.user = "user",
                                        .nonce = STR(NONCE),
                                        .binding = binding,
                                        .certificate_digest = STR("digest")},
                message);
}

static void test_the_exchange_of_the_rfc(void **state)
{
    static const uint32_t parts[] = {1000, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        CLEANUP(buf_clear_p) struct buf message = {0};
        struct scram_keys keys = {0};
        struct scram scram = {0};

        begin(&scram, SCRAM_NO_BINDING, &message);
        assert_string_equal(message.data, "n,,n=user,r=" NONCE);
        assert_null(scram_read_first(&scram, STR(SERVER_FIRST)));
        while (!scram_derive(&scram, &keys, parts[i]))
            ;
        buf_reset(&message);
        scram_finish(&scram, &keys, &message);
        assert_string_equal(message.data, CLIENT_LAST);
        assert_null(scram_check_server(&scram, STR(SERVER_LAST)));
        scram_clear(&scram);
    }
}

static void test_known_keys_cost_nothing(void **state)
{
    CLEANUP(buf_clear_p) struct buf message = {0};
    struct scram_keys keys = {0};
    struct scram scram = {0};

    (void)state;
    begin(&scram, SCRAM_NO_BINDING, &message);
    assert_null(scram_read_first(&scram, STR(SERVER_FIRST)));
    assert_false(scram_derive(&scram, &keys, 1));
    assert_true(scram_derive(&scram, &keys, 4096));

    begin(&scram, SCRAM_NO_BINDING, &message);
    assert_null(scram_read_first(&scram, STR(SERVER_FIRST)));
    assert_true(scram_derive(&scram, &keys, 0));
    begin(&scram, SCRAM_NO_BINDING, &message);
    assert_null(scram_read_first(&scram, STR("r=" SERVER_NONCE ",s=" SALT ",i=4097")));
    assert_false(scram_derive(&scram, &keys, 0));
    begin(&scram, SCRAM_NO_BINDING, &message);
    assert_null(scram_read_first(&scram, STR("r=" SERVER_NONCE ",s=W22Z,i=4096")));
    assert_false(scram_derive(&scram, &keys, 0));
    scram_clear(&scram);
}

static void test_bindings_are_said_and_signed(void **state)
{
    static const struct {
        enum scram_binding binding;
        const char *first;
        const char *bound; /* what "c=" holds */
    } cases[] = {
        {SCRAM_NOT_OFFERED, "y,,n=user,r=" NONCE, "y,,"},
        {SCRAM_BOUND, "p=tls-server-end-point,,n=user,r=" NONCE, "p=tls-server-end-point,,digest"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear_p) struct buf message = {0};
        CLEANUP(buf_clear_p) struct buf last = {0};
        struct scram_keys keys = {0};
        struct scram scram = {0};

        begin(&scram, cases[i].binding, &message);
        assert_string_equal(message.data, cases[i].first);
        assert_null(scram_read_first(&scram, STR(SERVER_FIRST)));
        assert_true(scram_derive(&scram, &keys, UINT32_MAX));
        buf_reset(&message);
        scram_finish(&scram, &keys, &message);
        buf_append_text(&last, "c=");
        buf_append_base64(&last, str_of(cases[i].bound));
        buf_append_text(&last, ",r=");
        assert_true(str_starts_with(buf_str(&message), buf_str(&last)));
        assert_non_null(
            scram_check_server(&scram, STR(SERVER_LAST))); /* signs another transcript */
        scram_clear(&scram);
    }
}

static void test_first_messages_that_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "r=" SERVER_NONCE,
        "r=" NONCE ",s=" SALT ",i=4096", /* nothing of the server's own */
        "r=x" SERVER_NONCE ",s=" SALT ",i=4096",
        "m=ext,r=" SERVER_NONCE ",s=" SALT ",i=4096",
        "r=" SERVER_NONCE ",s=,i=4096",
        "r=" SERVER_NONCE ",s=W22,i=4096",
        "r=" SERVER_NONCE ",i=4096,s=" SALT,
        "r=" SERVER_NONCE ",s=" SALT,
        "r=" SERVER_NONCE ",s=" SALT ",i=0",
        "r=" SERVER_NONCE ",s=" SALT ",i=-1",
        "r=" SERVER_NONCE ",s=" SALT ",i=1000001",
        "r=" SERVER_NONCE ",s=" SALT ",i=99999999999999999999",
    };
    CLEANUP(buf_clear_p) struct buf message = {0};
    struct scram scram = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        begin(&scram, SCRAM_NO_BINDING, &message);
        if (!scram_read_first(&scram, str_of(wrong[i])))
            print_error("wrong[%zu]\n", i);
        assert_non_null(scram_read_first(&scram, str_of(wrong[i])));
    }
    scram_clear(&scram);
}

static void test_a_server_that_does_not_know_the_password(void **state)
{
    static const char *const wrong[] = {
        "",
        "v=",
        "v=AAAA",
        "e=invalid-proof",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=AAAA",
    };
    CLEANUP(buf_clear_p) struct buf message = {0};
    struct scram_keys keys = {0};
    struct scram scram = {0};

    (void)state;
    begin(&scram, SCRAM_NO_BINDING, &message);
    assert_null(scram_read_first(&scram, STR(SERVER_FIRST)));
    assert_true(scram_derive(&scram, &keys, UINT32_MAX));
    scram_finish(&scram, &keys, &message);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_non_null(scram_check_server(&scram, str_of(wrong[i])));
    assert_null(scram_check_server(&scram, STR(SERVER_LAST)));
    scram_clear(&scram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_exchange_of_the_rfc),
        cmocka_unit_test(test_known_keys_cost_nothing),
        cmocka_unit_test(test_bindings_are_said_and_signed),
        cmocka_unit_test(test_first_messages_that_are_refused),
        cmocka_unit_test(test_a_server_that_does_not_know_the_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
