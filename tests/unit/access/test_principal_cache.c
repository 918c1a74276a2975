/* What is remembered of credentials, and for how long. */
#include "tests/unit/unit_test.h"

#include "control/access/principal_cache.h"

static struct principal somebody(uint8_t credential)
{
    return (struct principal){.by = CREDENTIAL_KEY, .credential_id = {{credential}}};
}

static struct token_hash hash_of(uint32_t number)
{
    return token_hash(str_n((const char *)&number, sizeof number));
}

static int setup(void **state)
{
    *state = principal_cache_new();
    return 0;
}

static int teardown(void **state)
{
    principal_cache_free(*state);
    return 0;
}

static void test_find_gives_what_was_kept_while_it_is_fresh(void **state)
{
    struct principal_cache *cache = *state;
    struct token_hash hash = hash_of(1);
    struct principal kept = somebody(7);
    struct principal found;

    principal_cache_keep(cache, &hash, &kept, 1000, principal_cache_generation(cache));

    assert_true(principal_cache_find(cache, &hash, 1000 + CACHE_FRESH_US - 1, &found));
    assert_true(uuid_equal(&found.credential_id, &kept.credential_id));
    assert_false(principal_cache_find(cache, &hash, 1000 + CACHE_FRESH_US, &found));
}

static void test_find_knows_nothing_of_others(void **state)
{
    struct principal_cache *cache = *state;
    struct token_hash hash = hash_of(1);
    struct principal found;

    assert_false(principal_cache_find(cache, &hash, 0, &found));
}

static void test_drop_forgets_at_once(void **state)
{
    struct principal_cache *cache = *state;
    struct token_hash hash = hash_of(1);
    struct principal kept = somebody(7);
    struct principal found;

    principal_cache_keep(cache, &hash, &kept, 0, principal_cache_generation(cache));
    principal_cache_drop(cache, &kept.credential_id);

    assert_false(principal_cache_find(cache, &hash, 1, &found));
}

static void test_keep_ignores_an_answer_from_before_a_drop(void **state)
{
    struct principal_cache *cache = *state;
    struct token_hash hash = hash_of(1);
    struct principal kept = somebody(7);
    struct principal found;
    uint64_t asked_in = principal_cache_generation(cache);

    principal_cache_drop(cache, &kept.credential_id);
    principal_cache_keep(cache, &hash, &kept, 0, asked_in);

    assert_false(principal_cache_find(cache, &hash, 1, &found));
}

static void test_a_full_cache_gives_up_the_oldest(void **state)
{
    struct principal_cache *cache = *state;
    struct principal kept = somebody(7);
    struct token_hash first = hash_of(0);
    struct token_hash second = hash_of(1);
    struct principal found;

    for (uint32_t i = 0; i <= CACHE_ENTRIES_MAX; i++) {
        struct token_hash hash = hash_of(i);

        principal_cache_keep(cache, &hash, &kept, 0, 0);
    }

    assert_false(principal_cache_find(cache, &first, 1, &found));
    assert_true(principal_cache_find(cache, &second, 1, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find_gives_what_was_kept_while_it_is_fresh, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_find_knows_nothing_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drop_forgets_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keep_ignores_an_answer_from_before_a_drop, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_full_cache_gives_up_the_oldest, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
