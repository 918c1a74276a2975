/* What error codes of PostgreSQL mean to us. */
#include "tests/unit/unit_test.h"

#include "control/store/sqlstate.h"

static void test_codes_and_classes(void **state)
{
    static const struct {
        const char *state;
        enum err err;
        const char *code;
    } cases[] = {
        {"23505", ERR_CONFLICT, "unique_violation"},
        {"23514", ERR_INVALID, "check_violation"},
        {"22P02", ERR_INVALID, "value_invalid"},
        {"22001", ERR_INVALID, "value_invalid"},
        {"40P01", ERR_UNAVAILABLE, "transaction_collided"},
        {"57014", ERR_TIMEOUT, "statement_timeout"},
        {"57P01", ERR_UNAVAILABLE, "database_unavailable"},
        {"53100", ERR_UNAVAILABLE, "database_full"},
        {"53300", ERR_UNAVAILABLE, "database_unavailable"},
        {"28P01", ERR_INVALID, "database_refused"},
        {"42P01", ERR_BUG, "statement_wrong"},
        {"", ERR_UNAVAILABLE, "database_unavailable"},
        {NULL, ERR_UNAVAILABLE, "database_unavailable"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct sqlstate_meaning *meaning = sqlstate_meaning(cases[i].state);

        assert_int_equal(meaning->err, cases[i].err);
        assert_string_equal(meaning->code, cases[i].code);
    }
    assert_true(sqlstate_is_collision("40001"));
    assert_false(sqlstate_is_collision("40002"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_codes_and_classes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
