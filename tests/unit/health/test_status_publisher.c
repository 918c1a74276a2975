/* The publisher against a real Redis: snapshot, messages, rebuild after FLUSHALL and after a
 * restart, sweep. */
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

#include "control/health/status_publisher.h"

#define PATIENCE_US (20LL * 1000000)
#define ENTITIES    1200 /* more than two slices */

struct place {
    char folder[32];
    pid_t server;
    struct loop *loop;
    struct status_publisher *publisher;
    struct uuid ids[ENTITIES];
    int64_t version;
};

static char *socket_path(const struct place *place)
{
    return xasprintf("%s/redis.sock", place->folder);
}

static void start_server(struct place *place)
{
    char *path = socket_path(place);

    place->server = fork();
    if (place->server == 0) {
        freopen("/dev/null", "w", stdout);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
               "--dir", place->folder, NULL);
        _exit(127);
    }
    free(path);
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
    char *path = socket_path(place);
    char *text = xasprintf("redis-cli -s %s %s 2>/dev/null", path, command);
    FILE *pipe = popen(text, "r");

    line[0] = '\0';
    if (fgets(line, sizeof line, pipe))
        line[strcspn(line, "\n")] = '\0';
    pclose(pipe);
    free(text);
    free(path);
    return line;
}

/* Turns the loop until Redis answers `command` with `wanted`. */
static void wait_for(struct place *place, const char *command, const char *wanted)
{
    int64_t until_us = clock_monotonic_us() + PATIENCE_US;

    while (strcmp(ask(place, command), wanted) != 0) {
        assert_true(clock_monotonic_us() < until_us);
        for (int i = 0; i < 50; i++)
            ev_run(loop_ev(place->loop), EVRUN_NOWAIT);
    }
}

static size_t places(void *context)
{
    (void)context;
    return ENTITIES;
}

static bool line_at(void *context, size_t at, struct status_line *ret_line)
{
    struct place *place = context;

    *ret_line = (struct status_line){
        .kind = ENTITY_COMPONENT,
        .id = place->ids[at],
        .state = STR("operational"),
        .since_ms = 1795168800123,
        .version = place->version,
        .reason = STR("all \"well\""),
    };
    return at != 0; /* the first place is empty */
}

static bool knows(void *context, const struct uuid *id)
{
    struct place *place = context;

    for (size_t i = 1; i < ENTITIES; i++) {
        if (uuid_equal(&place->ids[i], id))
            return true;
    }
    return false;
}

