/*
 * Sections 2 and 3 of the health rules as tables. Children are written as letters: O W D M U for
 * the five effective states; after a letter, '-' makes it non-critical, 'i' informational, and a
 * digit is its weight.
 */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "shared/attrs.h"

#include "control/health/location_rules.h"
#include "control/health/propagation_rules.h"

static const char letters[] = "UOWDM"; /* in the order of enum state */

static struct tally tally_of(const char *children)
{
    struct tally tally = {0};

    while (*children) {
        enum state state = (enum state)(strchr(letters, *children++) - letters);
        enum criticality criticality = CRITICALITY_CRITICAL;
        int64_t weight = 1;

        if (*children == '-' || *children == 'i')
            criticality = *children++ == '-' ? CRITICALITY_NON_CRITICAL : CRITICALITY_INFORMATIONAL;
        if (*children >= '0' && *children <= '9')
            weight = *children++ - '0';
        tally_add(&tally, state, criticality, weight);
    }
    return tally;
}

struct worst_case {
    const char *children;
    char expected;
    bool partial;
};

static const struct worst_case worst_cases[] = {
    {"", 'U', false},     {"Di", 'U', false},  {"Oi", 'U', false},    {"Mi", 'U', false},
    {"O", 'O', false},    {"W", 'W', false},   {"D", 'D', false},     {"M", 'M', false},
    {"U", 'U', false},    {"OW", 'W', false},  {"OU", 'U', false},    {"WU", 'W', false},
    {"DM", 'D', true},    {"WM", 'M', false},  {"OM", 'M', false},    {"UM", 'M', false},
    {"DWMUO", 'D', true}, {"OD-", 'W', false}, {"OW-", 'O', false},   {"OM-", 'O', true},
    {"OU-", 'O', false},  {"O-", 'O', false},  {"D-", 'W', false},    {"W-", 'O', false},
    {"M-", 'M', false},   {"U-", 'U', false},  {"M-M-", 'M', false},  {"M-U-", 'U', true},
    {"M-Di", 'M', false}, {"ODi", 'O', false}, {"OMi", 'O', false},   {"MD-", 'M', false},
    {"UD-", 'W', false},  {"UM-", 'U', true},  {"UO-", 'U', false},   {"O-M-", 'O', true},
    {"O-U-", 'O', false}, {"D-M-", 'W', true}, {"M-U-O-", 'O', true},
};

static void test_worst(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(worst_cases); i++) {
        struct tally tally = tally_of(worst_cases[i].children);
        struct propagated got = propagate(&propagation_policy_default, &tally, false);

        if (letters[got.state] != worst_cases[i].expected ||
            got.partial_maintenance != worst_cases[i].partial)
            print_message("children %s\n", worst_cases[i].children);
        assert_int_equal(letters[got.state], worst_cases[i].expected);
        assert_int_equal(got.partial_maintenance, worst_cases[i].partial);
        assert_false(got.scored);
    }
}

static void test_own_maintenance_beats_everything(void **state)
{
    static const char *const children[] = {"", "O", "D", "DM", "U"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        struct tally tally = tally_of(children[i]);
        struct propagated got = propagate(&propagation_policy_default, &tally, true);

        assert_int_equal(got.state, STATE_MAINTENANCE);
        assert_false(got.partial_maintenance);
    }
}

struct quorum_case {
    const char *children;
    uint32_t min_up;
    char expected;
};

static const struct quorum_case quorum_cases[] = {
    {"OOO", 2, 'O'},  {"OOD", 2, 'W'},  {"OWO", 2, 'W'}, {"ODD", 2, 'D'},  {"OOM", 2, 'O'},
    {"OMM", 2, 'M'},  {"OMD", 2, 'D'},  {"OUU", 2, 'U'}, {"OUD", 2, 'U'},  {"OMU", 2, 'U'},
    {"OMUD", 3, 'D'}, {"MMU", 2, 'M'},  {"MUD", 2, 'D'}, {"O", 2, 'D'},    {"M", 1, 'M'},
    {"U", 1, 'U'},    {"OODi", 2, 'O'}, {"Oi", 1, 'U'},  {"O-O-", 2, 'O'}, {"WW", 2, 'W'},
    {"D", 0, 'W'},
};

static void test_quorum(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(quorum_cases); i++) {
        struct propagation_policy policy = propagation_policy_default;
        struct tally tally = tally_of(quorum_cases[i].children);
        struct propagated got;

        policy.policy = POLICY_QUORUM;
        policy.min_up = quorum_cases[i].min_up;
        got = propagate(&policy, &tally, false);
        if (letters[got.state] != quorum_cases[i].expected)
            print_message("%u of %s\n", policy.min_up, quorum_cases[i].children);
        assert_int_equal(letters[got.state], quorum_cases[i].expected);
    }
}

struct weighted_case {
    const char *children;
    char expected;
    struct fraction score; /* {0}: the thresholds did not decide */
};

