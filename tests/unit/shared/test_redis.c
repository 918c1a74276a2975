/* The connection to a real Redis that stops answering and comes back. */
#include "tests/unit/unit_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/redis.h"

#define DEADLINE_US (20LL * 1000000)

struct place {
    char folder[32];
    char *path;
    pid_t server;
    struct loop *loop;
    struct redis *redis;
    int connects;
    int answers; /* with a reply */
    int losses;  /* without one */
    int lost;    /* connections */
};

static void on_connected(void *context)
{
    struct place *place = context;

    place->connects++;
}

static void on_lost(void *context, const char *why)
{
    struct place *place = context;

    assert_true(strlen(why) > 0);
    place->lost++;
}

static void on_reply(void *context, const struct redis_reply *reply)
{
    struct place *place = context;

    if (reply)
        place->answers++;
    else
        place->losses++;
}

static int set_up(void **state)
{
    struct place *place = NEW(struct place);
    AUTO(xfree) char *url = NULL;

    memcpy(place->folder, "/tmp/em-redis-XXXXXX", sizeof "/tmp/em-redis-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    place->path = xasprintf("%s/redis.sock", place->folder);
    place->server = fork();
    if (place->server == 0) {
        freopen("/dev/null", "w", stdout);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", place->path, "--save",
               "", "--dir", place->folder, NULL);
        _exit(127);
    }
    place->loop = loop_new();
    url = xasprintf("unix://%s", place->path);
    *state = place;
    return redis_new(&(struct redis_options){.loop = place->loop,
                                             .url = url,
                                             .on_connected = on_connected,
                                             .on_lost = on_lost,
                                             .context = place,
                                             .patience_s = 0.2},
                     &place->redis) == OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    redis_free(place->redis);
    loop_free(place->loop);
    kill(place->server, SIGKILL);
    waitpid(place->server, NULL, 0);
    unlink(place->path);
    rmdir(place->folder);
    free(place->path);
    free(place);
    return 0;
}

/* Turns the loop until the number is reached. */
static void wait_for(struct place *place, const int *number, int wanted)
{
    int64_t until_us = clock_monotonic_us() + DEADLINE_US;

    while (*number < wanted) {
        assert_true(clock_monotonic_us() < until_us);
        ev_run(loop_ev(place->loop), EVRUN_ONCE);
    }
}

static void test_redis_that_hangs_is_given_up_and_comes_back(void **state)
{
    struct place *place = *state;

    wait_for(place, &place->connects, 1);
    assert_true(REDIS_SEND(place->redis, on_reply, place, STR("PING")));
    wait_for(place, &place->answers, 1);

    kill(place->server, SIGSTOP);
    assert_true(REDIS_SEND(place->redis, on_reply, place, STR("PING")));
    wait_for(place, &place->losses, 1);
    assert_false(redis_is_connected(place->redis));
    assert_false(REDIS_SEND(place->redis, on_reply, place, STR("PING")));

    kill(place->server, SIGCONT);
    wait_for(place, &place->connects, 2);
    assert_true(REDIS_SEND(place->redis, on_reply, place, STR("PING")));
    wait_for(place, &place->answers, 2);
}

/* A loop that stood still for longer than its patience has sent nothing yet, or finds the answers
 * waiting. */
static void test_redis_is_not_given_up_for_our_own_delay(void **state)
{
    struct place *place = *state;

    wait_for(place, &place->connects, 1);
    for (int sent = 0; sent < 2; sent++) {
        assert_true(REDIS_SEND(place->redis, on_reply, place, STR("PING")));
        if (sent)
            ev_run(loop_ev(place->loop), EVRUN_NOWAIT);
        usleep(400000);
        wait_for(place, &place->answers, sent + 1);
    }
    assert_int_equal(place->losses, 0);
    assert_int_equal(place->connects, 1);
}

/* However often it tries in vain: once. */
static void test_the_owner_hears_of_each_loss_once(void **state)
{
    struct place *place = *state;
    int64_t until_us;
    int lost;

    wait_for(place, &place->connects, 1);
    lost = place->lost; /* 1 when Redis was slower to start */
    assert_in_range(lost, 0, 1);
    kill(place->server, SIGKILL);
    wait_for(place, &place->lost, lost + 1);
    assert_false(redis_is_connected(place->redis));
    until_us = clock_monotonic_us() + 1000000; /* some tries */
    while (clock_monotonic_us() < until_us)
        ev_run(loop_ev(place->loop), EVRUN_ONCE);
    assert_int_equal(place->lost, lost + 1);
}

static void test_redis_has_room_for_so_many(void **state)
{
    struct place *place = *state;

    assert_false(redis_has_room(place->redis, 1));
    wait_for(place, &place->connects, 1);
    assert_true(redis_has_room(place->redis, REDIS_IN_FLIGHT_MAX));
    assert_false(redis_has_room(place->redis, REDIS_IN_FLIGHT_MAX + 1));
    for (int i = 0; i < 10; i++)
        assert_true(REDIS_SEND(place->redis, on_reply, place, STR("PING")));
    assert_false(redis_has_room(place->redis, REDIS_IN_FLIGHT_MAX - 9));
    wait_for(place, &place->answers, 10);
    assert_true(redis_has_room(place->redis, REDIS_IN_FLIGHT_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_redis_that_hangs_is_given_up_and_comes_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_redis_is_not_given_up_for_our_own_delay, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_owner_hears_of_each_loss_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_redis_has_room_for_so_many, set_up, tear_down),
    };

    /* As the programs do: servers go away here. */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
