/* The spawner with real programs: ends, output, deadlines, what is left behind, and its owner's
 * death. */
#include "tests/unit/unit_test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/spawner.h"

#define WAIT_US INT64_C(10000000)

static struct spawner *spawner;

struct ended {
    bool is_over;
    int times;
    enum spawn_end end;
    int status;
    bool output_truncated;
    int64_t wall_us;
    char output[SPAWN_OUTPUT_BYTES_MAX + 1];
    char error[1024];
};

static void on_end(void *argument, const struct spawn_result *result)
{
    struct ended *ended = argument;

    ended->is_over = true;
    ended->times++;
    ended->end = result->end;
    ended->status = result->status;
    ended->output_truncated = result->output_truncated;
    ended->wall_us = result->wall_us;
    snprintf(ended->output, sizeof ended->output, STR_FMT, STR_ARG(result->output));
    snprintf(ended->error, sizeof ended->error, STR_FMT, STR_ARG(result->error));
}

static void wait_for(const struct ended *ended)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;

    while (!ended->is_over && clock_monotonic_us() < deadline_us)
        assert_int_equal(spawner_wait(spawner, 100), OK);
    assert_true(ended->is_over);
}

static struct spawn_request shell(const char *const argv[4])
{
    return (struct spawn_request){
        .argv = argv, .output_bytes_max = 65536, .error_bytes_max = 1000, .timeout_ms = 8000};
}

#define SHELL(script) ((const char *const[4]){"/bin/sh", "-c", (script), NULL})

/* Runs the request and waits for its end; yours to free. */
static struct ended *run(const struct spawn_request *request)
{
    struct ended *ended = NEW(struct ended);
    uint64_t id;

    assert_int_equal(spawner_launch(spawner, request, on_end, ended, &id), OK);
    wait_for(ended);
    return ended;
}

static bool is_running(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* Orphans are killed in passing, so their end may take a moment. */
static void assert_ends(pid_t pid)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;

    while (is_running(pid) && clock_monotonic_us() < deadline_us)
        poll(NULL, 0, 5);
    assert_false(is_running(pid));
}

static void test_run_gives_status_and_both_streams(void **state)
{
    struct spawn_request request = shell(SHELL("echo out; echo err >&2; exit 3"));
    struct ended *ended = run(&request);

    (void)state;
    assert_int_equal(ended->end, SPAWN_EXITED);
    assert_int_equal(ended->status, 3);
    assert_string_equal(ended->output, "out\n");
    assert_string_equal(ended->error, "err\n");
    free(ended);
}

static void test_run_has_only_what_it_was_given(void **state)
{
    const char *const environment[] = {"COLOUR=green", NULL};
    struct spawn_request request =
        shell(SHELL("env | grep -v ^_ | sort; pwd; ls /proc/self/fd | wc -l;"
                    "ps -o pgid= -p $$ | tr -d ' '; echo $$; umask"));
    struct ended *ended;
    char expected[200];
    pid_t pid = 0;
    char *line;

    (void)state;
    request.environment = environment;
    request.folder = "/usr";
    request.umask = 027;
    ended = run(&request);
    line = strstr(ended->output, "\n0027");
    assert_non_null(line);
    while (line > ended->output && line[-1] != '\n')
        line--;
    pid = (pid_t)strtol(line, NULL, 10);
    /* 0-2 and the one that ls reads the folder with */
    snprintf(expected, sizeof expected, "COLOUR=green\nPWD=/usr\n/usr\n4\n%d\n%d\n0027\n", pid,
             pid);
    assert_string_equal(ended->output, expected);
    free(ended);
}

static void test_run_of_missing_program_says_why(void **state)
{
    const char *const argv[] = {"/nonexistent/program", NULL};
    struct spawn_request request = {.argv = argv};
    struct ended *ended = run(&request);

    (void)state;
    assert_int_equal(ended->end, SPAWN_FAILED);
    assert_int_equal(ended->status, ENOENT);
    free(ended);
}

static void test_output_is_cut_at_its_cap(void **state)
{
    struct spawn_request request = shell(SHELL("head -c 1000000 /dev/zero | tr '\\0' x"));
    struct ended *ended;

    (void)state;
    request.output_bytes_max = 1000;
    ended = run(&request);
    assert_int_equal(ended->status, 0);
    assert_int_equal(strlen(ended->output), 1000);
    assert_true(ended->output_truncated);
    free(ended);
}

