/* Lists of texts and their hashes. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/text_list_hash.h"

static void assert_hash(const struct buf *list, const char *expected)
{
    char hash[TEXT_LIST_HASH_BYTES];

    text_list_hash(list, hash);
    assert_string_equal(hash, expected);
}

static void test_list_is_written_with_lengths(void **state)
{
    CLEANUP(buf_clear_p) struct buf list = {0};

    (void)state;
    assert_hash(&list, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    text_list_add(&list, STR("em"));
    text_list_add(&list, (struct str){0});
    text_list_add(&list, STR(""));
    text_list_add(&list, STR("\xc3\xa4"));
    assert_string_equal(list.data, "2:em,-,0:,2:\xc3\xa4,");
    assert_hash(&list, "5b9807a106ccd70e75934e4c3a6e0acb4e8a2e0a0204ffe2903ab9b6a41e6314");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list_is_written_with_lengths)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
