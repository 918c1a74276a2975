/* The tree: one small estate, built once per test; what changes, and what does not. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "shared/attrs.h"

#include "control/health/tree.h"

/* Ids: one byte says which. Organisation o, units u and v (below u), systems s (in v) and t (in u),
 * group g, instances i (s, g) and j (t, g), components a and b in i and c in j, checks 1 (a), 2
 * (b), 3 (c). */
static struct uuid id_of(char name)
{
    return name == '-' ? (struct uuid){0} : (struct uuid){.bytes = {(uint8_t)name}};
}

struct estate_row {
    char name;
    enum entity_kind kind;
    char parent;
    char group;
};

static const struct estate_row estate[] = {
    {'o', ENTITY_ORGANISATION, '-', '-'},  {'u', ENTITY_BUSINESS_UNIT, 'o', '-'},
    {'v', ENTITY_BUSINESS_UNIT, 'u', '-'}, {'s', ENTITY_SYSTEM, 'v', '-'},
    {'t', ENTITY_SYSTEM, 'u', '-'},        {'g', ENTITY_ENVIRONMENT_GROUP, 'u', '-'},
    {'i', ENTITY_INSTANCE, 's', 'g'},      {'j', ENTITY_INSTANCE, 't', 'g'},
    {'a', ENTITY_COMPONENT, 'i', '-'},     {'b', ENTITY_COMPONENT, 'i', '-'},
    {'c', ENTITY_COMPONENT, 'j', '-'},     {'1', ENTITY_CHECK, 'a', '-'},
    {'2', ENTITY_CHECK, 'b', '-'},         {'3', ENTITY_CHECK, 'c', '-'},
};

static struct node_definition definition_of(const struct estate_row *row, char text[2])
{
    snprintf(text, 2, "%c", row->name);
    return (struct node_definition){
        .id = id_of(row->name),
        .kind = row->kind,
        .key = str_of(text),
        .name = str_of(text),
        .facts = STR("{}"),
        .version = 1,
        .parent_id = id_of(row->parent),
        .group_id = id_of(row->group),
        .weight = 1,
        .policy = propagation_policy_default,
    };
}

static struct node *node_of(struct tree *tree, char name)
{
    struct uuid id = id_of(name);

    return tree_find(tree, &id);
}

static void put(struct tree *tree, const struct estate_row *row, int64_t now_ms)
{
    char text[2];
    struct node_definition definition = definition_of(row, text);
    struct node *node = tree_put(tree, &definition, NULL);

    assert_true(tree_link(tree, node, &definition, now_ms));
}

static void set(struct tree *tree, char check, enum state state, int64_t at_ms)
{
    tree_set_check(tree, node_of(tree, check), state, state, true, at_ms, "because");
}

/* Loads everything as operational, as if it had been so before. */
static void load(struct tree *tree)
{
    struct status operational = {.state = STATE_OPERATIONAL,
                                 .measured = STATE_OPERATIONAL,
                                 .since_ms = 10,
                                 .version = 5,
                                 .reason = "before"};
    char text[2];

    tree_init(tree);
    tree_load_begin(tree);
    for (size_t i = 0; i < ARRAY_LEN(estate); i++) {
        struct node_definition definition = definition_of(&estate[i], text);

        tree_restore(tree_put(tree, &definition, NULL), &operational);
    }
    for (size_t i = 0; i < ARRAY_LEN(estate); i++) {
        struct node_definition definition = definition_of(&estate[i], text);

        assert_true(tree_link(tree, node_of(tree, estate[i].name), &definition, 20));
    }
    set(tree, '1', STATE_OPERATIONAL, 20);
    set(tree, '2', STATE_OPERATIONAL, 20);
    set(tree, '3', STATE_OPERATIONAL, 20);
    tree_load_end(tree, 20);
}

/* The changes in order as "1:operational>down a:…", letters by the state's first two. */
static const char *changes_of(struct tree *tree)
{
    static char text[512];
    static const char letters[] = "UOWDM";
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < tree->changes.len; i++) {
        const struct tree_change *change = &tree->changes.items[i];

        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%c%c", i ? " " : "",
                                change->node->key, letters[change->from], letters[change->to]);
    }
    tree_settled(tree);
    return text;
}

static void test_a_restart_changes_nothing(void **state)
{
    struct tree tree;

    (void)state;
    load(&tree);
    assert_string_equal(changes_of(&tree), "");
    assert_int_equal(node_of(&tree, 'o')->status.version, 5);
    assert_string_equal(node_of(&tree, 's')->status.reason, "before");
    tree_clear(&tree);
}

static void test_a_failure_reaches_those_above(void **state)
{
    struct tree tree;

    (void)state;
    load(&tree);
    changes_of(&tree);
    set(&tree, '1', STATE_DOWN, 100);
    assert_int_equal(node_of(&tree, 'g')->status.since_ms, 100);
    assert_int_equal(node_of(&tree, 'g')->status.version, 6);
    assert_string_equal(node_of(&tree, 'i')->status.reason, "a: down");
    assert_string_equal(node_of(&tree, 'u')->status.reason, "s: down");
    assert_string_equal(changes_of(&tree), "1OD aOD iOD sOD vOD uOD oOD gOD");

    set(&tree, '2', STATE_DOWN, 110);
    assert_string_equal(changes_of(&tree), "2OD bOD");
    set(&tree, '1', STATE_OPERATIONAL, 120);
    assert_string_equal(changes_of(&tree), "1DO aDO");
    set(&tree, '2', STATE_DEGRADED, 130);
    assert_string_equal(changes_of(&tree), "2DW bDW iDW sDW vDW uDW oDW gDW");
    tree_clear(&tree);
}

