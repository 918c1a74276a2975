/*
 * Section 3.1 of the health rules. A case is a list of children "name state needs", the state as a
 * letter: O W D U M, a lower-case letter for a child in its own maintenance, 'x' for a disabled
 * one.
 */
#include "tests/unit/unit_test.h"

#include <ctype.h>
#include <string.h>

#include "shared/attrs.h"
#include "shared/buf.h"

#include "control/health/dependency_rules.h"

static const char letters[] = "UOWDM";

struct dependency_case {
    const char *children[6]; /* "aDbc": a is Down and needs b and c */
    const char *expected; /* effective states in order; after a suppressed one, its root causes */
};

static const struct dependency_case cases[] = {
    {{"aO", "bD"}, "OD"},
    {{"aDb", "bD"}, "D(b)D"},
    {{"aUb", "bD"}, "U(b)D"},
    {{"aWb", "bD"}, "WD"},
    {{"aOb", "bD"}, "OD"},
    {{"aDb", "bO"}, "DO"},
    /* Transitive: the root cause is the one that has no Down dependency itself. */
    {{"aDb", "bDc", "cD"}, "D(c)D(c)D"},
    {{"aDb", "bOc", "cD"}, "D(c)OD"},
    {{"aDbc", "bD", "cD"}, "D(bc)DD"},
    {{"aDb", "bUc", "cD"}, "D(c)U(c)D"},
    /* Maintenance: a bad child behind it counts as Maintenance, a good one does not. */
    {{"aDb", "bo"}, "MM"},
    {{"aWb", "bd"}, "MM"},
    {{"aUb", "bM"}, "MM"},
    {{"aOb", "bd"}, "OM"},
    {{"aDb", "bDc", "cd"}, "MMM"},
    {{"aDb", "bOc", "cd"}, "MOM"},
    {{"ad", "bDa"}, "MM"},
    {{"aDbc", "bd", "cD"}, "MMD"},
    /* Disabled: counts for nothing and is not followed. */
    {{"aDb", "bx"}, "D."},
    {{"aDb", "bxc", "cD"}, "D.D"},
    {{"axb", "bD"}, ".D"},
    /* Cycles fail open, what hangs on the cycle does not. */
    {{"aDa"}, "D"},
    {{"aDb", "bDa"}, "DD"},
    {{"aDb", "bda"}, "DM"},
    {{"aDb", "bDa", "cDa"}, "DDD(ab)"},
    {{"aDbc", "bDa", "cD"}, "D(c)D(c)D"},
    {{"aDb", "bDc", "cDa"}, "DDD"},
    {{"aDbc", "bWa", "cd"}, "MMM"},
};

static void test_dependencies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dependency_child children[6] = {0};
        size_t needs[6][6] = {0};
        size_t count = 0;
        AUTO(dependencies_free) struct dependencies *dependencies = NULL;
        CLEANUP(buf_clear_p) struct buf got = {0};

        for (; count < 6 && cases[i].children[count]; count++) {
            const char *text = cases[i].children[count];
            struct dependency_child *child = &children[count];

            child->enabled = text[1] != 'x';
            child->maintenance = child->enabled && islower((unsigned char)text[1]);
            if (child->enabled)
                child->state =
                    (enum state)(strchr(letters, toupper((unsigned char)text[1])) - letters);
            child->depends_on = needs[count];
            for (const char *at = text + 2; *at; at++)
                needs[count][child->depends_on_count++] = (size_t)(*at - 'a');
        }

        dependencies = dependencies_new(children, count);
        for (size_t at = 0; at < count; at++) {
            buf_append_char(&got, children[at].enabled ? letters[children[at].effective] : '.');
            if (!children[at].suppressed)
                continue;
            buf_append_char(&got, '(');
            for (size_t cause = 0; cause < count; cause++) {
                if (dependencies_is_root_cause(dependencies, at, cause))
                    buf_append_char(&got, (char)('a' + cause));
            }
            buf_append_char(&got, ')');
        }
        if (strcmp(got.data, cases[i].expected) != 0)
            print_message("case %zu: %s …\n", i, cases[i].children[0]);
        assert_string_equal(got.data, cases[i].expected);
    }
}

static void test_a_long_chain(void **state)
{
    struct dependency_child children[DEPENDENCY_CHILDREN_MAX] = {0};
    size_t needs[DEPENDENCY_CHILDREN_MAX];
    AUTO(dependencies_free) struct dependencies *dependencies = NULL;

    (void)state;
    for (size_t i = 0; i < DEPENDENCY_CHILDREN_MAX; i++) {
        needs[i] = i + 1;
        children[i] = (struct dependency_child){
            .state = STATE_DOWN,
            .enabled = true,
            .depends_on = &needs[i],
            .depends_on_count = i + 1 < DEPENDENCY_CHILDREN_MAX,
        };
    }
    dependencies = dependencies_new(children, DEPENDENCY_CHILDREN_MAX);
    assert_true(dependencies_is_root_cause(dependencies, 0, DEPENDENCY_CHILDREN_MAX - 1));
    assert_false(dependencies_is_root_cause(dependencies, 0, 1));
    assert_false(children[DEPENDENCY_CHILDREN_MAX - 1].suppressed);
}

static void test_no_children(void **state)
{
    AUTO(dependencies_free) struct dependencies *dependencies = dependencies_new(NULL, 0);

    (void)state;
    assert_non_null(dependencies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dependencies),
        cmocka_unit_test(test_a_long_chain),
        cmocka_unit_test(test_no_children),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
