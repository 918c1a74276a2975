/* As em-control does it: the loop is there only so that a killed server is started again, and runs
 * while waiting. */
#include "tests/unit/unit_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/spawner.h"

#include "control/data_dir.h"
#include "control/embedded.h"
#include "control/store/db.h"
#include "tests/unit/database.h"

#define WAIT_US INT64_C(30000000)

const char *test_database_url;
const char *test_folder;
struct spawner *test_spawner;

static struct loop *loop;
static struct data_dir *dir;
static struct embedded *embedded;

static int start(void)
{
    char path[64];
    struct embedded_options options = {.postgres = true};

    snprintf(path, sizeof path, "/tmp/em-test-%d", (int)getpid());
    loop = loop_new();
    if (data_dir_open(path, "environment-manager", test_spawner, &dir) != OK)
        return 1;
    options.dir = dir;
    options.spawner = test_spawner;
    options.loop = loop;
    if (embedded_start(&options, &embedded) != OK)
        return 1;
    test_folder = data_dir_path(dir);
    test_database_url = embedded_database_url(embedded);
    return 0;
}

static void stop(void)
{
    const char *const argv[] = {"/bin/rm", "-rf", "--", dir ? data_dir_path(dir) : "", NULL};
    const struct spawn_request request = {.argv = argv, .timeout_ms = 30000};

    embedded_stop(embedded);
    if (dir && spawner_run(test_spawner, &request, NULL) != OK)
        fprintf(stderr, "%s\n", failure_last()->detail);
    data_dir_free(dir);
    loop_free(loop);
}

void test_database_kill(void)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;
    char *text;

    assert_int_equal(data_dir_read(dir, "postgres/postmaster.pid", &text), OK);
    assert_int_equal(kill((pid_t)strtol(text, NULL, 10), SIGKILL), 0);
    free(text);
    do {
        assert_int_equal(spawner_wait(test_spawner, 10), OK);
        ev_run(loop_ev(loop), EVRUN_NOWAIT);
        assert_true(clock_monotonic_us() < deadline_us);
    } while (!db_answers(test_database_url));
}

int test_with_database(const char *name, const struct CMUnitTest *tests, unsigned long count)
{
    int failed = 1;

    log_set_level(LOG_LEVEL_WARNING);
    if (spawner_start("em-test-spawner", &test_spawner) != OK)
        return 1;
    if (start() == 0)
        failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    else
        fprintf(stderr, "%s: %s\n", name, failure_last()->detail);
    stop();
    spawner_free(test_spawner);
    failure_clear();
    return failed;
}
