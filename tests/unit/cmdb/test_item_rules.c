/* What holds for items of every kind. */
#include "tests/unit/unit_test.h"

#include "shared/json.h"
#include "shared/mem.h"

#include "control/cmdb/item_rules.h"

static void test_key_from_name_keeps_letters_and_digits(void **state)
{
    static const struct {
        const char *name;
        const char *key;
    } cases[] = {
        {"login page", "login-page"},
        {"Login Page (EU) #2", "login-page-eu-2"},
        {"  --x--  ", "x"},
        {"a.b_c", "a-b-c"},
        {"Kasse Süd", "kasse-s-d"},
        {"日本", "check"},
        {"!!!", "check"},
    };

    char key[ITEM_KEY_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        item_key_from_name(str_of(cases[i].name), "check", key);
        assert_string_equal(key, cases[i].key);
    }
}

static void test_key_from_name_leaves_room_for_a_number(void **state)
{
    char name[200];
    char key[ITEM_KEY_BYTES];

    (void)state;
    memset(name, 'a', sizeof name);
    item_key_from_name(str_n(name, sizeof name), "check", key);
    assert_in_range(strlen(key), 1, 63 - strlen("-1000"));

    for (size_t i = 0; i < sizeof name; i += 2)
        name[i] = ' ';
    item_key_from_name(str_n(name, sizeof name), "check", key);
    assert_in_range(strlen(key), 1, 63 - strlen("-1000"));
}

/* The pointers of what the rules find wrong, joined by blanks. */
static void assert_errors(const char *document, bool has_propagation, const char *pointers)
{
    CLEANUP(buf_clear_p) struct buf found = {0};
    JSON_AUTO json_t *fields = NULL;
    JSON_AUTO json_t *errors = NULL;
    size_t i;
    json_t *error;

    assert_int_equal(json_parse(str_of(document), &fields), OK);
    item_rules_common(fields, &errors);
    if (has_propagation)
        item_rules_propagation(fields, &errors);
    json_array_foreach(errors, i, error)
        buf_printf(&found, "%s%s", i ? " " : "", json_text(error, "pointer", ""));
    buf_append_text(&found, "");
    assert_string_equal(found.data ? found.data : "", pointers);
}

static void test_rules_accept_what_is_right(void **state)
{
    (void)state;
    assert_errors("{\"key\":\"a\",\"name\":\"A\"}", true, "");
    assert_errors("{\"key\":\"a\",\"policy\":\"quorum\",\"min_up\":2}", true, "");
    assert_errors("{\"policy\":\"weighted\",\"operational_at\":0.5,\"down_below\":0.5}", true, "");
    assert_errors("{\"policy\":null,\"down_below\":null}", true, "");
}

static void test_rules_find_every_mistake_at_once(void **state)
{
    (void)state;
    assert_errors("{\"key\":\"01938f2e-5d7a-7c31-9f7e-2f6f0d1b7a55\"}", false, "/key");
    assert_errors("{\"policy\":\"quorum\",\"down_below\":1,\"operational_at\":0.9}", true,
                  "/min_up /down_below");
    assert_errors("{\"policy\":\"quorum\",\"down_below\":1,\"operational_at\":0.9}", false, "");
}

static void test_numbers_are_those_that_every_reader_knows(void **state)
{
    (void)state;
    assert_errors("{\"attributes\":{\"a\":0,\"b\":-1.5,\"c\":[9007199254740991,1e-15,0.0]}}", false,
                  "");
    assert_errors("{\"attributes\":{\"a\":[{\"b\":9007199254740992}]}}", false, "/attributes");
    assert_errors("{\"attributes\":{\"a\":1e30}}", false, "/attributes");
    assert_errors("{\"attributes\":{\"a\":-1e-300}}", false, "/attributes");
}

static void test_limits_are_in_bytes(void **state)
{
    CLEANUP(buf_clear_p) struct buf document = {0};

    (void)state;
    buf_append_text(&document, "{\"name\":\"");
    for (int i = 0; i < 101; i++)
        buf_append_text(&document, "ü");
    buf_append_text(&document, "\",\"description\":\"");
    for (int i = 0; i < 2001; i++)
        buf_append_text(&document, "ü");
    buf_append_text(&document, "\",\"attributes\":{\"a\":\"");
    for (int i = 0; i < 8192; i++)
        buf_append_text(&document, "ü");
    buf_append_text(&document, "\"}}");

    assert_errors(document.data, false, "/name /description /attributes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_from_name_keeps_letters_and_digits),
        cmocka_unit_test(test_key_from_name_leaves_room_for_a_number),
        cmocka_unit_test(test_rules_accept_what_is_right),
        cmocka_unit_test(test_rules_find_every_mistake_at_once),
        cmocka_unit_test(test_numbers_are_those_that_every_reader_knows),
        cmocka_unit_test(test_limits_are_in_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