static void test_timeout_stops_and_then_kills_the_group(void **state)
{
    struct spawn_request request = shell(
        SHELL("trap 'echo stopping' TERM; sleep 100 & echo $!; wait; while :; do sleep 1; done"));
    struct ended *ended;

    (void)state;
    request.timeout_ms = 300;
    request.grace_ms = 1000; /* for the shell to say so, on a busy machine */
    ended = run(&request);
    assert_int_equal(ended->end, SPAWN_TIMED_OUT);
    assert_non_null(strstr(ended->output, "stopping"));
    assert_in_range(ended->wall_us, 1290000, 10000000);
    assert_ends((pid_t)strtol(ended->output, NULL, 10));
    free(ended);
}

static void test_grandchild_that_holds_the_pipe_delays_nothing(void **state)
{
    struct spawn_request request = shell(SHELL("sleep 100 & echo $!"));
    struct ended *ended = run(&request);

    (void)state;
    assert_int_equal(ended->end, SPAWN_EXITED);
    assert_in_range(ended->wall_us, 0, 2000000);
    assert_ends((pid_t)strtol(ended->output, NULL, 10));
    free(ended);
}

static void test_grandchild_that_leaves_the_group_is_killed(void **state)
{
    struct spawn_request request =
        shell(SHELL("setsid sh -c 'echo $$; exec sleep 100' & sleep 0.3"));
    struct ended *ended = run(&request);

    (void)state;
    assert_int_equal(ended->end, SPAWN_EXITED);
    assert_ends((pid_t)strtol(ended->output, NULL, 10));
    free(ended);
}

static void test_signal_and_stop_reach_the_child(void **state)
{
    struct spawn_request request = shell(SHELL("trap 'exit 7' USR1; while :; do sleep 0.05; done"));
    struct ended signalled = {0};
    struct ended stopped = {0};
    uint64_t first;
    uint64_t second;

    (void)state;
    assert_int_equal(spawner_launch(spawner, &request, on_end, &signalled, &first), OK);
    request.argv = SHELL("exec sleep 100");
    assert_int_equal(spawner_launch(spawner, &request, on_end, &stopped, &second), OK);
    poll(NULL, 0, 200); /* until the trap is set: the shell's business, nothing to wait on */
    spawner_signal(spawner, first, SIGUSR1);
    spawner_stop(spawner, second);
    wait_for(&signalled);
    wait_for(&stopped);
    assert_int_equal(signalled.status, 7);
    assert_int_equal(stopped.end, SPAWN_SIGNALLED);
    assert_int_equal(stopped.status, SIGTERM);
}

static void test_abandoned_child_is_stopped_and_never_called_back(void **state)
{
    struct spawn_request request = shell(SHELL("exec sleep 100"));
    struct spawn_request next = shell(SHELL("exit 0"));
    struct ended ended = {0};
    uint64_t id;

    (void)state;
    assert_int_equal(spawner_launch(spawner, &request, on_end, &ended, &id), OK);
    spawner_abandon(spawner, id);
    free(run(&next));
    assert_int_equal(ended.times, 0);
}

static void test_limits_hold(void **state)
{
    struct spawn_request request = shell(SHELL("ulimit -n; ulimit -f; ulimit -t; ulimit -v"));
    struct ended *ended;

    (void)state;
    request.limits = (struct spawn_limits){
        .cpu_s = 5, .memory_bytes = 1 << 30, .file_bytes = 512 * 100, .files = 33};
    ended = run(&request);
    assert_string_equal(ended->output, "33\n100\n5\n1048576\n");
    free(ended);
}

static void test_log_is_bounded(void **state)
{
    char folder[] = "/tmp/em-spawner-XXXXXX";
    char path[64];
    char previous[64];
    struct spawn_request request =
        shell(SHELL("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done"));
    struct stat status;
    struct ended *ended;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(previous, sizeof previous, "%s/log.1", folder);
    request.log_path = path;
    request.log_bytes_max = 8000;
    ended = run(&request);
    assert_string_equal(ended->output, "");
    assert_int_equal(stat(path, &status), 0);
    assert_in_range(status.st_size, 1, 8000);
    assert_int_equal(stat(previous, &status), 0);
    unlink(path);
    unlink(previous);
    rmdir(folder);
    free(ended);
}

