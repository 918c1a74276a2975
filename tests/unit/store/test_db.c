/* Connections, parameters, rows and transactions against a real server, also while it is killed. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/mem.h"

#include "control/store/db.h"
#include "control/store/tx.h"
#include "tests/unit/database.h"
#include "tests/unit/store/store_test.sql.h"

static struct db *open_db(int statement_timeout_ms)
{
    return db_new(&(struct db_options){
        .url = test_database_url, .name = "test", .statement_timeout_ms = statement_timeout_ms});
}

static void make_table(struct db *db)
{
    assert_int_equal(
        db_run_script(
            db,
            "DROP TABLE IF EXISTS thing;"
            "CREATE TABLE thing (id bigint PRIMARY KEY CONSTRAINT thing_id_positive CHECK (id > 0),"
            "                    name text NOT NULL CONSTRAINT thing_name UNIQUE)"),
        OK);
}

static enum err insert(struct db *db, int64_t id, const char *name)
{
    return db_execute(db, &sql_test_insert, PARAMS(p_int(id), p_text(name)), NULL);
}

static int64_t count(struct db *db)
{
    AUTO(rows_free) struct rows *rows = NULL;

    assert_int_equal(db_query_one(db, &sql_test_count, NO_PARAMS, &rows), OK);
    return row_int(rows, 0, 0);
}

static void test_scalars_come_back_as_they_went(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid id = uuid_new();
    struct uuid back;

    (void)state;
    assert_int_equal(
        db_query_one(db, &sql_test_echo,
                     PARAMS(p_text("Zürich '\"\\"), p_int(INT64_MAX), p_number(0.1), p_bool(true),
                            p_uuid(&id), p_bytes(str_n("\0\1\xff", 3)), p_ms(1795254896123)),
                     &rows),
        OK);
    assert_string_equal(row_text(rows, 0, 0).ptr, "Zürich '\"\\");
    assert_int_equal(row_int(rows, 0, 1), INT64_MAX);
    assert_true(row_number(rows, 0, 2) == 0.1);
    assert_true(row_bool(rows, 0, 3));
    back = row_uuid(rows, 0, 4);
    assert_true(uuid_equal(&back, &id));
    assert_true(str_equal(row_bytes(rows, 0, 5), str_n("\0\1\xff", 3)));
    assert_int_equal(row_ms(rows, 0, 6), 1795254896123);
}

static void test_nulls_come_back_as_nulls(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(rows_free) struct rows *rows = NULL;

    (void)state;
    assert_int_equal(db_query_one(db, &sql_test_echo,
                                  PARAMS(p_text(NULL), p_int(INTEGER_NULL), p_null(), p_null(),
                                         p_uuid(NULL), p_bytes((struct str){0}), p_ms(MS_NULL)),
                                  &rows),
                     OK);
    for (int column = 0; column < rows_columns(rows); column++)
        assert_true(row_is_null(rows, 0, column));
    assert_null(row_text(rows, 0, 0).ptr);
    assert_int_equal(row_int(rows, 0, 1), 0);
    assert_int_equal(row_ms(rows, 0, 6), MS_NULL);
}

static void test_arrays_come_back_as_rows(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(rows_free) struct rows *rows = NULL;
    const struct str texts[] = {STR("{a,\"b\"}"), {0}};
    const int64_t integers[] = {-5, INTEGER_NULL};
    const double numbers[] = {1.5, -2e300};
    const bool flags[] = {true, false};
    const struct uuid ids[] = {uuid_new(), uuid_new()};
    const struct str bytes[] = {{0}, str_n("\0", 1)};
    const int64_t times[] = {-1, MS_NULL};
    struct uuid id;

    (void)state;
    assert_int_equal(db_query(db, &sql_test_echo_arrays,
                              PARAMS(p_texts(texts, 2), p_ints(integers, 2), p_numbers(numbers, 2),
                                     p_bools(flags, 2), p_uuids(ids, 2), p_bytes_array(bytes, 2),
                                     p_ms_array(times, 2)),
                              &rows),
                     OK);
    assert_int_equal(rows_count(rows), 2);
    assert_string_equal(row_text(rows, 0, 0).ptr, "{a,\"b\"}");
    assert_true(row_is_null(rows, 1, 0));
    assert_int_equal(row_int(rows, 0, 1), -5);
    assert_true(row_is_null(rows, 1, 1));
    assert_true(row_number(rows, 1, 2) == -2e300);
    assert_true(row_bool(rows, 0, 3) && !row_bool(rows, 1, 3));
    id = row_uuid(rows, 1, 4);
    assert_true(uuid_equal(&id, &ids[1]));
    assert_true(row_is_null(rows, 0, 5));
    assert_int_equal(row_bytes(rows, 1, 5).len, 1);
    assert_int_equal(row_ms(rows, 0, 6), -1);
    assert_true(row_is_null(rows, 1, 6));
}

static void test_empty_arrays_give_no_rows(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(rows_free) struct rows *rows = NULL;

    (void)state;
    assert_int_equal(
        db_query(db, &sql_test_echo_arrays,
                 PARAMS(p_texts(NULL, 0), p_ints(NULL, 0), p_numbers(NULL, 0), p_bools(NULL, 0),
                        p_uuids(NULL, 0), p_bytes_array(NULL, 0), p_ms_array(NULL, 0)),
                 &rows),
        OK);
    assert_int_equal(rows_count(rows), 0);
}

static void test_small_types_and_documents(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(rows_free) struct rows *rows = NULL;

    (void)state;
    assert_int_equal(db_query_one(db, &sql_test_echo_small,
                                  PARAMS(p_int(-3), p_int(-70000), p_number(0.5),
                                         p_text("{\"a\": 1}"), p_text("{\"b\": [true]}")),
                                  &rows),
                     OK);
    assert_int_equal(row_int(rows, 0, 0), -3);
    assert_int_equal(row_int(rows, 0, 1), -70000);
    assert_true(row_number(rows, 0, 2) == 0.5);
    assert_string_equal(row_text(rows, 0, 3).ptr, "{\"a\": 1}");
    assert_string_equal(row_text(rows, 0, 4).ptr, "{\"b\": [true]}");
}

static void test_failures_have_words_and_codes(void **state)
{
    AUTO(db_free) struct db *db = open_db(300);
    AUTO(rows_free) struct rows *rows = NULL;
    uint64_t affected = 0;

    (void)state;
    make_table(db);
    assert_int_equal(insert(db, 1, "one"), OK);
    assert_int_equal(insert(db, 2, "one"), ERR_CONFLICT);
    assert_string_equal(failure_last()->code, "unique_violation");
    assert_string_equal(db_constraint(db), "thing_name");
    assert_int_equal(insert(db, -1, "minus"), ERR_INVALID);
    assert_string_equal(db_constraint(db), "thing_id_positive");
    assert_int_equal(insert(db, 3, NULL), ERR_INVALID);
    assert_string_equal(failure_last()->code, "value_missing");
    assert_int_equal(
        db_execute(db, &sql_test_insert, PARAMS(p_int(4), p_str(str_n("a\0b", 3))), NULL),
        ERR_INVALID);
    assert_int_equal(db_execute(db, &sql_test_wrong, NO_PARAMS, NULL), ERR_BUG);
    assert_int_equal(db_execute(db, &sql_test_sleep, PARAMS(p_number(5)), NULL), ERR_TIMEOUT);
    assert_int_equal(db_query_one(db, &sql_test_find, PARAMS(p_int(99)), &rows), ERR_NOT_FOUND);
    assert_int_equal(db_execute(db, &sql_test_update, PARAMS(p_int(1), p_text("eins")), &affected),
                     OK);
    assert_int_equal(affected, 1);
    assert_int_equal(count(db), 1);
}

static void test_transaction_commits_or_leaves_nothing(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(tx_rollback) struct tx *tx = NULL;

    (void)state;
    make_table(db);
    assert_int_equal(tx_begin(db, &tx), OK);
    assert_int_equal(insert(db, 1, "one"), OK);
    tx_rollback(TAKE(tx));
    assert_int_equal(count(db), 0);

    assert_int_equal(tx_begin(db, &tx), OK);
    assert_int_equal(insert(db, 1, "one"), OK);
    assert_int_equal(tx_save(tx), OK);
    assert_int_equal(insert(db, 2, "one"), ERR_CONFLICT);
    assert_int_equal(tx_undo(tx), OK);
    assert_int_equal(insert(db, 2, "two"), OK);
    assert_int_equal(tx_save(tx), OK);
    assert_int_equal(insert(db, 3, "three"), OK);
    assert_int_equal(tx_keep(tx), OK);
    assert_int_equal(tx_commit(TAKE(tx)), OK);
    assert_int_equal(count(db), 3);
}

static void test_failed_transaction_cannot_be_committed(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    struct tx *tx;

    (void)state;
    make_table(db);
    assert_int_equal(tx_begin(db, &tx), OK);
    assert_int_equal(insert(db, 1, "one"), OK);
    assert_int_equal(insert(db, 2, "one"), ERR_CONFLICT);
    assert_int_equal(tx_commit(tx), ERR_BUG);
    assert_int_equal(count(db), 0);
}

static void test_rollback_keeps_the_failure_and_its_constraint(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    struct tx *tx;

    (void)state;
    make_table(db);
    assert_int_equal(tx_begin(db, &tx), OK);
    assert_int_equal(insert(db, -1, "one"), ERR_INVALID);
    tx_rollback(tx);
    assert_string_equal(failure_last()->code, "check_violation");
    assert_string_equal(db_constraint(db), "thing_id_positive");
}

static void test_deadlock_may_be_tried_again(void **state)
{
    AUTO(db_free) struct db *first = open_db(0);
    AUTO(db_free) struct db *second = open_db(0);
    struct tx *old;
    struct tx *recent;
    AUTO(rows_free) struct rows *rows = NULL;

    (void)state;
    make_table(first);
    assert_int_equal(insert(first, 1, "one"), OK);
    assert_int_equal(tx_begin_snapshot(second, &old), OK);
    tx_rollback(old);
    assert_int_equal(db_run_script(second, "SET default_transaction_isolation = 'repeatable read'"),
                     OK);
    assert_int_equal(tx_begin(second, &recent), OK);
    assert_int_equal(tx_query_one(recent, &sql_test_find, PARAMS(p_int(1)), &rows), OK);
    assert_int_equal(db_execute(first, &sql_test_update, PARAMS(p_int(1), p_text("eins")), NULL),
                     OK);
    assert_int_equal(tx_execute(recent, &sql_test_update, PARAMS(p_int(1), p_text("uno")), NULL),
                     ERR_UNAVAILABLE);
    assert_true(db_should_retry(second));
    tx_rollback(recent);
}

static void test_lost_idle_connection_is_made_anew_unnoticed(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(db_free) struct db *other = open_db(0);

    (void)state;
    make_table(db);
    assert_int_equal(insert(db, 1, "one"), OK);
    assert_int_equal(db_execute(other, &sql_test_kill_others, NO_PARAMS, NULL), OK);
    assert_int_equal(insert(db, 2, "two"), OK);
    assert_int_equal(count(db), 2);
}

/* Another program's migration changes what a prepared statement returns: one call fails, the next
 * one works. */
