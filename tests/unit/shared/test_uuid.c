/* Version 7 ids and the stable hash. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/clock.h"
#include "shared/uuid.h"

static void test_uuid_new_is_version_7_of_now(void **state)
{
    int64_t before_ms = clock_wall_ms();
    struct uuid uuid = uuid_new();
    struct uuid back;
    char text[UUID_TEXT_BYTES];
    int64_t made_ms = 0;

    (void)state;
    for (int i = 0; i < 6; i++)
        made_ms = made_ms << 8 | uuid.bytes[i];
    assert_in_range(made_ms, before_ms, clock_wall_ms());
    uuid_format(&uuid, text);
    assert_int_equal(text[14], '7');
    assert_non_null(strchr("89ab", text[19]));
    assert_true(uuid_parse(str_of(text), &back));
    assert_true(uuid_equal(&uuid, &back));
}

static void test_uuid_parse_refuses(void **state)
{
    static const char *const cases[] = {
        "",
        "0190a0a0-0000-7000-8000-00000000000",
        "0190a0a0-0000-7000-8000-0000000000000",
        "0190a0a0x0000-7000-8000-000000000000",
        "0190a0a0-0000-7000-8000-00000000000g",
    };
    struct uuid uuid;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(uuid_parse(str_of(cases[i]), &uuid));
    assert_true(uuid_parse(STR("0190A0A0-0000-7000-8000-00000000000F"), &uuid));
}

static void test_hash_is_stable(void **state)
{
    struct uuid uuid;

    (void)state;
    assert_true(uuid_parse(STR("0190a0a0-0000-7000-8000-00000000000f"), &uuid));
    /* Phases of checks depend on these values: they are part of the contract. */
    assert_int_equal(text_hash(STR("")), 0xefd01f60ba992926u);
    assert_int_equal(uuid_hash(&uuid), uuid_hash(&uuid));
    assert_int_not_equal(text_hash(STR("a")), text_hash(STR("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid_new_is_version_7_of_now),
        cmocka_unit_test(test_uuid_parse_refuses),
        cmocka_unit_test(test_hash_is_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
