/* The spawner at its bounds: what a child is given and denied, floods, further handles, children
 * that cannot be started or ended, and that nothing stays behind. */
#include "tests/unit/unit_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/spawner.h"

#define WAIT_US  INT64_C(10000000)
#define NOBODY   65534
#define NEW_USER 54321 /* has no process yet */

static struct spawner *spawner;

struct ended {
    bool is_over;
    enum spawn_end end;
    int status;
    bool output_truncated;
    int64_t wall_us;
    char output[2000];
};

static void on_end(void *argument, const struct spawn_result *result)
{
    struct ended *ended = argument;

    ended->is_over = true;
    ended->end = result->end;
    ended->status = result->status;
    ended->output_truncated = result->output_truncated;
    ended->wall_us = result->wall_us;
    snprintf(ended->output, sizeof ended->output, STR_FMT, STR_ARG(result->output));
}

static void wait_for(struct spawner *handle, const struct ended *ended)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;

    while (!ended->is_over && clock_monotonic_us() < deadline_us)
        assert_int_equal(spawner_wait(handle, 100), OK);
    assert_true(ended->is_over);
}

#define SHELL(script) ((const char *const[4]){"/bin/sh", "-c", (script), NULL})

static struct spawn_request shell(const char *const argv[4])
{
    return (struct spawn_request){
        .argv = argv, .output_bytes_max = 1000, .error_bytes_max = 1000, .timeout_ms = 8000};
}

static struct ended run_on(struct spawner *handle, const struct spawn_request *request)
{
    struct ended ended = {0};
    uint64_t id;

    assert_int_equal(spawner_launch(handle, request, on_end, &ended, &id), OK);
    wait_for(handle, &ended);
    return ended;
}

static struct ended run(const struct spawn_request *request)
{
    return run_on(spawner, request);
}

static int file_with(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd > 2);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* A file that a child writes its pid to, for what gives no output in time. */
struct pid_file {
    char path[32];
    int fd;
};

static struct pid_file pid_file_new(void)
{
    struct pid_file file = {.path = "/tmp/em-spawner-XXXXXX"};

    file.fd = mkstemp(file.path);
    fchmod(file.fd, 0666);
    return file;
}

/* 0 when none comes. */
static pid_t pid_file_wait(const struct pid_file *file)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;
    char text[32] = "";

    while (!strchr(text, '\n') && clock_monotonic_us() < deadline_us) {
        poll(NULL, 0, 5);
        if (pread(file->fd, text, sizeof text - 1, 0) < 0)
            break;
    }
    return (pid_t)strtol(text, NULL, 10);
}

static void pid_file_remove(const struct pid_file *file)
{
    close(file->fd);
    unlink(file->path);
}

static bool ends_soon(pid_t pid)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;

    while (kill(pid, 0) == 0 && clock_monotonic_us() < deadline_us)
        poll(NULL, 0, 5);
    return kill(pid, 0) < 0;
}

/* What it is given ---------------------------------------------------------------------------- */

static void test_descriptors_are_handed_over(void **state)
{
    struct spawn_request request = shell(SHELL("cat; cat <&3; ls /proc/self/fd | tr '\\n' ' '"));
    struct ended both;
    struct ended third;

    (void)state;
    request.input_fd = file_with("input ");
    request.third_fd = file_with("third ");
    both = run(&request);
    assert_string_equal(both.output, "input third 0 1 2 3 4 ");

    close(request.input_fd);
    request.input_fd = 0;
    lseek(request.third_fd, 0, SEEK_SET);
    third = run(&request);
    assert_string_equal(third.output, "third 0 1 2 3 4 ");
    close(request.third_fd);
}

static void test_limits_are_set_and_never_raised(void **state)
{
    struct spawn_request request =
        shell(SHELL("ulimit -c; ulimit -St; ulimit -Ht; ulimit -f; ulimit -n; ulimit -p;"
                    "until [ $(nice) = 7 ]; do sleep 0.01; done; nice;"
                    "grep NoNewPrivs /proc/self/status | tr -d '\\t'"));
    struct ended ended;

    (void)state;
    request.limits = (struct spawn_limits){
        .cpu_s = 5, .file_bytes = 512 * 100, .files = 33, .processes = 1000, .no_core_file = true};
    request.no_new_privileges = true;
    request.nice = 7;
    ended = run(&request);
    assert_string_equal(ended.output, "0\n5\n6\n100\n33\n1000\n7\nNoNewPrivs:1\n");

    /* More than the spawner itself may: as much as that. */
    request.argv = SHELL("ulimit -n");
    request.limits = (struct spawn_limits){.files = UINT32_MAX};
    ended = run(&request);
    assert_int_equal(ended.end, SPAWN_EXITED);
}

static void test_soft_limit_of_files_is_as_at_the_start(void **state)
{
    struct spawn_request request = shell(SHELL("ulimit -Sn"));
    struct rlimit files;
    struct ended ended;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    ended = run(&request);
    assert_int_equal(strtoull(ended.output, NULL, 10), files.rlim_cur);
}