static int set_up(void **state)
{
    struct place *place = NEW(struct place);
    char *path;
    char *url;
    enum err err;

    memcpy(place->folder, "/tmp/em-redis-XXXXXX", sizeof "/tmp/em-redis-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    for (size_t i = 0; i < ENTITIES; i++)
        place->ids[i] = uuid_new();
    place->version = 7;
    place->loop = loop_new();
    start_server(place);
    path = socket_path(place);
    url = xasprintf("unix://%s", path);
    err = status_publisher_new(
        &(struct status_publisher_options){
            .loop = place->loop,
            .redis_url = url,
            .source = {place, places, line_at, knows},
        },
        &place->publisher);
    free(url);
    free(path);
    *state = place;
    if (err != OK)
        return -1;
    status_publisher_loaded(place->publisher);
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    char *path = socket_path(place);

    status_publisher_free(place->publisher);
    loop_free(place->loop);
    stop_server(place);
    unlink(path);
    free(path);
    rmdir(place->folder);
    free(place);
    return 0;
}

static char *key_command(const struct place *place, const char *command, size_t at,
                         const char *field)
{
    char id[UUID_TEXT_BYTES];

    return xasprintf("%s em:status:component:%s %s", command, uuid_format(&place->ids[at], id),
                     field);
}

static void test_publisher_writes_the_snapshot_and_again_after_a_loss(void **state)
{
    struct place *place = *state;
    char *version = key_command(place, "HGET", ENTITIES - 1, "version");
    char *reason = key_command(place, "HGET", ENTITIES - 1, "reason");
    char *since = key_command(place, "HGET", ENTITIES - 1, "since");
    char *empty = key_command(place, "EXISTS", 0, "");

    wait_for(place, version, "7");
    wait_for(place, "EXISTS em:publisher", "1");
    assert_string_equal(ask(place, reason), "all \"well\"");
    assert_string_equal(ask(place, since), "2026-11-20T10:00:00.123Z");
    assert_string_equal(ask(place, empty), "0");
    assert_true(status_publisher_is_current(place->publisher));

    ask(place, "FLUSHALL");
    wait_for(place, version, "7");

    stop_server(place);
    start_server(place);
    place->version = 8;
    wait_for(place, version, "8");
    free(version);
    free(reason);
    free(since);
    free(empty);
}

static void test_publisher_sweeps_what_is_gone(void **state)
{
    struct place *place = *state;
    struct uuid gone = uuid_new();
    char id[UUID_TEXT_BYTES];
    char *set = xasprintf("HSET em:status:check:%s state down", uuid_format(&gone, id));
    char *exists = xasprintf("EXISTS em:status:check:%s", id);

    wait_for(place, "EXISTS em:publisher", "1");
    wait_for(place, set, "1");
    ask(place, "DEL em:publisher"); /* somebody else was here: the watch starts a rebuild */
    wait_for(place, exists, "0");
    free(set);
    free(exists);
}

static void test_publisher_tells_a_change_in_one_go(void **state)
{
    struct place *place = *state;
    struct status_change change = {.key = STR("api"), .from = STR("operational"), .at_ms = 0};
    char *state_now = key_command(place, "HGET", 5, "state");
    char *path = socket_path(place);
    char *listen = xasprintf("timeout 20 redis-cli -s %s SUBSCRIBE em:status", path);
    FILE *subscriber;
    char line[1024];

    wait_for(place, "EXISTS em:publisher", "1");
    subscriber = popen(listen, "r");
    for (int i = 0; i < 3; i++) /* "subscribe", the channel, 1 */
        assert_non_null(fgets(line, sizeof line, subscriber));
    assert_true(line_at(place, 5, &change.line));
    change.line.state = STR("down");
    change.line.version = 9;
    status_publisher_tell(place->publisher, &change);
    wait_for(place, state_now, "down");

    for (int i = 0; i < 3; i++) /* "message", the channel, the text */
        assert_non_null(fgets(line, sizeof line, subscriber));
    assert_non_null(strstr(line, "\"key\":\"api\",\"from\":\"operational\",\"to\":\"down\","));
    assert_non_null(strstr(line, "\"version\":9,"));
    stop_server(place); /* ends the subscriber */
    pclose(subscriber);
    start_server(place);
    free(state_now);
    free(path);
    free(listen);
}

/* Until everything is known, what is there stays there. */
static void test_publisher_waits_for_its_source(void **state)
{
    struct place *place = *state;
    struct status_publisher *loading;
    AUTO(xfree) char *path = socket_path(place);
    AUTO(xfree) char *url = xasprintf("unix://%s", path);
    AUTO(xfree) char *version = key_command(place, "HGET", ENTITIES - 1, "version");

    wait_for(place, "EXISTS em:publisher", "1");
    place->version = 8;
    assert_int_equal(status_publisher_new(
                         &(struct status_publisher_options){
                             .loop = place->loop,
                             .redis_url = url,
                             .source = {place, places, line_at, knows},
                         },
                         &loading),
                     OK);
    for (int i = 0; i < 5; i++) /* at least two looks at the marker, which is another's */
        ev_run(loop_ev(place->loop), EVRUN_ONCE);
    assert_string_equal(ask(place, version), "7");
    assert_false(status_publisher_is_current(loading));
    status_publisher_loaded(loading);
    wait_for(place, version, "8");
    status_publisher_free(loading);
}

/* More than Redis is given room for: then the snapshot is written anew, and nothing stays half
 * said. */
static void test_publisher_mends_what_there_was_no_room_for(void **state)
{
    struct place *place = *state;
    struct status_change change = {.key = STR("api"), .from = STR("operational")};
    char *version = key_command(place, "HGET", ENTITIES - 1, "version");

    wait_for(place, "EXISTS em:publisher", "1");
    place->version = 9;
    for (size_t i = 0; i < REDIS_IN_FLIGHT_MAX / 5 + ENTITIES; i++) {
        assert_true(line_at(place, 1 + i % (ENTITIES - 1), &change.line));
        change.line.version = 8;
        status_publisher_tell(place->publisher, &change);
    }
    assert_false(status_publisher_is_current(place->publisher));
    wait_for(place, version, "9");
    while (!status_publisher_is_current(place->publisher))
        ev_run(loop_ev(place->loop), EVRUN_ONCE);
    free(version);
}

/* A place that is filled from the end while the snapshot is written is written, too. */
static void test_publisher_writes_what_moves_meanwhile(void **state)
{
    struct place *place = *state;
    char *moved = key_command(place, "EXISTS", ENTITIES - 1, "");
    struct uuid gone = place->ids[1];

    wait_for(place, "EXISTS em:publisher", "1");
    ask(place, "FLUSHALL");
    while (status_publisher_is_current(place->publisher))
        ev_run(loop_ev(place->loop), EVRUN_ONCE); /* until the first slice is on its way */
    status_publisher_forget(place->publisher, ENTITY_COMPONENT, &gone);
    place->ids[1] = place->ids[ENTITIES - 1];
    place->ids[ENTITIES - 1] = place->ids[2]; /* there is no such place any more */
    wait_for(place, "EXISTS em:publisher", "1");
    assert_string_equal(ask(place, moved), "1");
    free(moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_publisher_writes_the_snapshot_and_again_after_a_loss,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_publisher_sweeps_what_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_publisher_tells_a_change_in_one_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_publisher_waits_for_its_source, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_publisher_mends_what_there_was_no_room_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_publisher_writes_what_moves_meanwhile, set_up,
                                        tear_down),
    };

    /* As the programs do: servers go away here. */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
