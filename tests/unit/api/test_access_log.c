/* Which reads are told, and which have been. */
#include "tests/unit/unit_test.h"

#include "control/api/access_log.h"

#define CREDENTIALS 100000

static struct uuid credential(uint32_t number)
{
    struct uuid id = {0};

    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static void test_a_read_is_told_once_in_a_while(void **state)
{
    struct access_log *log = access_log_new();
    const struct uuid one = credential(1);
    const struct uuid two = credential(2);

    (void)state;
    assert_true(access_log_take(log, &one, "list_journal", 5));
    assert_false(access_log_take(log, &one, "list_journal", 5));
    assert_true(access_log_take(log, &one, "list_api_keys", 5));
    assert_true(access_log_take(log, &two, "list_journal", 5));
    assert_false(access_log_take(log, &one, "list_journal", ACCESS_READ_AGAIN_US + 4));
    assert_true(access_log_take(log, &one, "list_journal", ACCESS_READ_AGAIN_US + 5));
    assert_false(access_log_take(log, &one, "list_journal", ACCESS_READ_AGAIN_US + 6));
    access_log_free(log);
}

static void test_too_many_are_told_rather_than_forgotten(void **state)
{
    struct access_log *log = access_log_new();
    const struct uuid first = credential(0);
    const struct uuid last = credential(CREDENTIALS - 1);

    (void)state;
    for (uint32_t i = 0; i < CREDENTIALS; i++) {
        const struct uuid id = credential(i);

        assert_true(access_log_take(log, &id, "list_journal", i));
    }
    assert_false(access_log_take(log, &last, "list_journal", CREDENTIALS));
    assert_true(access_log_take(log, &first, "list_journal", CREDENTIALS));
    access_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_is_told_once_in_a_while),
        cmocka_unit_test(test_too_many_are_told_rather_than_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
