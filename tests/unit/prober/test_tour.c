/* What a check of several addresses says by how many of them had which verdict. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"

#include "prober/tour.h"

static void test_votes(void **state)
{
    static const struct {
        enum address_vote vote;
        unsigned counts[VERDICT_COUNT]; /* ok, warn, fail, error */
        enum verdict verdict;
    } cases[] = {
        {VOTE_WORST, {2, 0, 0, 0}, VERDICT_OK},    {VOTE_WORST, {2, 1, 0, 0}, VERDICT_WARN},
        {VOTE_WORST, {2, 1, 1, 0}, VERDICT_FAIL},  {VOTE_WORST, {1, 0, 0, 1}, VERDICT_OK},
        {VOTE_WORST, {0, 0, 0, 2}, VERDICT_ERROR}, {VOTE_ANY, {1, 1, 2, 0}, VERDICT_OK},
        {VOTE_ANY, {0, 1, 2, 0}, VERDICT_WARN},    {VOTE_ANY, {0, 0, 2, 1}, VERDICT_FAIL},
        {VOTE_ANY, {0, 0, 0, 1}, VERDICT_ERROR},   {VOTE_QUORUM, {3, 0, 0, 0}, VERDICT_OK},
        {VOTE_QUORUM, {2, 1, 0, 0}, VERDICT_WARN}, {VOTE_QUORUM, {2, 0, 1, 0}, VERDICT_WARN},
        {VOTE_QUORUM, {1, 0, 1, 0}, VERDICT_WARN}, {VOTE_QUORUM, {1, 0, 2, 0}, VERDICT_FAIL},
        {VOTE_QUORUM, {1, 0, 1, 3}, VERDICT_WARN}, {VOTE_QUORUM, {0, 0, 0, 3}, VERDICT_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(address_vote_verdict(cases[i].vote, cases[i].counts), cases[i].verdict);
}

static void test_words(void **state)
{
    (void)state;
    assert_int_equal(address_vote_of(NULL), VOTE_WORST);
    assert_int_equal(address_vote_of("worst"), VOTE_WORST);
    assert_int_equal(address_vote_of("any"), VOTE_ANY);
    assert_int_equal(address_vote_of("quorum"), VOTE_QUORUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_votes),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