static void test_stale_statement_fails_once(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(db_free) struct db *other = open_db(0);
    AUTO(rows_free) struct rows *before = NULL;
    AUTO(rows_free) struct rows *after = NULL;

    (void)state;
    make_table(db);
    assert_int_equal(db_query(db, &sql_test_things, NO_PARAMS, &before), OK);
    assert_int_equal(db_run_script(other, "ALTER TABLE thing ADD colour text"), OK);
    assert_int_equal(db_query(db, &sql_test_things, NO_PARAMS, &after), ERR_UNAVAILABLE);
    assert_string_equal(failure_last()->code, "statement_stale");
    assert_int_equal(db_query(db, &sql_test_things, NO_PARAMS, &after), OK);
    assert_int_equal(rows_columns(after), rows_columns(before) + 1);
    assert_int_equal(db_run_script(db, "DEALLOCATE ALL"), OK);
    assert_int_equal(db_query(db, &sql_test_things, NO_PARAMS, &after), ERR_UNAVAILABLE);
    assert_int_equal(count(db), 0);
}

static void test_transaction_does_not_survive_its_connection(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(db_free) struct db *other = open_db(0);
    struct tx *tx;

    (void)state;
    make_table(db);
    assert_int_equal(tx_begin(db, &tx), OK);
    assert_int_equal(insert(db, 1, "one"), OK);
    assert_int_equal(db_execute(other, &sql_test_kill_others, NO_PARAMS, NULL), OK);
    assert_int_equal(insert(db, 2, "two"), ERR_UNAVAILABLE);
    assert_int_equal(insert(db, 3, "three"), ERR_UNAVAILABLE);
    tx_rollback(tx);
    assert_int_equal(count(db), 0);
}

