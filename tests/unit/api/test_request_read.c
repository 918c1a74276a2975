/* Targets, request ids, entity tags and escapes. */
#include "tests/unit/unit_test.h"

#include "control/api/media_type.h"
#include "control/api/parameters.h"
#include "control/api/request_read.h"

static void test_targets_are_split(void **state)
{
    static const struct {
        const char *target;
        const char *path; /* NULL: refused */
        const char *query;
    } cases[] = {
        {"/", "/", NULL},
        {"/a/b?c=d?e", "/a/b", "c=d?e"},
        {"/?", "/", ""},
        {"http://host:80/a?b", "/a", "b"},
        {"HTTPS://host", "/", NULL},
        {"a/b", NULL, NULL},
        {"host:443", NULL, NULL},
        {"*", NULL, NULL},
        {"", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str path = {0};
        struct str query = {0};

        assert_int_equal(target_split(str_of(cases[i].target), &path, &query),
                         cases[i].path != NULL);
        if (!cases[i].path)
            continue;
        assert_true(str_equal(path, str_of(cases[i].path)));
        assert_true(str_equal(query, str_of(cases[i].query)));
        assert_int_equal(query.ptr == NULL, cases[i].query == NULL);
    }
}

static void test_request_ids_are_sound_or_ours(void **state)
{
    struct request request;
    char long_id[REQUEST_ID_BYTES + 1];

    (void)state;
    memset(long_id, 'x', sizeof long_id);
    assert_true(request_take_id(&request, STR("aZ0-._")));
    assert_string_equal(request.id, "aZ0-._");
    assert_true(request_take_id(&request, str_n(long_id, REQUEST_ID_BYTES - 1)));
    assert_false(request_take_id(&request, str_n(long_id, REQUEST_ID_BYTES)));
    assert_false(request_take_id(&request, STR("")));
    assert_false(request_take_id(&request, STR("a b")));
    assert_false(request_take_id(&request, STR("a\"b")));
    assert_false(request_take_id(&request, (struct str){0}));
}

static void test_entity_tags_are_found_in_lists(void **state)
{
    static const struct {
        struct str list;
        bool has;
    } cases[] = {
        {STR("\"7\""), true},    {STR("W/\"7\""), true}, {STR("\"6\", \"7\""), true},
        {STR("*"), true},        {STR("7"), true},       {STR("\"6\", \"8\""), false},
        {STR("\"7.1\""), false}, {STR("\"77\""), false}, {STR("\""), false},
        {STR(""), false},        {{0}, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(entity_tags_have(cases[i].list, STR("7")), cases[i].has);
}

static void test_version_is_compared_with_every_tag(void **state)
{
    static const struct {
        struct str if_match;
        enum err err;
    } cases[] = {
        {{0}, OK},
        {STR("\"7\""), OK},
        {STR("W/\"7.31\""), OK},
        {STR("7"), OK},
        {STR("*"), OK},
        {STR("\"5\" , \"7\""), OK},
        {STR("\"6\""), ERR_CONFLICT},
        {STR("6"), ERR_CONFLICT},
        {STR("\"5\", \"6\""), ERR_CONFLICT},
        {STR("seven"), ERR_CONFLICT},
        {STR(""), ERR_CONFLICT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request = {.if_match = cases[i].if_match};

        assert_int_equal(request_match_version(&request, 7), cases[i].err);
    }
    failure_clear();
}

static void test_escapes_are_decoded(void **state)
{
    static const struct {
        const char *text;
        bool form;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        {"plain", true, "plain"}, {"a+b", true, "a b"},         {"a+b", false, "a+b"},
        {"%41%2f", true, "A/"},   {"%C3%a9", true, "\xc3\xa9"}, {"100%25", true, "100%"},
        {"%", true, NULL},        {"%4", true, NULL},           {"%4g", true, NULL},
        {"%g4", true, NULL},      {"a%", false, NULL},          {"", true, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf texts = {0};
        struct str decoded;

        buf_reserve(&texts, 100);
        assert_int_equal(percent_decode(str_of(cases[i].text), cases[i].form, &texts, &decoded),
                         cases[i].decoded != NULL);
        if (cases[i].decoded)
            assert_true(str_equal(decoded, str_of(cases[i].decoded)));
        buf_clear(&texts);
    }
}

static void test_reasons_are_one_line(void **state)
{
    static const struct {
        const char *field;
        const char *reason; /* NULL: refused */
    } cases[] = {
        {"Planned upgrade", "Planned upgrade"},
        {"100%25 of gr%C3%B6%C3%9Fe+1", "100% of gr\xc3\xb6\xc3\x9f"
                                        "e+1"},
        {"gr\xc3\xb6\xc3\x9f"
         "e",
         "gr\xc3\xb6\xc3\x9f"
         "e"},
        {"%C2%A0", "\xc2\xa0"},
        {"", NULL},
        {"%20 ", NULL},
        {"100%", NULL},
        {"%2", NULL},
        {"%FF", NULL},
        {"a%0Ab", NULL},
        {"a%00", NULL},
        {"a%7F", NULL},
        {"a\tb", NULL},
        {"a%C2%85b", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *reason = reason_decode(str_of(cases[i].field));

        if (cases[i].reason)
            assert_string_equal(reason, cases[i].reason);
        else
            assert_null(reason);
        free(reason);
    }
}

static void test_reasons_are_counted_in_characters(void **state)
{
    CLEANUP(buf_clear_p) struct buf field = {0};
    char *reason;

    (void)state;
    for (int i = 0; i < REASON_CHARACTERS_MAX; i++)
        buf_append_text(&field, "%E2%82%AC");
    reason = reason_decode(buf_str(&field));
    assert_non_null(reason);
    assert_int_equal(strlen(reason), 3 * REASON_CHARACTERS_MAX);
    free(reason);
    buf_append_char(&field, '.');
    assert_null(reason_decode(buf_str(&field)));
}

static void test_media_types(void **state)
{
    static const struct {
        const char *field;
        enum media_type type;
    } cases[] = {
        {"application/json", MEDIA_JSON},
        {"APPLICATION/JSON ; Charset=\"UTF-8\"", MEDIA_JSON},
        {"application/merge-patch+json;charset=utf-8;x=y", MEDIA_JSON},
        {"application/json; charset=latin-1", MEDIA_OTHER},
        {"application/x-www-form-urlencoded", MEDIA_FORM},
        {"text/plain; charset=latin-1", MEDIA_TEXT},
        {"text/html", MEDIA_OTHER},
        {"", MEDIA_OTHER},
        {NULL, MEDIA_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(media_type_of(str_of(cases[i].field)), cases[i].type);
}

static void test_statements_may_ask_for_permissions(void **state)
{
    static const char *const others[] = {"may_check",   "may_check_", "may_check_writes",
                                         "check_write", "may_",       "may_check.write"};
    enum permission permission;

    (void)state;
    assert_true(parameter_permission("may_check_write", &permission));
    assert_int_equal(permission, PERMISSION_CHECK_WRITE);
    assert_true(parameter_permission("may_settings_read", &permission));
    assert_int_equal(permission, PERMISSION_SETTINGS_READ);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(parameter_permission(others[i], &permission));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_are_split),
        cmocka_unit_test(test_request_ids_are_sound_or_ours),
        cmocka_unit_test(test_entity_tags_are_found_in_lists),
        cmocka_unit_test(test_version_is_compared_with_every_tag),
        cmocka_unit_test(test_escapes_are_decoded),
        cmocka_unit_test(test_reasons_are_one_line),
        cmocka_unit_test(test_reasons_are_counted_in_characters),
        cmocka_unit_test(test_media_types),
        cmocka_unit_test(test_statements_may_ask_for_permissions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
