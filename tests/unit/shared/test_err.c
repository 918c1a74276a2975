/* fail(), TRY(), AUTO() and TAKE() work together on early returns. */
#include "tests/unit/unit_test.h"

#include "shared/err.h"
#include "shared/mem.h"

struct thing {
    int *freed;
};

static void thing_free(struct thing *thing)
{
    (*thing->freed)++;
    free(thing);
}

DEFINE_AUTO(struct thing *, thing_free);

static struct thing *thing_new(int *freed)
{
    struct thing *thing = NEW(struct thing);

    thing->freed = freed;
    return thing;
}

static enum err refuse(void)
{
    return fail(ERR_CONFLICT, "key_taken", "The key \"%s\" is taken.", "acme");
}

static enum err fail_after_owning(int *freed)
{
    AUTO(thing_free) struct thing *thing = thing_new(freed);

    TRY(refuse());
    thing_free(TAKE(thing));
    return OK;
}

static void test_try_forwards_and_releases(void **state)
{
    int freed = 0;

    (void)state;
    assert_int_equal(fail_after_owning(&freed), ERR_CONFLICT);
    assert_int_equal(freed, 1);
    assert_string_equal(failure_last()->code, "key_taken");
    assert_string_equal(failure_last()->detail, "The key \"acme\" is taken.");
}

static void test_fail_may_quote_the_last_failure(void **state)
{
    (void)state;
    assert_int_equal(refuse(), ERR_CONFLICT);
    assert_int_equal(fail(ERR_BUG, "wrapped", "It said: %s", failure_last()->detail), ERR_BUG);
    assert_string_equal(failure_last()->detail, "It said: The key \"acme\" is taken.");
}

static void test_take_hands_over(void **state)
{
    int freed = 0;
    AUTO(thing_free) struct thing *thing = thing_new(&freed);
    struct thing *taken = TAKE(thing);

    (void)state;
    assert_null(thing);
    thing_free(taken);
    assert_int_equal(freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_try_forwards_and_releases),
        cmocka_unit_test(test_fail_may_quote_the_last_failure),
        cmocka_unit_test(test_take_hands_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