static void test_lost_while_committing_is_said_so(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(db_free) struct db *other = open_db(0);
    struct tx *tx;

    (void)state;
    make_table(db);
    assert_int_equal(tx_begin(db, &tx), OK);
    assert_int_equal(insert(db, 1, "one"), OK);
    assert_int_equal(db_execute(other, &sql_test_kill_others, NO_PARAMS, NULL), OK);
    assert_int_equal(tx_commit(tx), ERR_UNAVAILABLE);
    assert_string_equal(failure_last()->code, "commit_unknown");
}

/* Every committed row must be there after kill -9 of the server; the one under way may be. */
static void test_server_killed_keeps_what_was_committed(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    int64_t started_us;

    (void)state;
    make_table(db);
    for (int64_t id = 1; id <= 200; id++) {
        char name[20];

        snprintf(name, sizeof name, "row %d", (int)id);
        assert_int_equal(insert(db, id, name), OK);
    }
    started_us = clock_monotonic_us();
    test_database_kill();
    print_message("server back after %d ms\n", (int)((clock_monotonic_us() - started_us) / 1000));
    assert_int_equal(count(db), 200);
}

static void test_wrong_address_says_what_is_wrong(void **state)
{
    char *missing = xasprintf("%s dbname=missing", test_database_url);
    AUTO(db_free)
    struct db *unparsable = db_new(&(struct db_options){.url = "postgresql://[", .name = "test"});
    AUTO(db_free) struct db *absent = db_new(&(struct db_options){.url = missing, .name = "test"});
    AUTO(db_free)
    struct db *nobody =
        db_new(&(struct db_options){.url = "postgresql://u:p@127.0.0.1:1/x", .name = "test"});
    int64_t asked_us;

    (void)state;
    assert_int_equal(db_connect(unparsable), ERR_INVALID);
    assert_string_equal(failure_last()->code, "database_url");
    assert_int_equal(db_connect(absent), ERR_INVALID);
    assert_string_equal(failure_last()->code, "database_refused");
    assert_non_null(strstr(failure_last()->detail, "\"missing\" does not exist"));
    assert_int_equal(db_connect(nobody), ERR_UNAVAILABLE);
    assert_non_null(strstr(failure_last()->detail, "Connection refused"));
    asked_us = clock_monotonic_us();
    assert_int_equal(db_connect(nobody), ERR_UNAVAILABLE);
    assert_non_null(strstr(failure_last()->detail, "Connection refused"));
    assert_in_range(clock_monotonic_us() - asked_us, 0, 20000); /* at once: back-off */
    free(missing);
}