static void test_maintenance_of_an_instance(void **state)
{
    struct tree tree;

    (void)state;
    load(&tree);
    tree_set_maintenance(&tree, node_of(&tree, 'i'), true, 100);
    /* Those below keep their state and are flagged; those above see Maintenance. */
    assert_string_equal(changes_of(&tree), "iOM sOM vOM uOM oOM gOM aOO 1OO bOO 2OO");
    assert_true(node_of(&tree, '2')->status.under_maintenance);
    assert_false(node_of(&tree, 's')->status.under_maintenance);
    set(&tree, '1', STATE_DOWN, 110);
    assert_string_equal(changes_of(&tree), "1OD aOD");
    assert_int_equal(node_of(&tree, 's')->status.measured, STATE_DOWN);
    set(&tree, '3', STATE_DOWN, 120);
    assert_string_equal(changes_of(&tree), "3OD cOD jOD tOD uMD oMD gMD");
    assert_true(node_of(&tree, 'g')->status.partial_maintenance);
    tree_set_maintenance(&tree, node_of(&tree, 'i'), false, 130);
    assert_string_equal(changes_of(&tree), "iMD sMD vMD uDD oDD gDD aDD 1DD bOO 2OO");
    tree_clear(&tree);
}

static void test_maintenance_of_a_group(void **state)
{
    struct tree tree;

    (void)state;
    load(&tree);
    tree_set_maintenance(&tree, node_of(&tree, 'g'), true, 100);
    assert_string_equal(changes_of(&tree), "gOM iOO aOO 1OO bOO 2OO jOO cOO 3OO");
    assert_int_equal(node_of(&tree, 's')->status.state, STATE_OPERATIONAL);
    tree_clear(&tree);
}

static void test_a_window_open_across_a_restart(void **state)
{
    struct tree tree;
    struct status status;

    (void)state;
    load(&tree);
    tree_set_maintenance(&tree, node_of(&tree, 'c'), true, 100);
    changes_of(&tree);
    status = node_of(&tree, 'c')->status;
    assert_int_equal(status.version, 6);

    tree_load_begin(&tree);
    tree_set_maintenance(&tree, node_of(&tree, 'c'), false, 200);
    tree_set_maintenance(&tree, node_of(&tree, 'c'), true, 200);
    tree_load_end(&tree, 200);
    assert_string_equal(changes_of(&tree), "");
    tree_clear(&tree);
}

static void test_removing_and_moving(void **state)
{
    struct tree tree;
    struct estate_row moved = {'v', ENTITY_BUSINESS_UNIT, 'o', '-'};

    (void)state;
    load(&tree);
    set(&tree, '1', STATE_DOWN, 100);
    changes_of(&tree);
    put(&tree, &moved, 200); /* v leaves u and takes s along */
    assert_string_equal(changes_of(&tree), "uDO");
    tree_remove(&tree, node_of(&tree, 'a'), 300);
    assert_null(node_of(&tree, '1'));
    assert_int_equal(tree.removed.len, 2);
    assert_string_equal(changes_of(&tree), "iDO sDO vDO oDO gDO");
    tree_remove(&tree, node_of(&tree, 'o'), 400);
    assert_int_equal(HASH_COUNT(tree.nodes), 0);
    assert_string_equal(changes_of(&tree), "");
    tree_clear(&tree);
}

static void test_links_that_cannot_be(void **state)
{
    struct tree tree;
    struct estate_row circle = {'u', ENTITY_BUSINESS_UNIT, 'v', '-'};
    struct estate_row orphan = {'x', ENTITY_COMPONENT, 'y', '-'};
    char text[2];
    struct node_definition definition;

    (void)state;
    load(&tree);
    definition = definition_of(&circle, text);
    assert_false(tree_link(&tree, node_of(&tree, 'u'), &definition, 1));
    definition = definition_of(&orphan, text);
    assert_false(tree_link(&tree, tree_put(&tree, &definition, NULL), &definition, 1));
    tree_clear(&tree);
}

static void test_disabled_and_informational(void **state)
{
    struct tree tree;
    struct uuid scope[TREE_SCOPE_MAX];

    (void)state;
    load(&tree);
    tree_set_check(&tree, node_of(&tree, '1'), STATE_UNKNOWN, STATE_UNKNOWN, false, 100, "paused");
    assert_string_equal(changes_of(&tree), "1OU aOU iOU sOU vOU uOU oOU gOU");
    node_of(&tree, 'a')->criticality = CRITICALITY_INFORMATIONAL;
    put(&tree, &(struct estate_row){'a', ENTITY_COMPONENT, 'i', '-'}, 200);
    changes_of(&tree);
    assert_int_equal(tree_scope(node_of(&tree, '1'), scope), 8);
    assert_int_equal(scope[0].bytes[0], '1');
    assert_int_equal(scope[3].bytes[0], 'g');
    tree_clear(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restart_changes_nothing),
        cmocka_unit_test(test_a_failure_reaches_those_above),
        cmocka_unit_test(test_maintenance_of_an_instance),
        cmocka_unit_test(test_maintenance_of_a_group),
        cmocka_unit_test(test_a_window_open_across_a_restart),
        cmocka_unit_test(test_removing_and_moving),
        cmocka_unit_test(test_links_that_cannot_be),
        cmocka_unit_test(test_disabled_and_informational),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
