/* The plan in versions: what a prober is sent, by what it says it has. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "shared/attrs.h"

#include "control/fleet/plan.h"
#include "control/health/health.h"

#define FIRST 1000

static struct health_plan_entry entry_of(uint32_t number)
{
    struct health_plan_entry entry = {
        .probed = true,
        .interval_ms = 30000,
        .timeout_ms = 5000,
        .kind = STR("tcp"),
        .spec = STR("{}"),
    };

    memcpy(entry.check_id.bytes, &number, sizeof number);
    return entry;
}

static void set(struct plan *plan, uint32_t number)
{
    struct health_plan_entry entry = entry_of(number);

    plan_set(plan, &entry);
}

static void drop(struct plan *plan, uint32_t number)
{
    struct health_plan_entry entry = entry_of(number);

    entry.probed = false;
    plan_set(plan, &entry);
}

/* What is sent to who has `since`, as letters: R reset, S set, A set and probe at once, D drop; +
 * more to come. */
static const char *items_after(struct plan *plan, uint64_t since, uint64_t *ret_version)
{
    static char text[64];
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct frame_reply reply = {.boot_id = 1};
    struct frame_cursor cursor;
    size_t len = 0;

    frame_reply_begin(&frame, &reply);
    plan_fill(plan, since, &frame, &reply);
    frame_reply_end(&frame, &reply);
    assert_int_equal(frame_reply_open(buf_str(&frame), &reply, &cursor), OK);
    for (unsigned i = 0; i < reply.items && len < sizeof text - 2; i++) {
        struct frame_item item;

        frame_next_item(&cursor, &item);
        if (item.type == BUS_CHECK_SET)
            text[len++] = item.flags & BUS_CHECK_AT_ONCE ? 'A' : 'S';
        else
            text[len++] = item.type == BUS_PLAN_RESET ? 'R' : 'D';
    }
    if (reply.flags & BUS_REPLY_MORE)
        text[len++] = '+';
    text[len] = '\0';
    if (ret_version)
        *ret_version = reply.plan_version;
    return text;
}

static void test_who_has_nothing_gets_everything(void **state)
{
    AUTO(plan_free) struct plan *plan = plan_new(FIRST);
    uint64_t version;

    (void)state;
    assert_string_equal(items_after(plan, 0, &version), "R");
    assert_int_equal(version, FIRST);
    set(plan, 1);
    set(plan, 2);
    drop(plan, 1);
    drop(plan, 9);
    assert_string_equal(items_after(plan, 0, &version), "RS");
    assert_string_equal(items_after(plan, version, NULL), "");
    assert_string_equal(items_after(plan, version + 1, NULL), "RS");
    assert_int_equal(plan_count(plan), 1);
    assert_true(plan_has(plan, &(struct uuid){{2}}));
    assert_false(plan_has(plan, &(struct uuid){{1}}));
}

static void test_who_has_some_gets_what_came_after(void **state)
{
    AUTO(plan_free) struct plan *plan = plan_new(FIRST);
    struct health_plan_entry changed = entry_of(1);
    uint64_t version;

    (void)state;
    set(plan, 1);
    set(plan, 2);
    items_after(plan, 0, &version);
    set(plan, 1); /* as it was */
    assert_string_equal(items_after(plan, version, NULL), "");
    changed.timeout_ms = 1;
    plan_set(plan, &changed);
    drop(plan, 2);
    set(plan, 3);
    assert_string_equal(items_after(plan, version, &version), "SDS");
    drop(plan, 3);
    set(plan, 3);
    assert_string_equal(items_after(plan, version, NULL), "S");
}

static void test_a_check_without_result_is_probed_at_once(void **state)
{
    AUTO(plan_free) struct plan *plan = plan_new(FIRST);
    struct health_plan_entry entry = entry_of(7);

    (void)state;
    entry.at_once = true;
    plan_set(plan, &entry);
    assert_string_equal(items_after(plan, FIRST, NULL), "A");
    plan_has_result(plan, &entry.check_id);
    plan_has_result(plan, &(struct uuid){{8}});
    assert_string_equal(items_after(plan, FIRST, NULL), "S");
}

static void test_a_large_plan_comes_in_parts(void **state)
{
    AUTO(plan_free) struct plan *plan = plan_new(FIRST);
    static char spec[60000];
    uint64_t version;

    (void)state;
    memset(spec, 'a', sizeof spec);
    for (uint32_t number = 1; number <= 6; number++) {
        struct health_plan_entry entry = entry_of(number);

        entry.spec = str_n(spec, sizeof spec);
        plan_set(plan, &entry);
    }
    assert_string_equal(items_after(plan, 0, &version), "RSSSS+");
    assert_string_equal(items_after(plan, version, &version), "SS");
    assert_string_equal(items_after(plan, version, NULL), "");
}

static void test_what_is_gone_for_long_is_forgotten(void **state)
{
    AUTO(plan_free) struct plan *plan = plan_new(FIRST);
    uint64_t version;

    (void)state;
    set(plan, 1);
    items_after(plan, 0, &version);
    for (uint32_t number = 10; number <= 10 + PLAN_GONE_MAX; number++) {
        set(plan, number);
        drop(plan, number);
    }
    assert_int_equal(plan_count(plan), 1);
    assert_string_equal(items_after(plan, version, NULL), "RS"); /* it may have missed a drop */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_nothing_gets_everything),
        cmocka_unit_test(test_who_has_some_gets_what_came_after),
        cmocka_unit_test(test_a_check_without_result_is_probed_at_once),
        cmocka_unit_test(test_a_large_plan_comes_in_parts),
        cmocka_unit_test(test_what_is_gone_for_long_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