static void test_split_url_takes_the_password_out(void **state)
{
    char *address;
    char *password;

    (void)state;
    assert_int_equal(db_split_url("postgresql://me:s%20%27ecret@host:7/da'ta", &address, &password),
                     OK);
    assert_null(strstr(address, "ecret"));
    assert_non_null(strstr(address, "dbname='da\\'ta'"));
    assert_string_equal(password, "PGPASSWORD=s 'ecret");
    free(address);
    free(password);
}

static void expect_rows(struct db *db, const char *text)
{
    AUTO(rows_free) struct rows *rows = NULL;

    assert_int_equal(db_query_one(db, &sql_test_rows, NO_PARAMS, &rows), OK);
    assert_string_equal(row_text(rows, 0, 0).ptr, text);
}

/* Whoever says nothing sees nobody's rows; what was said last holds, also for the next connection and
 * after a transaction that was undone. */
static void test_rows_are_nobodys_until_somebody_is_named(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    struct row_scope one = {.kind = ROWS_OF_ONE};
    struct tx *tx;

    (void)state;
    assert_true(uuid_parse(STR("01890a5d-ac96-774b-bcce-b302099a8057"), &one.organisation_id));
    expect_rows(db, "");
    db_show_rows(db, ALL_ROWS);
    assert_true(db_shows_all_rows(db));
    expect_rows(db, "*");
    db_disconnect(db);
    expect_rows(db, "*");

    db_show_rows(db, one);
    assert_int_equal(tx_begin(db, &tx), OK);
    expect_rows(db, "01890a5d-ac96-774b-bcce-b302099a8057");
    tx_rollback(tx);
    expect_rows(db, "01890a5d-ac96-774b-bcce-b302099a8057");
    db_show_rows(db, (struct row_scope){0});
    assert_false(db_shows_all_rows(db));
    expect_rows(db, "");
}

