/* Migrations: order, repetition, failures, newer and changed schemas, two programs at once. */
#include "tests/unit/unit_test.h"

#include <pthread.h>
#include <string.h>

#include "control/store/db.h"
#include "control/store/migrate.h"
#include "control/store/query.h"
#include "tests/unit/database.h"
#include "tests/unit/store/store_test.sql.h"

#define FILE_OF(name, text)                                                                        \
    {                                                                                              \
        name, text, sizeof(text) - 1                                                               \
    }
#define BASE                                                                                       \
    FILE_OF("0000_base.sql",                                                                       \
            "CREATE TABLE schema_migration (number int PRIMARY KEY, name text, checksum text,"     \
            " program text, applied_at timestamptz DEFAULT now());")

static struct db *open_empty(void)
{
    struct db *db = db_new(&(struct db_options){.url = test_database_url, .name = "test"});

    assert_int_equal(db_run_script(db, "DROP SCHEMA public CASCADE; CREATE SCHEMA public"), OK);
    return db;
}

static const struct embedded_file first_files[] = {
    BASE, FILE_OF("0001_one.sql", "CREATE TABLE thing (id bigint);"), {0}};

static const struct embedded_file next_files[] = {
    BASE,
    FILE_OF("0001_one.sql", "CREATE TABLE thing (id bigint);"),
    FILE_OF("0002_two.sql", "INSERT INTO thing VALUES (1); INSERT INTO thing VALUES (2);"),
    {0}};

static const struct embedded_file broken_files[] = {
    BASE,
    FILE_OF("0001_one.sql", "CREATE TABLE thing (id bigint);"),
    FILE_OF("0002_two.sql", "INSERT INTO thing VALUES (1); SELECT 1/0;"),
    {0}};

static const struct embedded_file changed_files[] = {
    BASE, FILE_OF("0001_one.sql", "CREATE TABLE thing (id text);"), {0}};

static int64_t count(struct db *db)
{
    AUTO(rows_free) struct rows *rows = NULL;

    assert_int_equal(db_query_one(db, &sql_test_count, NO_PARAMS, &rows), OK);
    return row_int(rows, 0, 0);
}

struct hook_calls {
    int count;
    int from;
    int to;
    enum err answer;
};

static enum err note_call(void *context, int from, int to)
{
    struct hook_calls *calls = context;

    calls->count++;
    calls->from = from;
    calls->to = to;
    return calls->answer;
}

static void test_all_run_once_and_missing_ones_later(void **state)
{
    AUTO(db_free) struct db *db = open_empty();
    struct hook_calls calls = {0};
    const struct migrate_hooks hooks = {.context = &calls, .before = note_call};
    int applied;

    (void)state;
    assert_int_equal(migrate(db, first_files, &hooks, &applied), OK);
    assert_int_equal(applied, 2);
    assert_int_equal(calls.count, 0); /* nothing to back up yet */
    assert_int_equal(migrate(db, first_files, &hooks, &applied), OK);
    assert_int_equal(applied, 0);
    assert_int_equal(calls.count, 0);
    assert_int_equal(migrate(db, next_files, &hooks, &applied), OK);
    assert_int_equal(applied, 1);
    assert_int_equal(calls.count, 1);
    assert_int_equal(calls.from, 1);
    assert_int_equal(calls.to, 2);
    assert_int_equal(count(db), 2);
}

static void test_failure_leaves_the_step_before(void **state)
{
    AUTO(db_free) struct db *db = open_empty();
    int applied;

    (void)state;
    assert_int_equal(migrate(db, broken_files, NULL, &applied), ERR_INVALID);
    assert_non_null(strstr(failure_last()->detail, "0002_two.sql: script: division by zero"));
    assert_int_equal(count(db), 0);
    assert_int_equal(migrate(db, next_files, NULL, &applied), OK);
    assert_int_equal(applied, 1);
}

static void test_no_backup_no_migration(void **state)
{
    AUTO(db_free) struct db *db = open_empty();
    struct hook_calls calls = {.answer = ERR_UNAVAILABLE};
    const struct migrate_hooks hooks = {.context = &calls, .before = note_call};
    int applied;

    (void)state;
    assert_int_equal(migrate(db, first_files, NULL, &applied), OK);
    assert_int_equal(migrate(db, next_files, &hooks, &applied), ERR_UNAVAILABLE);
    assert_int_equal(count(db), 0);
}

static void test_newer_schema_is_refused(void **state)
{
    AUTO(db_free) struct db *db = open_empty();
    int applied;

    (void)state;
    assert_int_equal(migrate(db, next_files, NULL, &applied), OK);
    assert_int_equal(migrate(db, first_files, NULL, &applied), ERR_INVALID);
    assert_string_equal(failure_last()->code, "schema_newer");
    assert_non_null(strstr(failure_last()->detail, "0002_two.sql"));
}

static void test_changed_file_is_refused(void **state)
{
    AUTO(db_free) struct db *db = open_empty();
    int applied;

    (void)state;
    assert_int_equal(migrate(db, first_files, NULL, &applied), OK);
    assert_int_equal(migrate(db, changed_files, NULL, &applied), ERR_INVALID);
    assert_string_equal(failure_last()->code, "migration_changed");
}

static void *migrate_in_thread(void *argument)
{
    AUTO(db_free)
    struct db *db = db_new(&(struct db_options){.url = test_database_url, .name = "thread"});
    int *applied = argument;

    assert_int_equal(migrate(db, next_files, NULL, applied), OK);
    failure_clear();
    return NULL;
}

static void test_several_programs_apply_each_once(void **state)
{
    AUTO(db_free) struct db *db = open_empty();
    pthread_t threads[4];
    int applied[4];
    int sum = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate_in_thread, &applied[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        sum += applied[i];
    }
    assert_int_equal(sum, 3);
    assert_int_equal(count(db), 2);
}

static void test_files_of_the_program_apply(void **state)
{
    AUTO(db_free) struct db *db = open_empty();
    int applied;

    (void)state;
    assert_int_equal(migrate(db, store_migrations, NULL, &applied), OK);
    assert_true(applied >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_run_once_and_missing_ones_later),
        cmocka_unit_test(test_failure_leaves_the_step_before),
        cmocka_unit_test(test_no_backup_no_migration),
        cmocka_unit_test(test_newer_schema_is_refused),
        cmocka_unit_test(test_changed_file_is_refused),
        cmocka_unit_test(test_several_programs_apply_each_once),
        cmocka_unit_test(test_files_of_the_program_apply),
    };

    return test_with_database("migrate", tests, ARRAY_LEN(tests));
}
