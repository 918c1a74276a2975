/* Messages of gRPC's health protocol: what is asked, and replies right and wrong in every length. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"

#include "prober/kinds/grpc_health.h"

#define BYTES(literal) ((struct str){(literal), sizeof(literal) - 1})

static void assert_asks(const char *service, struct str wanted)
{
    CLEANUP(buf_clear_p) struct buf out = {0};

    grpc_health_request(&out, str_of(service));
    assert_int_equal(out.len, wanted.len);
    assert_memory_equal(out.data, wanted.ptr, wanted.len);
}

static void test_requests(void **state)
{
    CLEANUP(buf_clear_p) struct buf out = {0};
    char name[201] = {0};

    (void)state;
    assert_asks("", BYTES("\0\0\0\0\0"));
    assert_asks("shop", BYTES("\0\0\0\0\6\x0a\4shop"));

    memset(name, 'n', 200); /* its length takes two bytes */
    grpc_health_request(&out, str_of(name));
    assert_int_equal(out.len, 5 + 3 + 200);
    assert_memory_equal(out.data, "\0\0\0\0\xcb\x0a\xc8\1nnn", 11);
}

struct row {
    struct str body;
    enum grpc_read read;
    uint64_t serving;
};

/* clang-format off */
static const struct row rows[] = {
    {{"\0\0\0\0\2\x08\1", 7}, GRPC_READ_DONE, GRPC_SERVING},
    {{"\0\0\0\0\2\x08\2", 7}, GRPC_READ_DONE, GRPC_NOT_SERVING},
    {{"\0\0\0\0\0", 5}, GRPC_READ_DONE, GRPC_UNKNOWN},
    {{"\0\0\0\0\4\x08\1\x08\2", 9}, GRPC_READ_DONE, GRPC_NOT_SERVING}, /* the last one counts */
    {{"\0\0\0\0\3\x08\x81\0", 8}, GRPC_READ_DONE, GRPC_SERVING},
    {{"\0\0\0\0\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 16}, GRPC_READ_DONE, UINT64_MAX},
    {{"\0\0\0\0\x16\x10\5\x1a\2hi\x25""aaaa\x29""bbbbbbbb\x08\1", 27}, GRPC_READ_DONE, GRPC_SERVING},
    {{"\0\0\0\0\5\x82\1\0\x08\1", 10}, GRPC_READ_DONE, GRPC_SERVING},  /* a field of number 16 */

    {{"\1\0\0\0\0", 5}, GRPC_READ_MALFORMED, 0},                       /* compressed */
    {{"\0\0\0\0\0\0", 6}, GRPC_READ_MALFORMED, 0},                     /* and more */
    {{"\0\0\0\0\1\x08", 6}, GRPC_READ_MALFORMED, 0},                   /* no number */
    {{"\0\0\0\0\2\x08\x80", 7}, GRPC_READ_MALFORMED, 0},               /* half a number */
    {{"\0\0\0\0\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\2", 16}, GRPC_READ_MALFORMED, 0},
    {{"\0\0\0\0\3\x0a\1x", 8}, GRPC_READ_MALFORMED, 0},                /* a text for the status */
    {{"\0\0\0\0\3\x12\2x", 8}, GRPC_READ_MALFORMED, 0},                /* a text longer than the message */
    {{"\0\0\0\0\3\x15xx", 8}, GRPC_READ_MALFORMED, 0},                 /* half of 32 bits */
    {{"\0\0\0\0\1\x13", 6}, GRPC_READ_MALFORMED, 0},                   /* a group */
    {{"\0\0\0\0\2\x00\1", 7}, GRPC_READ_MALFORMED, 0},                 /* field 0 */

    {{"\0\0\0\x10\1", 5}, GRPC_READ_TOO_LARGE, 0},
    {{"\0\xff\xff\xff\xff", 5}, GRPC_READ_TOO_LARGE, 0},
};

/* clang-format on */

static void test_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *wrong = NULL;
        uint64_t serving = 99;

        assert_int_equal(grpc_health_read(rows[i].body, &serving, &wrong), rows[i].read);
        if (rows[i].read == GRPC_READ_DONE)
            assert_int_equal(serving, rows[i].serving);
        assert_true((wrong != NULL) == (rows[i].read == GRPC_READ_MALFORMED));
    }
}

/* What is right at the end asks for more until then. */
static void test_replies_come_in_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t len = 0; rows[i].read == GRPC_READ_DONE && len < rows[i].body.len; len++) {
            const char *wrong = NULL;
            uint64_t serving;

            assert_int_equal(grpc_health_read(str_sub(rows[i].body, 0, len), &serving, &wrong),
                             GRPC_READ_MORE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_replies_come_in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