static int notes;

static void on_note(void *argument, const char *channel, const char *payload)
{
    (void)argument;
    assert_string_equal(channel, "news");
    assert_string_equal(payload, "7");
    notes++;
}

static void test_notifications_arrive(void **state)
{
    AUTO(db_free) struct db *db = open_db(0);
    AUTO(db_free) struct db *other = open_db(0);
    int64_t deadline_us = clock_monotonic_us() + 5000000;

    (void)state;
    assert_int_equal(db_run_script(db, "LISTEN news"), OK);
    assert_int_equal(db_run_script(other, "NOTIFY news, '7'"), OK);
    while (!notes && clock_monotonic_us() < deadline_us)
        assert_int_equal(db_take_notifications(db, on_note, NULL), OK);
    assert_int_equal(notes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_come_back_as_they_went),
        cmocka_unit_test(test_nulls_come_back_as_nulls),
        cmocka_unit_test(test_arrays_come_back_as_rows),
        cmocka_unit_test(test_empty_arrays_give_no_rows),
        cmocka_unit_test(test_small_types_and_documents),
        cmocka_unit_test(test_failures_have_words_and_codes),
        cmocka_unit_test(test_transaction_commits_or_leaves_nothing),
        cmocka_unit_test(test_failed_transaction_cannot_be_committed),
        cmocka_unit_test(test_rollback_keeps_the_failure_and_its_constraint),
        cmocka_unit_test(test_deadlock_may_be_tried_again),
        cmocka_unit_test(test_lost_idle_connection_is_made_anew_unnoticed),
        cmocka_unit_test(test_stale_statement_fails_once),
        cmocka_unit_test(test_transaction_does_not_survive_its_connection),
        cmocka_unit_test(test_lost_while_committing_is_said_so),
        cmocka_unit_test(test_server_killed_keeps_what_was_committed),
        cmocka_unit_test(test_wrong_address_says_what_is_wrong),
        cmocka_unit_test(test_split_url_takes_the_password_out),
        cmocka_unit_test(test_rows_are_nobodys_until_somebody_is_named),
        cmocka_unit_test(test_notifications_arrive),
    };

    return test_with_database("db", tests, ARRAY_LEN(tests));
}
