/* What a check has to be, and what it is when it does not say. */
#include "tests/unit/unit_test.h"

#include "contract/check.h"

#include "shared/json.h"
#include "shared/mem.h"

#include "control/cmdb/check_rules.h"
#include "control/cmdb/cmdb.h"

static json_t *parsed(const char *text)
{
    json_t *json = NULL;

    assert_int_equal(json_parse(str_of(text), &json), OK);
    return json;
}

static int setup(void **state)
{
    (void)state;
    return cmdb_init();
}

/* --- defaults --- */

static void test_complete_gives_the_contracts_defaults(void **state)
{
    JSON_AUTO json_t *check = parsed("{\"kind\":\"tcp\",\"spec\":{\"address\":\"a\",\"port\":1}}");

    (void)state;
    cmdb_complete_check(check);

    assert_int_equal(json_integer_or(check, "interval_s", 0), CHECK_INTERVAL_S_DEFAULT);
    assert_int_equal(json_integer_or(check, "retry_interval_s", 0), CHECK_INTERVAL_S_DEFAULT);
    assert_int_equal(json_integer_or(check, "timeout_ms", 0), CHECK_TIMEOUT_MS_DEFAULT);
    assert_int_equal(json_integer_or(check, "fall", 0), CHECK_FALL_DEFAULT);
    assert_int_equal(json_integer_or(check, "rise", 0), CHECK_RISE_DEFAULT);
    assert_int_equal(json_integer_or(check, "unknown_after", 0), CHECK_UNKNOWN_AFTER);
    assert_int_equal(json_integer_or(check, "stale_after_s", 0), 95);
    assert_false(json_boolean_or(check, "flap", true));
    assert_true(json_boolean_or(check, "enabled", false));
    assert_string_equal(json_text(check, "severity", ""), "down");
    assert_int_equal(json_array_size(json_object_get(check, "locations")), 1);
}

static void test_stale_after_is_at_least_half_a_minute(void **state)
{
    JSON_AUTO json_t *check = parsed("{\"interval_s\":2,\"timeout_ms\":1500}");

    (void)state;
    check_rules_complete(check);

    assert_int_equal(json_integer_or(check, "stale_after_s", 0), CHECK_STALE_AFTER_S_MIN);
    assert_int_equal(json_integer_or(check, "retry_interval_s", 0), 2);
}

static void test_a_default_follows_the_interval(void **state)
{
    JSON_AUTO json_t *earlier = parsed("{\"interval_s\":30,\"timeout_ms\":5000,"
                                       "\"retry_interval_s\":30,\"stale_after_s\":95}");
    JSON_AUTO json_t *check = parsed("{\"interval_s\":60,\"timeout_ms\":5000,"
                                     "\"retry_interval_s\":30,\"stale_after_s\":95}");

    (void)state;
    check_rules_follow(earlier, check);
    check_rules_complete(check);

    assert_int_equal(json_integer_or(check, "retry_interval_s", 0), 60);
    assert_int_equal(json_integer_or(check, "stale_after_s", 0), 185);
}

static void test_a_chosen_value_does_not_follow(void **state)
{
    JSON_AUTO json_t *earlier = parsed("{\"interval_s\":30,\"timeout_ms\":5000,"
                                       "\"retry_interval_s\":10,\"stale_after_s\":200}");
    JSON_AUTO json_t *check = parsed("{\"interval_s\":60,\"timeout_ms\":5000,"
                                     "\"retry_interval_s\":10,\"stale_after_s\":200}");

    (void)state;
    check_rules_follow(earlier, check);
    check_rules_complete(check);

    assert_int_equal(json_integer_or(check, "retry_interval_s", 0), 10);
    assert_int_equal(json_integer_or(check, "stale_after_s", 0), 200);
}

/* --- heartbeats --- */

