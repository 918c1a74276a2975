/* Types of events, patterns of them, and filters. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/json.h"

#include "control/api/listing_filter.h"
#include "control/notify/webhook_events.h"

static void test_patterns(void **state)
{
    static const char *const known[] = {
        "*",        "system.created",   "system.*",     "api_key.revoked", "health.status_changed",
        "health.*", "webhook.disabled", "journal.head", "journal.*"};
    static const char *const unknown[] = {"",
                                          "system",
                                          "system.",
                                          "sys*",
                                          "system.cre*",
                                          "system.made",
                                          "nothing.*",
                                          "**",
                                          ".*",
                                          "settings.created",
                                          "journal.tail"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_true(webhook_pattern_is_known(str_of(known[i])));
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_false(webhook_pattern_is_known(str_of(unknown[i])));
}

static void test_types_are_listed_once(void **state)
{
    JSON_AUTO json_t *types = webhook_event_types();
    JSON_AUTO json_t *seen = json_object();
    json_t *type;
    size_t i;

    (void)state;
    json_array_foreach(types, i, type) json_object_set(seen, json_text(type, "type", ""), type);
    assert_int_equal(json_object_size(seen), json_array_size(types));
    assert_true(json_array_size(types) > 40);
    assert_string_equal(
        json_text(json_object_get(seen, "environment_group.created"), "description", ""),
        "Environment group was created.");
}

static void test_patterns_ask_for_permissions(void **state)
{
    permission_set changes = PERMISSION_BIT(PERMISSION_JOURNAL_READ);
    permission_set status = PERMISSION_BIT(PERMISSION_HEALTH_READ);

    (void)state;
    assert_true(webhook_pattern_permissions(STR("system.created")) == changes);
    assert_true(webhook_pattern_permissions(STR("health.*")) == status);
    assert_true(webhook_pattern_permissions(STR("journal.head")) == changes);
    assert_true(webhook_pattern_permissions(STR("*")) == (changes | status));
}

static void test_patterns_as_like(void **state)
{
    CLEANUP(buf_clear_p) struct buf out = {0};

    (void)state;
    webhook_pattern_append_like(&out, STR("api_key.*"));
    assert_true(str_equal(buf_str(&out), STR("api\\_key.%")));
}

static void check(const char *filter, size_t wrong)
{
    JSON_AUTO json_t *errors = NULL;

    listing_filter_check(&webhook_event_listing, str_of(filter), "/filter", &errors);
    assert_int_equal(json_array_size(errors), wrong);
}

static void test_filters_are_checked(void **state)
{
    (void)state;
    check("", 0);
    check("&&", 0);
    check("kind=instance&to__in=down,degraded&tag=a&tag=b&attributes.owner=me&q=shop%20x", 0);
    check("scope=00000000-0000-0000-0000-000000000001", 0);
    check("scope=shop", 1);
    check("colour=red&kind__gt=a", 1);
    check("from=%zz", 1);
    check("sort=kind&limit=3&=x", 3);
    check("a=1&a=1&a=1", 3);
    check("kind=1&kind=2&kind=3&kind=4&kind=5&kind=6&kind=7&kind=8&kind=9&kind=10&kind=11&kind=12&"
          "kind=13&kind=14&kind=15&kind=16&kind=17&kind=18&kind=19&kind=20&kind=21&kind=22",
          1);
}

static void test_filters_are_numbered_after_other_parameters(void **state)
{
    struct listing_query query;

    (void)state;
    listing_filter_compile(
        &webhook_event_listing,
        STR("kind=instance&kind=system&scope=00000000-0000-0000-0000-000000000001"
            "&attributes.team=x"),
        9, &query);
    assert_true(
        str_equal(buf_str(&query.text),
                  STR(" AND (base.\"kind\" = ANY ($10::text[])) AND base.\"scope\" && $11::uuid[]"
                      " AND ((base.attributes ->> $12) = ($13::text[])[1])")));
    assert_int_equal(query.ends.len, 4);
    assert_true(str_equal(query.values[0], STR("{\"instance\",\"system\"}")));
    assert_true(str_equal(query.values[1], STR("{\"00000000-0000-0000-0000-000000000001\"}")));
    assert_true(str_equal(query.values[2], STR("team")));
    listing_query_clear(&query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_types_are_listed_once),
        cmocka_unit_test(test_patterns_ask_for_permissions),
        cmocka_unit_test(test_patterns_as_like),
        cmocka_unit_test(test_filters_are_checked),
        cmocka_unit_test(test_filters_are_numbered_after_other_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
