/* Scripts of one loop: whom they run as, what they read, runs that outlive their probe, and the
 * back-off when nothing can be started. */
#include "tests/unit/unit_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/loop.h"
#include "shared/mem.h"

#include "prober/scripts.h"

#define WAIT_US  INT64_C(10000000)
#define NEW_USER 54322 /* has no process yet */

static struct spawner *spawner;
static struct loop *loop;

static enum err settings_error(const char *directory, const char *user)
{
    struct scripts_settings settings;
    enum err err = scripts_settings_init(&settings, directory, user);

    scripts_settings_clear(&settings);
    return err;
}

static void test_settings_say_what_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(settings_error("/nonexistent", NULL), ERR_NOT_FOUND);
    assert_int_equal(settings_error("/etc/passwd", NULL), ERR_INVALID);
    assert_int_equal(settings_error("/bin", "no-such-user"), ERR_NOT_FOUND);
    assert_non_null(strstr(failure_last()->detail, "useradd"));
    assert_int_equal(settings_error("/bin", "root"), ERR_INVALID);
    assert_int_equal(settings_error("/bin", NULL), OK);
}

static void test_pipe_holds_its_text_and_ends(void **state)
{
    static const size_t sizes[] = {0, 1, 4096, 8192, 8193, SCRIPTS_PIPE_BYTES_MAX};
    char *text = xmalloc(SCRIPTS_PIPE_BYTES_MAX);
    char *read_back = xmalloc(SCRIPTS_PIPE_BYTES_MAX + 1);

    (void)state;
    memset(text, 'x', SCRIPTS_PIPE_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t len = 0;
        ssize_t part;
        int fd;

        assert_int_equal(scripts_pipe(str_n(text, sizes[i]), &fd), OK);
        while ((part = read(fd, read_back + len, SCRIPTS_PIPE_BYTES_MAX + 1 - len)) > 0)
            len += (size_t)part;
        assert_int_equal(part, 0);
        assert_int_equal(len, sizes[i]);
        close(fd);
    }
    free(text);
    free(read_back);
}

static void on_end(void *argument, const struct spawn_result *result)
{
    *(struct spawn_result *)argument = *result;
}

/* Turns the loop until the result has come. */
static bool wait_for(const struct spawn_result *result)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;

    while (result->wall_us < 0 && clock_monotonic_us() < deadline_us)
        ev_run(loop_ev(loop), EVRUN_ONCE);
    return result->wall_us >= 0;
}

static struct scripts *scripts_on(struct spawner *owner, const struct scripts_settings *settings)
{
    struct spawner *handle;

    return spawner_open(owner, &handle) == OK ? scripts_new(loop_ev(loop), handle, settings) : NULL;
}

static void test_check_waits_for_the_child_that_it_left(void **state)
{
    static const char *const stubborn[] = {"/bin/sh", "-c", "trap '' TERM; sleep 100 & wait; wait",
                                           NULL};
    const struct spawn_request request = {.argv = stubborn, .timeout_ms = 60000, .grace_ms = 300};
    const struct uuid check = uuid_new();
    const struct uuid other = uuid_new();
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;
    struct spawn_result result = {.wall_us = -1};
    struct scripts_settings settings;
    struct scripts *scripts;
    struct script_run *run;
    enum err err;

    (void)state;
    assert_int_equal(scripts_settings_init(&settings, "/bin", NULL), OK);
    scripts = scripts_on(spawner, &settings);
    assert_int_equal(scripts_run(scripts, &check, &request, on_end, &result, &run), OK);
    scripts_leave(run);
    assert_int_equal(scripts_run(scripts, &check, &request, on_end, &result, &run), ERR_CONFLICT);
    assert_int_equal(scripts_run(scripts, &other, &request, on_end, &result, &run), OK);
    scripts_leave(run);

    do {
        ev_run(loop_ev(loop), EVRUN_ONCE);
        err = scripts_run(scripts, &check, &request, on_end, &result, &run);
    } while (err == ERR_CONFLICT && clock_monotonic_us() < deadline_us);
    assert_int_equal(err, OK);
    assert_int_equal(result.wall_us, -1);
    scripts_free(scripts);
    scripts_settings_clear(&settings);
}

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* In a process of its own: root is not bound by the limit, the spawner is, once it is the only
 * process of its user. */
static void start_without_processes(void)
{
    static const char *const argv[] = {"/bin/true", NULL};
    const struct spawn_request request = {.argv = argv};
    const struct scripts_settings settings = {.directory = "/bin"};
    const struct rlimit one = {1, 1};
    const struct uuid check = uuid_new();
    struct spawn_result result = {.wall_us = -1};
    struct script_run *run;
    struct scripts *scripts;
    struct spawner *own;
    int held = 0;

    REQUIRE(setrlimit(RLIMIT_NPROC, &one) == 0);
    REQUIRE(spawner_start("em-test-spawner", &own) == OK);
    REQUIRE(spawner_become(own, NEW_USER, NEW_USER) == OK);
    scripts = scripts_on(own, &settings);

    REQUIRE(scripts_run(scripts, &check, &request, on_end, &result, &run) == OK);
    REQUIRE(wait_for(&result));
    REQUIRE(result.end == SPAWN_FAILED && result.status == EAGAIN);
    for (result.wall_us = -1; held < 1000000; held++) {
        enum err err = scripts_run(scripts, &check, &request, on_end, &result, &run);

        if (err == OK)
            break;
        REQUIRE(err == ERR_LIMITED);
        REQUIRE(strstr(failure_last()->detail, "Resource temporarily unavailable"));
        usleep(1000);
    }
    REQUIRE(held > 10);
    REQUIRE(wait_for(&result));
    scripts_free(scripts);
    spawner_free(own);
}

static void test_start_that_fails_holds_back_the_next(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can become somebody else */
    pid = fork();
    if (pid == 0) {
        start_without_processes();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_say_what_is_wrong),
        cmocka_unit_test(test_pipe_holds_its_text_and_ends),
        cmocka_unit_test(test_check_waits_for_the_child_that_it_left),
        cmocka_unit_test(test_start_that_fails_holds_back_the_next),
    };
    int failed;

    if (spawner_start("em-test-spawner", &spawner) != OK)
        return 1;
    loop = loop_new();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_free(loop);
    spawner_free(spawner);
    failure_clear();
    return failed;
}