static void test_a_heartbeat_has_defaults_of_its_own(void **state)
{
    static const struct {
        const char *check;
        int64_t interval_s;
        int64_t fall;
        int64_t rise;
    } cases[] = {
        {"{\"kind\":\"heartbeat\",\"spec\":{}}", 30, 1, 1},
        {"{\"kind\":\"heartbeat\",\"spec\":{\"interval_s\":60},\"rise\":2}", 60, 1, 2},
        {"{\"kind\":\"heartbeat\",\"spec\":{\"interval_s\":604800},\"fall\":4}", 86400, 4, 1},
        {"{\"kind\":\"heartbeat\",\"spec\":{\"interval_s\":60},\"interval_s\":7}", 7, 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        JSON_AUTO json_t *check = parsed(cases[i].check);

        cmdb_complete_check(check);
        assert_int_equal(json_integer_or(check, "interval_s", 0), cases[i].interval_s);
        assert_int_equal(json_integer_or(check, "fall", 0), cases[i].fall);
        assert_int_equal(json_integer_or(check, "rise", 0), cases[i].rise);
    }
}

static void test_a_heartbeats_interval_follows_its_spec(void **state)
{
    JSON_AUTO json_t *earlier =
        parsed("{\"kind\":\"heartbeat\",\"spec\":{\"interval_s\":60},\"interval_s\":60,"
               "\"timeout_ms\":5000,\"retry_interval_s\":60,\"stale_after_s\":185}");
    JSON_AUTO json_t *check = json_deep_copy(earlier);
    JSON_AUTO json_t *chosen = json_deep_copy(earlier);

    (void)state;
    json_object_set_new(check, "spec", parsed("{\"interval_s\":20}"));
    check_rules_follow(earlier, check);
    check_rules_complete(check);
    assert_int_equal(json_integer_or(check, "interval_s", 0), 20);
    assert_int_equal(json_integer_or(check, "retry_interval_s", 0), 20);

    json_object_set_new(chosen, "interval_s", json_integer(30));
    json_object_set_new(chosen, "spec", parsed("{\"interval_s\":20}"));
    check_rules_follow(earlier, chosen);
    check_rules_complete(chosen);
    assert_int_equal(json_integer_or(chosen, "interval_s", 0), 30);
}

/* --- kinds --- */

/* The kinds that field_check_kind.json allows. */
static json_t *allowed_kinds(void)
{
    for (const struct embedded_file *file = cmdb_schemas; file->name; file++) {
        if (strcmp(file->name, "field_check_kind.json") == 0) {
            JSON_AUTO json_t *schema = parsed(file->text);

            return json_incref(json_object_get(schema, "enum"));
        }
    }
    return NULL;
}

static void test_each_kind_of_the_contract_is_allowed(void **state)
{
    JSON_AUTO json_t *allowed = allowed_kinds();
    size_t count = 0;

    (void)state;
    for (const struct embedded_file *file = check_kind_schemas; file->name; file++, count++) {
        struct str name = str_sub(str_of(file->name), 0, strlen(file->name) - strlen(".json"));
        bool found = false;
        size_t i;
        json_t *kind;

        json_array_foreach(allowed, i, kind) found =
            found || str_equal(name, str_of(json_string_value(kind)));
        assert_true(found);
    }
    assert_int_equal(json_array_size(allowed), count);
}

/* --- mistakes --- */

static const struct {
    const char *check;
    const char *pointers; /* of the errors, in order */
} mistakes[] = {
    {"{\"kind\":\"tcp\",\"spec\":{\"address\":\"a\",\"port\":80}}", ""},
    {"{\"kind\":\"gopher\",\"spec\":{}}", ""}, /* the schema says so */
    {"{\"kind\":1,\"spec\":[],\"interval_s\":\"x\",\"timeout_ms\":{}}", ""},
    {"{\"kind\":\"tcp\",\"spec\":{\"address\":\"a\"}}", "/spec/port"},
    {"{\"kind\":\"tcp\",\"spec\":{\"address\":\"a\",\"port\":70000,\"colour\":1}}",
     "/spec/port /spec/colour"},
    {"{\"kind\":\"tcp\",\"spec\":{\"address\":\"a\",\"port\":1,\"expect_regex\":\"(\"}}",
     "/spec/expect_regex"},
    {"{\"kind\":\"tcp\",\"interval_s\":1,\"spec\":{\"address\":\"a\",\"port\":1}}", ""},
    {"{\"kind\":\"tcp\",\"interval_s\":1,\"timeout_ms\":1001,"
     "\"spec\":{\"address\":\"a\",\"port\":1}}",
     "/timeout_ms"},
    {"{\"kind\":\"tcp\",\"interval_s\":10,\"retry_interval_s\":11,\"stale_after_s\":9,"
     "\"spec\":{\"address\":\"a\",\"port\":1}}",
     "/retry_interval_s /stale_after_s"},
    {"{\"kind\":\"http\",\"spec\":{\"url\":\"http://a/\",\"expect\":{\"warn_ms\":2,\"fail_ms\":1,"
     "\"cert_warn_days\":3,\"cert_fail_days\":4}}}",
     "/spec/expect/warn_ms /spec/expect/cert_warn_days"},
    {"{\"kind\":\"http\",\"spec\":{\"url\":\"http://a/\",\"expect\":{\"fail_ms\":1}}}", ""},
    {"{\"kind\":\"http\",\"spec\":{\"url\":\"ftp://a/\",\"expect\":{\"status\":\"abc\"}}}",
     "/spec/url /spec/expect/status"},
    {"{\"kind\":\"script\",\"spec\":{\"command\":\"../sh\"}}", "/spec/command"},
    {"{\"kind\":\"heartbeat\",\"spec\":{\"interval_s\":0,\"grace_s\":-1}}",
     "/spec/interval_s /spec/grace_s"},
    {"{\"kind\":\"heartbeat\",\"interval_s\":0,\"spec\":{\"url\":\"x\"}}", "/spec/url"},
    {"{\"kind\":\"heartbeat\",\"spec\":{\"interval_s\":5},\"timeout_ms\":5001}", "/timeout_ms"},
};

static void test_every_mistake_has_its_pointer(void **state)
{
    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(mistakes); n++) {
        CLEANUP(buf_clear_p) struct buf found = {0};
        JSON_AUTO json_t *check = parsed(mistakes[n].check);
        JSON_AUTO json_t *errors = NULL;
        size_t i;
        json_t *error;

        check_rules_complete(check);
        check_rules_check(check, &errors);
        buf_append_text(&found, "");
        json_array_foreach(errors, i, error)
            buf_printf(&found, "%s%s", i ? " " : "", json_text(error, "pointer", ""));

        assert_string_equal(found.data, mistakes[n].pointers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete_gives_the_contracts_defaults),
        cmocka_unit_test(test_stale_after_is_at_least_half_a_minute),
        cmocka_unit_test(test_a_default_follows_the_interval),
        cmocka_unit_test(test_a_chosen_value_does_not_follow),
        cmocka_unit_test(test_a_heartbeat_has_defaults_of_its_own),
        cmocka_unit_test(test_a_heartbeats_interval_follows_its_spec),
        cmocka_unit_test(test_each_kind_of_the_contract_is_allowed),
        cmocka_unit_test(test_every_mistake_has_its_pointer),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
