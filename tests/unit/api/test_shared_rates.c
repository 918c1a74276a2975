/* Two processes' limits over a real Redis: shared, cut off in each way there is, and joined again. */
#include "tests/unit/unit_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/loop.h"
#include "shared/mem.h"

#include "control/api/rates.h"
#include "control/api/shared_rates.h"

#define PATIENCE_US (20LL * 1000000)
#define PROCESSES   2

static const struct rate_caller somebody = {.ids = {0, 0, 33}};

struct place {
    char folder[32];
    char *path;
    pid_t server;
    struct loop *loop;
    struct uuid installation;
    struct rates *rates[PROCESSES];
    struct shared_rates *shared[PROCESSES];
};

static void start_server(struct place *place)
{
    place->server = fork();
    if (place->server == 0) {
        freopen("/dev/null", "w", stdout);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", place->path, "--save",
               "", "--dir", place->folder, NULL);
        _exit(127);
    }
}

static void stop_server(struct place *place)
{
    kill(place->server, SIGKILL);
    waitpid(place->server, NULL, 0);
}

/* Runs a command of redis-cli and returns its first line. */
static const char *ask(const struct place *place, const char *command)
{
    static char line[512];
    char *text = xasprintf("redis-cli -s %s %s 2>/dev/null", place->path, command);
    FILE *pipe = popen(text, "r");

    line[0] = '\0';
    if (fgets(line, sizeof line, pipe))
        line[strcspn(line, "\n")] = '\0';
    pclose(pipe);
    free(text);
    return line;
}

static enum err share(struct place *place, int process)
{
    AUTO(xfree) char *url = xasprintf("unix://%s", place->path);

    place->rates[process] = rates_new();
    return shared_rates_new(&(struct shared_rates_options){.loop = place->loop,
                                                           .rates = place->rates[process],
                                                           .redis_url = url,
                                                           .installation = place->installation},
                            &place->shared[process]);
}