static void test_refuses_more_than_the_bound(void **state)
{
    const char *const argv[] = {"sleep", "1", NULL};
    struct spawn_request request = {.argv = argv};
    uint64_t id;

    (void)state;
    assert_int_equal(spawner_launch(spawner, &request, on_end, NULL, &id), ERR_INVALID);
}

static void on_counted(void *argument, const struct spawn_result *result)
{
    assert_int_equal(result->end, SPAWN_EXITED);
    ++*(int *)argument;
}

/* A refusal for a full socket is the bound at work: the owner reads reports and tries again. */
static void test_many_children_all_report(void **state)
{
    const char *const argv[] = {"/bin/true", NULL};
    struct spawn_request request = {.argv = argv};
    int64_t started_us = clock_monotonic_us();
    int launched = 0;
    int ended = 0;
    uint64_t id;

    (void)state;
    while (ended < 2000) {
        if (launched < 2000 && spawner_launch(spawner, &request, on_counted, &ended, &id) == OK)
            launched++;
        else
            assert_int_equal(spawner_wait(spawner, 1000), OK);
    }
    print_message("%d children a second\n",
                  (int)(2000 * INT64_C(1000000) / (clock_monotonic_us() - started_us)));
}

static void test_blocking_run_gives_output_or_the_reason(void **state)
{
    struct spawn_request good = shell(SHELL("echo yes"));
    struct spawn_request bad = shell(SHELL("echo first >&2; echo 'no room left' >&2; exit 1"));
    char *output = NULL;

    (void)state;
    assert_int_equal(spawner_run(spawner, &good, &output), OK);
    assert_string_equal(output, "yes\n");
    free(output);
    assert_int_equal(spawner_run(spawner, &bad, NULL), ERR_UNAVAILABLE);
    assert_string_equal(failure_last()->detail, "/bin/sh ended with status 1: no room left");
}

/* An owner of its own, which tells its child's pid through a pipe and is then killed. */
static void test_children_stop_when_the_owner_is_killed(void **state)
{
    struct spawn_request request =
        shell(SHELL("trap 'exit 0' INT; echo $$ >&2; while :; do sleep 0.05; done"));
    char folder[] = "/tmp/em-spawner-XXXXXX";
    char path[64];
    char text[32] = "";
    int status;
    pid_t owner;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pid", folder);
    request.log_path = path;
    request.stop_signal = SIGINT;
    request.grace_ms = 5000;
    request.timeout_ms = 0;
    owner = fork();
    if (owner == 0) {
        struct spawner *own;
        uint64_t id;

        if (spawner_start("em-test-spawner", &own) != OK ||
            spawner_launch(own, &request, on_end, NULL, &id) != OK)
            _exit(1);
        for (;;)
            pause();
    }
    for (int64_t until = clock_monotonic_us() + WAIT_US;
         !strchr(text, '\n') && clock_monotonic_us() < until;) {
        FILE *file = fopen(path, "r");

        poll(NULL, 0, 5);
        if (!file)
            continue;
        if (!fgets(text, sizeof text, file))
            text[0] = '\0';
        fclose(file);
    }
    assert_non_null(strchr(text, '\n'));
    kill(owner, SIGKILL);
    waitpid(owner, &status, 0);
    assert_ends((pid_t)strtol(text, NULL, 10));
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_gives_status_and_both_streams),
        cmocka_unit_test(test_run_has_only_what_it_was_given),
        cmocka_unit_test(test_run_of_missing_program_says_why),
        cmocka_unit_test(test_output_is_cut_at_its_cap),
        cmocka_unit_test(test_timeout_stops_and_then_kills_the_group),
        cmocka_unit_test(test_grandchild_that_holds_the_pipe_delays_nothing),
        cmocka_unit_test(test_grandchild_that_leaves_the_group_is_killed),
        cmocka_unit_test(test_signal_and_stop_reach_the_child),
        cmocka_unit_test(test_abandoned_child_is_stopped_and_never_called_back),
        cmocka_unit_test(test_limits_hold),
        cmocka_unit_test(test_log_is_bounded),
        cmocka_unit_test(test_refuses_more_than_the_bound),
        cmocka_unit_test(test_many_children_all_report),
        cmocka_unit_test(test_blocking_run_gives_output_or_the_reason),
        cmocka_unit_test(test_children_stop_when_the_owner_is_killed),
    };
    int failed;

    if (spawner_start("em-test-spawner", &spawner) != OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    spawner_free(spawner);
    failure_clear();
    return failed;
}
