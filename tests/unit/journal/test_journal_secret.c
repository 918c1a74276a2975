/* What stands in the journal for a secret. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "shared/attrs.h"

#include "control/journal/journal.h"

static void test_hash_tells_secrets_apart_by_entity_and_key(void **state)
{
    const uint8_t keys[2][JOURNAL_KEY_BYTES] = {{1}, {2}};
    const struct uuid entities[2] = {uuid_new(), uuid_new()};
    char first[JOURNAL_SECRET_HASH_BYTES];
    char other[JOURNAL_SECRET_HASH_BYTES];

    (void)state;
    journal_secret_hash(keys[0], &entities[0], STR("hunter2"), first);
    assert_int_equal(strlen(first), JOURNAL_SECRET_HASH_BYTES - 1);
    assert_memory_equal(first, "hmac-sha256:", 12);
    journal_secret_hash(keys[0], &entities[0], STR("hunter2"), other);
    assert_string_equal(first, other);
    journal_secret_hash(keys[0], &entities[0], STR("hunter3"), other);
    assert_string_not_equal(first, other);
    journal_secret_hash(keys[0], &entities[1], STR("hunter2"), other);
    assert_string_not_equal(first, other);
    journal_secret_hash(keys[1], &entities[0], STR("hunter2"), other);
    assert_string_not_equal(first, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_tells_secrets_apart_by_entity_and_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