static int set_up(void **state)
{
    struct place *place = NEW(struct place);

    memcpy(place->folder, "/tmp/em-rates-XXXXXX", sizeof "/tmp/em-rates-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    place->path = xasprintf("%s/redis.sock", place->folder);
    place->loop = loop_new();
    place->installation = uuid_new();
    start_server(place);
    *state = place;
    for (int process = 0; process < PROCESSES; process++) {
        if (share(place, process) != OK)
            return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    for (int process = 0; process < PROCESSES; process++) {
        shared_rates_free(place->shared[process]);
        rates_free(place->rates[process]);
    }
    loop_free(place->loop);
    stop_server(place);
    unlink(place->path);
    rmdir(place->folder);
    free(place->path);
    free(place);
    return 0;
}

static void configure(struct place *place, enum rate rate, int64_t quota, int64_t window_s)
{
    for (int process = 0; process < PROCESSES; process++)
        rates_configure(place->rates[process], rate, RATE_BY_ADDRESS,
                        (struct rate_policy){quota, window_s, 0});
}

static enum rate_verdict take_from(struct rates *rates, enum rate rate, struct rate_answer *told)
{
    rates_take(rates, rate, &somebody, clock_monotonic_us(), told);
    return told->verdict;
}

static enum rate_verdict take(struct place *place, int process, enum rate rate)
{
    struct rate_answer told;

    return take_from(place->rates[process], rate, &told);
}

static void turn(struct place *place)
{
    ev_run(loop_ev(place->loop), EVRUN_NOWAIT);
}

/* Turns the loop until a request of the process has this end. */
static void wait_for(struct place *place, int process, enum rate rate, enum rate_verdict wanted)
{
    int64_t until_us = clock_monotonic_us() + PATIENCE_US;
    enum rate_verdict verdict;

    while ((verdict = take(place, process, rate)) != wanted) {
        assert_true(clock_monotonic_us() < until_us);
        ev_run(loop_ev(place->loop), verdict == RATE_TAKEN ? EVRUN_NOWAIT : EVRUN_ONCE);
    }
}

/* A first sign-in is let through as soon as the two processes are joined. */
static void wait_for_joined(struct place *place)
{
    configure(place, RATE_SIGN_IN, 1000000, 1);
    for (int process = 0; process < PROCESSES; process++)
        wait_for(place, process, RATE_SIGN_IN, RATE_TAKEN);
}

/* Asks by both as fast as they can. @return how many got through. */
static int64_t hurry(struct place *place, enum rate rate, int64_t span_us)
{
    int64_t until_us = clock_monotonic_us() + span_us;
    int64_t through = 0;

    while (clock_monotonic_us() < until_us) {
        for (int i = 0; i < 20; i++)
            through += take(place, i % PROCESSES, rate) == RATE_TAKEN;
        turn(place);
    }
    return through;
}

static void check_share(struct place *place, enum rate rate, int64_t quota, int64_t window_s)
{
    int64_t began_us = clock_monotonic_us();
    int64_t through;
    int64_t due;

    configure(place, rate, quota, window_s);
    through = hurry(place, rate, 1500000);
    due = quota + quota * (clock_monotonic_us() - began_us) / (window_s * 1000000);
    printf("%s, %lld in %lld s: %lld let through, %lld due\n", rate_words[rate], (long long)quota,
           (long long)window_s, (long long)through, (long long)due);
    assert_in_range(through, due * 95 / 100, due * 105 / 100);
}

static void test_two_processes_admit_one_quota(void **state)
{
    struct place *place = *state;

    wait_for_joined(place);
    check_share(place, RATE_BROWSE, 1000, 2);
    check_share(place, RATE_CHANGE, 200, 1);
    check_share(place, RATE_EXPENSIVE, 100, 60);
}

static void test_sign_in_is_exact(void **state)
{
    struct place *place = *state;

    wait_for_joined(place);
    configure(place, RATE_SIGN_IN, 40, 4);
    wait_for(place, 0, RATE_SIGN_IN, RATE_EMPTY);
    wait_for(place, 1, RATE_SIGN_IN, RATE_EMPTY);
    assert_in_range(hurry(place, RATE_SIGN_IN, 1500000), 14, 16);
}

/* What one process has used, the other tells the caller of. */
static void test_the_answer_tells_of_the_shared_bucket(void **state)
{
    struct place *place = *state;
    struct rate_answer told;

    wait_for_joined(place);
    configure(place, RATE_CHANGE, 40, 3600);
    for (int i = 0; i < 30; i++)
        wait_for(place, 0, RATE_CHANGE, RATE_TAKEN);
    wait_for(place, 1, RATE_CHANGE, RATE_TAKEN);
    assert_int_equal(take_from(place->rates[1], RATE_CHANGE, &told), RATE_UNDECIDED);
    assert_int_equal(told.remaining, 9);
    assert_in_range(told.reset_s, 2780, 2790);
}

static void test_a_full_bucket_leaves_nothing_behind(void **state)
{
    struct place *place = *state;
    char id[UUID_TEXT_BYTES];
    char *command;
    int64_t left_ms;

    wait_for_joined(place);
    configure(place, RATE_CHANGE, 40, 8);
    wait_for(place, 0, RATE_CHANGE, RATE_TAKEN);
    command = xasprintf("PTTL em:rate:%s:change:address:%016x",
                        uuid_format(&place->installation, id), 33);
    left_ms = strtoll(ask(place, command), NULL, 10);
    assert_in_range(left_ms, 1, 200);
    usleep(210000);
    assert_string_equal(ask(place, command), "-2");
    free(command);
}

static void test_installations_do_not_share(void **state)
{
    struct place *place = *state;

    shared_rates_free(place->shared[1]);
    rates_free(place->rates[1]);
    place->installation = uuid_new();
    assert_int_equal(share(place, 1), OK);
    wait_for_joined(place);
    configure(place, RATE_CHANGE, 3, 3600);
    for (int process = 0; process < PROCESSES; process++) {
        for (int i = 0; i < 3; i++)
            wait_for(place, process, RATE_CHANGE, RATE_TAKEN);
        wait_for(place, process, RATE_CHANGE, RATE_EMPTY);
    }
}

/* Ways to lose Redis ---------------------------------------------------------------------------- */

static void test_killed_and_started_again(void **state)
{
    struct place *place = *state;
    int64_t through;

    wait_for_joined(place);
    configure(place, RATE_CHANGE, 100, 3600);
    for (int i = 0; i < 60; i++)
        wait_for(place, i % PROCESSES, RATE_CHANGE, RATE_TAKEN);
    stop_server(place);
    for (int process = 0; process < PROCESSES; process++)
        wait_for(place, process, RATE_SIGN_IN, RATE_UNCOUNTED);
    for (int i = 0; i < 20; i++)
        assert_int_equal(take(place, 0, RATE_CHANGE), RATE_TAKEN);

    /* It has forgotten everything, and yet there is no second quota. */
    unlink(place->path);
    start_server(place);
    wait_for_joined(place);
    through = hurry(place, RATE_CHANGE, 300000);
    printf("80 used of 100, and %lld after Redis was back\n", (long long)through);
    /* Each may owe a lease of 2; and who counted on alone knew of all that the other had used, but
     * for what that had leased since: a lease, the next and a debt. */
    assert_in_range(through, 10, 20 + PROCESSES * 2 + 3 * 2);
}

static void test_one_that_hangs(void **state)
{
    struct place *place = *state;
    int64_t began_us;

    wait_for_joined(place);
    kill(place->server, SIGSTOP);
    began_us = clock_monotonic_us();
    wait_for(place, 0, RATE_SIGN_IN, RATE_UNCOUNTED);
    assert_in_range(clock_monotonic_us() - began_us, 100000, 3000000);
    kill(place->server, SIGCONT);
    wait_for_joined(place);
}

/* Others than its own script. */
static void test_scripts_are_flushed(void **state)
{
    struct place *place = *state;

    wait_for_joined(place);
    configure(place, RATE_CHANGE, 3, 3600);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(ask(place, "SCRIPT FLUSH"), "OK");
        while (take(place, 0, RATE_CHANGE) != RATE_TAKEN) {
            assert_int_not_equal(take(place, 0, RATE_SIGN_IN), RATE_UNCOUNTED);
            turn(place);
        }
    }
    wait_for(place, 0, RATE_CHANGE, RATE_EMPTY);
}

static void test_one_that_cannot_write(void **state)
{
    struct place *place = *state;

    wait_for_joined(place);
    assert_string_equal(ask(place, "CONFIG SET maxmemory 1"), "OK");
    configure(place, RATE_CHANGE, 1000000, 3600);
    wait_for(place, 0, RATE_SIGN_IN, RATE_UNCOUNTED);
    assert_int_equal(take(place, 0, RATE_CHANGE), RATE_TAKEN);
    assert_string_equal(ask(place, "CONFIG SET maxmemory 0"), "OK");
    wait_for_joined(place);
}

/* At the start, sign-in waits for the first answer, but not for ever. */
static void test_one_that_was_never_there(void **state)
{
    struct place *place = *state;

    stop_server(place);
    configure(place, RATE_SIGN_IN, 3, 3600);
    configure(place, RATE_CHANGE, 100, 3600);
    assert_int_equal(take(place, 0, RATE_SIGN_IN), RATE_UNDECIDED);
    for (int i = 0; i < 100; i++)
        assert_int_equal(take(place, 0, RATE_CHANGE), RATE_TAKEN);
    assert_int_equal(take(place, 0, RATE_CHANGE), RATE_EMPTY);
    wait_for(place, 0, RATE_SIGN_IN, RATE_UNCOUNTED);
    unlink(place->path);
    start_server(place);
    wait_for(place, 0, RATE_SIGN_IN, RATE_TAKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_processes_admit_one_quota, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sign_in_is_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_answer_tells_of_the_shared_bucket, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_bucket_leaves_nothing_behind, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_installations_do_not_share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_and_started_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_hangs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scripts_are_flushed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_cannot_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_was_never_there, set_up, tear_down),
    };

    /* As the programs do: servers go away here. */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