static const struct weighted_case weighted_cases[] = {
    {"OO", 'O', {1, 1}},  {"OD-", 'W', {1, 2}}, {"OD-D-", 'D', {1, 3}},   {"O3D-4", 'D', {3, 7}},
    {"OW", 'W', {3, 4}},  {"W", 'W', {1, 2}},   {"D-", 'D', {0, 1}},      {"OD", 'D', {0, 0}},
    {"MM-", 'M', {0, 0}}, {"MOi", 'M', {0, 0}}, {"OMi", 'O', {1, 1}},     {"OM", 'O', {1, 1}},
    {"OU", 'O', {1, 1}},  {"OUU", 'U', {0, 0}}, {"OUM2", 'O', {1, 1}},    {"U", 'U', {0, 0}},
    {"UM", 'U', {0, 0}},  {"O0", 'U', {0, 0}},  {"O2W2D-4", 'D', {3, 8}},
};

static void test_weighted(void **state)
{
    struct propagation_policy policy = propagation_policy_default;

    (void)state;
    policy.policy = POLICY_WEIGHTED;
    for (size_t i = 0; i < ARRAY_LEN(weighted_cases); i++) {
        struct tally tally = tally_of(weighted_cases[i].children);
        struct propagated got = propagate(&policy, &tally, false);

        if (letters[got.state] != weighted_cases[i].expected)
            print_message("children %s\n", weighted_cases[i].children);
        assert_int_equal(letters[got.state], weighted_cases[i].expected);
        assert_int_equal(got.scored, weighted_cases[i].score.denominator != 0);
        assert_int_equal(got.score.numerator, weighted_cases[i].score.numerator);
        assert_int_equal(got.score.denominator, weighted_cases[i].score.denominator);
    }
}

static void test_weighted_thresholds_are_exact(void **state)
{
    struct propagation_policy policy = propagation_policy_default;
    struct tally tally = {0};

    (void)state;
    policy.policy = POLICY_WEIGHTED;
    policy.operational_at = (struct fraction){333333, 1000000};
    policy.down_below = (struct fraction){1, 3};
    tally_add(&tally, STATE_OPERATIONAL, CRITICALITY_NON_CRITICAL, 1000000000);
    tally_add(&tally, STATE_DOWN, CRITICALITY_NON_CRITICAL, 2000000000);
    assert_int_equal(propagate(&policy, &tally, false).state, STATE_OPERATIONAL);
    policy.operational_at = (struct fraction){333334, 1000000};
    assert_int_equal(propagate(&policy, &tally, false).state, STATE_DEGRADED);
    tally_add(&tally, STATE_DOWN, CRITICALITY_NON_CRITICAL, 1);
    assert_int_equal(propagate(&policy, &tally, false).state, STATE_DOWN);
}

static void test_removing_undoes_adding(void **state)
{
    struct tally tally = tally_of("OD-MiU");
    struct tally empty = {0};

    (void)state;
    tally_remove(&tally, STATE_OPERATIONAL, CRITICALITY_CRITICAL, 1);
    tally_remove(&tally, STATE_DOWN, CRITICALITY_NON_CRITICAL, 1);
    tally_remove(&tally, STATE_MAINTENANCE, CRITICALITY_INFORMATIONAL, 1);
    tally_remove(&tally, STATE_UNKNOWN, CRITICALITY_CRITICAL, 1);
    assert_memory_equal(&tally, &empty, sizeof tally);
}

static void test_words(void **state)
{
    enum criticality criticality;
    enum policy policy;

    (void)state;
    for (int i = 0; i < CRITICALITY_COUNT; i++) {
        assert_true(
            criticality_from_word(str_of(criticality_word((enum criticality)i)), &criticality));
        assert_int_equal(criticality, i);
    }
    for (int i = 0; i < POLICY_COUNT; i++) {
        assert_true(policy_from_word(str_of(policy_word((enum policy)i)), &policy));
        assert_int_equal(policy, i);
    }
    assert_false(criticality_from_word(STR("Critical"), &criticality));
    assert_false(policy_from_word(STR(""), &policy));
}

struct location_case {
    const char *votes; /* o w f e; upper case: stale */
    uint32_t min_fail;
    char expected;
};

static const struct location_case location_cases[] = {
    {"", 0, 'U'},     {"ooo", 0, 'O'}, {"oow", 0, 'W'}, {"oof", 0, 'W'}, {"off", 0, 'D'},
    {"of", 0, 'W'},   {"ff", 0, 'D'},  {"f", 0, 'D'},   {"oFF", 0, 'O'}, {"OFF", 0, 'U'},
    {"eee", 0, 'U'},  {"ee", 0, 'U'},  {"eef", 0, 'D'}, {"oof", 1, 'D'}, {"fffo", 4, 'W'},
    {"ooff", 0, 'W'}, {"wwf", 0, 'W'}, {"ofE", 0, 'W'},
};

static void test_locations(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(location_cases); i++) {
        struct location_votes votes = {0};

        for (const char *at = location_cases[i].votes; *at; at++) {
            bool stale = *at < 'a';
            enum verdict verdict = (enum verdict)(strchr("owfe", *at | 0x20) - "owfe");

            location_vote(&votes, verdict, stale ? 95001 : 95000, 95000);
        }
        assert_int_equal(letters[location_state(&votes, location_cases[i].min_fail)],
                         location_cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worst),
        cmocka_unit_test(test_own_maintenance_beats_everything),
        cmocka_unit_test(test_quorum),
        cmocka_unit_test(test_weighted),
        cmocka_unit_test(test_weighted_thresholds_are_exact),
        cmocka_unit_test(test_removing_undoes_adding),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_locations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