static void test_time_of_the_processor_is_bounded(void **state)
{
    struct spawn_request request = shell(SHELL("while :; do :; done"));
    struct ended ended;

    (void)state;
    request.limits.cpu_s = 1;
    ended = run(&request);
    assert_int_equal(ended.end, SPAWN_SIGNALLED);
    assert_int_equal(ended.status, SIGXCPU);
}

static void test_there_is_no_terminal(void **state)
{
    struct spawn_request request =
        shell(SHELL("exec 2>&1; (: </dev/tty) && echo yes; read line || echo nothing to read"));
    struct ended ended = run(&request);

    (void)state;
    assert_non_null(strstr(ended.output, "No such device or address"));
    assert_non_null(strstr(ended.output, "nothing to read"));
}

/* Floods -------------------------------------------------------------------------------------- */

static void test_flood_is_killed_and_nobody_waits(void **state)
{
    static const char *const scripts[] = {"exec yes", "exec yes >&2", "yes & yes >&2 & wait"};
    struct spawn_request request = {0};
    int64_t started_us = clock_monotonic_us();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct ended ended;

        request = shell(SHELL(scripts[i]));
        request.flood_bytes_max = 2 * 1024 * 1024;
        ended = run(&request);
        assert_int_equal(ended.end, SPAWN_FLOODED);
    }
    assert_in_range(clock_monotonic_us() - started_us, 0, 5000000);
}

static void test_much_output_is_no_flood(void **state)
{
    struct spawn_request request = shell(SHELL("head -c 1900000 /dev/zero"));
    struct ended ended;

    (void)state;
    request.flood_bytes_max = 2 * 1024 * 1024;
    ended = run(&request);
    assert_int_equal(ended.end, SPAWN_EXITED);
    assert_true(ended.output_truncated);
}

/* Further handles ----------------------------------------------------------------------------- */

static void *run_a_hundred(void *argument)
{
    const struct spawn_request request = shell(SHELL("echo ok"));
    int *good = argument;
    struct spawner *handle;

    if (spawner_open(spawner, &handle) != OK)
        return NULL;
    for (int i = 0; i < 100; i++) {
        struct ended ended = run_on(handle, &request);

        *good += ended.end == SPAWN_EXITED && strcmp(ended.output, "ok\n") == 0;
    }
    spawner_free(handle);
    return NULL;
}

static void test_handles_serve_their_own_threads(void **state)
{
    pthread_t threads[2];
    int good[2] = {0, 0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, run_a_hundred, &good[i]);
        pthread_join(threads[i], NULL); /* spawner_open() belongs to the thread of the first */
    }
    assert_int_equal(good[0] + good[1], 200);
}

static void test_children_of_a_closed_handle_end(void **state)
{
    struct pid_file file = pid_file_new();
    const char *const argv[] = {"/bin/sh", "-c", "echo $$ > \"$0\"; exec sleep 100", file.path,
                                NULL};
    const struct spawn_request request = {.argv = argv};
    struct spawner *handle;
    uint64_t id;
    pid_t pid;

    (void)state;
    assert_int_equal(spawner_open(spawner, &handle), OK);
    assert_int_equal(spawner_launch(handle, &request, on_end, NULL, &id), OK);
    pid = pid_file_wait(&file);
    assert_true(pid > 0);
    spawner_free(handle);
    assert_true(ends_soon(pid));
    pid_file_remove(&file);
}

/* What cannot be started or ended ------------------------------------------------------------- */

