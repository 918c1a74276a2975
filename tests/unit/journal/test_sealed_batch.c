/* Hashes of records and batches against those that tests/system/journal_chain.py computes. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"

#include "control/journal/sealed_batch.h"

static const char *const record_hashes[] = {
    "0a3e0fc548851a57bffd8ecea58c83ca04528096569ec8b603f2937cd4d8d586",
    "05fd44659c81c30631320ff9445fde05905000a1d3f437ced12c1d59efa2270a",
    "842d5195502c0fbbf7c4682a8ec5189334ddb7ccba6882e2c651b06e562d329c",
};
static const char hash_with_address[] =
    "6d6d6a6111c234d4b3c7748d110fe00e781c4095c364b5fd4e936cb6f9dc2686";
static const char first_batch[] =
    "4ca2665aab2bd828e8c9a86efe4c576bba4b02641c4845edd3ae038737f761bf";
static const char second_batch[] =
    "9dff55199862462ed20adeff776814ba82d1725413ddfb4a340e1fdc7ac9a23e";

static int64_t add_from(struct sealed_chain *chain, const char *id, const char *after,
                        const char *address, char *ret_hash)
{
    const struct str texts[SEALED_TEXTS] = {
        str_of(id),
        STR("2026-11-20T10:00:00.123456Z"),
        {0},
        {0},
        STR("administrator"),
        {0},
        STR("create"),
        STR("system"),
        STR("e"),
        {0},
        str_of(after),
        {0},
        str_of(address),
    };

    return sealed_chain_add(chain, texts, ret_hash);
}

static int64_t add(struct sealed_chain *chain, const char *id, const char *after, char *ret_hash)
{
    return add_from(chain, id, after, NULL, ret_hash);
}

static struct uuid chain_id(void)
{
    struct uuid id;

    assert_true(uuid_parse(STR("01890000-0000-7000-8000-000000000001"), &id));
    return id;
}

static void test_batches_follow_one_another(void **state)
{
    static const char *const ids[] = {"id-1", "id-2", "id-3"};
    const struct uuid id = chain_id();
    struct sealed_chain chain;
    struct sealed_chain next;
    char hash[TEXT_LIST_HASH_BYTES];

    (void)state;
    sealed_chain_begin(&chain, &id, 0, (struct str){0});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(add(&chain, ids[i], "{\"a\": 1}", hash), i + 1);
        assert_string_equal(hash, record_hashes[i]);
    }
    sealed_chain_end(&chain, STR("2026-11-20T10:00:01.000000Z"));
    assert_string_equal(chain.hash, first_batch);

    sealed_chain_begin(&next, &id, chain.last, str_of(chain.hash));
    assert_int_equal(add(&next, ids[2], "{\"a\": 1}", hash), 3);
    assert_string_equal(hash, record_hashes[2]);
    sealed_chain_end(&next, STR("2026-11-20T10:00:02.000000Z"));
    assert_int_equal(next.first, 3);
    assert_string_equal(next.hash, second_batch);
    sealed_chain_clear(&chain);
    sealed_chain_clear(&next);
}

static void test_each_text_and_its_place_counts(void **state)
{
    const struct uuid id = chain_id();
    struct sealed_chain chain;
    char hash[TEXT_LIST_HASH_BYTES];

    (void)state;
    sealed_chain_begin(&chain, &id, 0, (struct str){0});
    add(&chain, "id-1", "{\"a\": 2}", hash);
    assert_string_not_equal(hash, record_hashes[0]);
    add(&chain, "id-1", "{\"a\": 1}", hash); /* the same as second record */
    assert_string_not_equal(hash, record_hashes[0]);
    sealed_chain_clear(&chain);
}

static void test_an_address_has_a_hash_of_its_own(void **state)
{
    const struct uuid id = chain_id();
    struct sealed_chain chain;
    char hash[TEXT_LIST_HASH_BYTES];

    (void)state;
    sealed_chain_begin(&chain, &id, 0, (struct str){0});
    add_from(&chain, "id-1", "{\"a\": 1}", "192.0.2.10", hash);
    assert_string_equal(hash, hash_with_address);
    sealed_chain_clear(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_follow_one_another),
        cmocka_unit_test(test_each_text_and_its_place_counts),
        cmocka_unit_test(test_an_address_has_a_hash_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