/* Does it in a process of its own, because limits and users are for good. */
static void in_child(void (*body)(void))
{
    int status = 0;
    pid_t pid;

    if (geteuid() != 0)
        skip(); /* only root can become somebody else */
    pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void start_without_processes(void)
{
    const struct rlimit one = {1, 1};
    const struct spawn_request request = shell(SHELL("exit 0"));
    struct spawner *own;
    struct ended ended;

    /* Root is not bound by it; the spawner is, once it has become the only process of its user. */
    REQUIRE(setrlimit(RLIMIT_NPROC, &one) == 0);
    REQUIRE(spawner_start("em-test-spawner", &own) == OK);
    REQUIRE(spawner_become(own, NEW_USER, NEW_USER) == OK);
    ended = run_on(own, &request);
    REQUIRE(ended.end == SPAWN_FAILED);
    REQUIRE(ended.status == EAGAIN);
    spawner_free(own);
}

static void test_no_process_to_be_had_is_a_failure_to_start(void **state)
{
    (void)state;
    in_child(start_without_processes);
}

/* A program that becomes root in full when it may. */
static void make_privileged(char *path)
{
    char command[128];
    int fd = mkstemp(path);

    REQUIRE(fd >= 0);
    close(fd);
    snprintf(command, sizeof command, "cp /usr/bin/setpriv %s && chmod 4755 %s", path, path);
    REQUIRE(system(command) == 0);
}

static void stop_the_unstoppable(void)
{
    struct pid_file file = pid_file_new();
    char path[] = "/tmp/em-setpriv-XXXXXX";
    const char *const argv[] = {
        path, "--reuid=0", "/bin/sh", "-c", "echo $$ > \"$0\"; exec sleep 100", file.path, NULL};
    struct spawn_request request = {.argv = argv, .timeout_ms = 100, .grace_ms = 50};
    struct ended ended = {0};
    int64_t started_us;
    struct spawner *own;
    uint64_t id;
    pid_t pid;

    make_privileged(path);
    REQUIRE(spawner_start("em-test-spawner", &own) == OK);
    REQUIRE(spawner_become(own, NOBODY, NOBODY) == OK);

    request.no_new_privileges = true;
    REQUIRE(run_on(own, &request).status != 0);
    request.no_new_privileges = false;
    REQUIRE(spawner_launch(own, &request, on_end, &ended, &id) == OK);
    pid = pid_file_wait(&file);
    REQUIRE(pid > 0);
    started_us = clock_monotonic_us();
    while (clock_monotonic_us() - started_us < 500000)
        REQUIRE(spawner_wait(own, 100) == OK);
    REQUIRE(!ended.is_over);

    started_us = clock_monotonic_us();
    spawner_free(own);
    REQUIRE(clock_monotonic_us() - started_us < 5000000);
    REQUIRE(kill(pid, SIGKILL) == 0); /* it lives on, and only root can end it */
    unlink(path);
    pid_file_remove(&file);
}

static void test_child_that_may_not_be_signalled_hangs_nobody(void **state)
{
    (void)state;
    in_child(stop_the_unstoppable);
}

static void test_error_of_the_start_is_told(void **state)
{
    char path[] = "/tmp/em-spawner-XXXXXX";
    const char *const argv[] = {path, NULL};
    struct spawn_request request = {.argv = argv};
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(run(&request).status, EACCES);
    fchmod(fd, 0700);
    assert_int_equal(write(fd, "#!/nonexistent\n", 15), 15);
    close(fd);
    assert_int_equal(run(&request).status, ENOENT);
    request.folder = "/nonexistent";
    assert_int_equal(run(&request).end, SPAWN_FAILED);
    unlink(path);
}

/* Nothing stays behind ------------------------------------------------------------------------ */

/* The spawner is our only child. */
static pid_t pid_of_spawner(void)
{
    char path[64];
    char text[64] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    return (pid_t)strtol(text, NULL, 10);
}

static int count_descriptors(pid_t pid)
{
    char path[64];
    int count = 0;
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void test_no_descriptor_is_lost(void **state)
{
    static const char *const scripts[] = {"exit 0", "exec yes", "exec sleep 100",
                                          "setsid sleep 100 & exit 0", "kill -SEGV $$"};
    int before_here = count_descriptors(getpid());
    int before_there = count_descriptors(pid_of_spawner());

    (void)state;
    for (size_t i = 0; i < 3 * ARRAY_LEN(scripts); i++) {
        struct spawn_request request = shell(SHELL(scripts[i % ARRAY_LEN(scripts)]));
        struct ended ended;

        request.timeout_ms = 200;
        request.flood_bytes_max = 100000;
        request.input_fd = file_with("x");
        request.third_fd = file_with("y");
        ended = run(&request);
        assert_true(ended.is_over);
        close(request.input_fd);
        close(request.third_fd);
    }
    assert_int_equal(count_descriptors(getpid()), before_here);
    assert_int_equal(count_descriptors(pid_of_spawner()), before_there);
}

static void test_offspring_that_runs_away_is_killed(void **state)
{
    /* Each generation leaves group and parent; the last one stays. */
    static const char script[] = "(setsid sh -c '(setsid sh -c \"echo \\$\\$ > $0;"
                                 "exec sleep 100\" &)' \"$0\" &); while ! [ -s \"$0\" ];"
                                 "do sleep 0.01; done";
    struct pid_file file = pid_file_new();
    const char *const argv[] = {"/bin/sh", "-c", script, file.path, NULL};
    struct spawn_request request = {.argv = argv, .timeout_ms = 8000};
    pid_t pid;

    (void)state;
    assert_int_equal(run(&request).end, SPAWN_EXITED);
    pid = pid_file_wait(&file);
    assert_true(pid > 0);
    assert_true(ends_soon(pid));
    pid_file_remove(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_are_handed_over),
        cmocka_unit_test(test_limits_are_set_and_never_raised),
        cmocka_unit_test(test_soft_limit_of_files_is_as_at_the_start),
        cmocka_unit_test(test_time_of_the_processor_is_bounded),
        cmocka_unit_test(test_there_is_no_terminal),
        cmocka_unit_test(test_flood_is_killed_and_nobody_waits),
        cmocka_unit_test(test_much_output_is_no_flood),
        cmocka_unit_test(test_handles_serve_their_own_threads),
        cmocka_unit_test(test_children_of_a_closed_handle_end),
        cmocka_unit_test(test_no_process_to_be_had_is_a_failure_to_start),
        cmocka_unit_test(test_child_that_may_not_be_signalled_hangs_nobody),
        cmocka_unit_test(test_error_of_the_start_is_told),
        cmocka_unit_test(test_no_descriptor_is_lost),
        cmocka_unit_test(test_offspring_that_runs_away_is_killed),
    };
    int failed;

    if (spawner_start("em-test-spawner", &spawner) != OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    spawner_free(spawner);
    failure_clear();
    return failed;
}
