/* Requests that wait for what other processes have left of a limit, over sockets, with a holder of
 * the test's own. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/clock.h"

#include "control/api/rates_private.h"
#include "control/api/server_private.h"
#include "tests/unit/api/api_client.h"

#define DEADLINE_US (10LL * 1000000)
#define LIMITED     "POST /api/v1/limited HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"

/* The loop's, as are the tasks. */
static struct rate_ask last;
static int asks;
static size_t waiting;

static bool note_ask(void *context, const struct rate_ask *ask)
{
    (void)context;
    last = *ask;
    asks++;
    return true;
}

static void share(struct server *of)
{
    rates_share(of->config.rates, &(struct rates_holder){NULL, note_ask});
}

static void join(struct server *of)
{
    rates_joined(of->config.rates, clock_monotonic_us());
}

static void cut_off(struct server *of)
{
    rates_cut_off(of->config.rates);
}

static void grant(struct server *of)
{
    rates_granted(
        of->config.rates, &last,
        (struct rate_grant){.tokens = last.wanted, .full_in_ns = last.wanted * 1000000000},
        clock_monotonic_us());
}

static void grant_nothing(struct server *of)
{
    rates_granted(of->config.rates, &last, (struct rate_grant){0, 40 * INT64_C(1000000000)},
                  clock_monotonic_us());
}

static void count(struct server *of)
{
    waiting = 0;
    for (size_t i = 0; i < RATE_WAITER_LISTS; i++) {
        LIST_FOREACH (link, &of->config.rates->waiters[i])
            waiting++;
    }
}

static void wait_for_waiting(size_t wanted)
{
    int64_t until_us = clock_monotonic_us() + DEADLINE_US;

    do {
        api_server_do(server, count);
        assert_true(clock_monotonic_us() < until_us);
    } while (waiting != wanted);
}

static int set_up(void **state)
{
    (void)state;
    asks = 0;
    server = api_server_start(NULL);
    api_server_do(server, share);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    api_server_stop(server);
    return 0;
}

/* Says the request, and waits until it waits. */
static int ask_and_wait(size_t wanted)
{
    int fd = dial();

    say(fd, LIMITED);
    wait_for_waiting(wanted);
    return fd;
}

static void expect(int fd, const char *status, const char *part)
{
    char *answer = hear(fd);

    assert_has(answer, status);
    assert_has(answer, part);
    free(answer);
    close(fd);
}

static void test_the_answer_comes_with_the_verdict(void **state)
{
    int first;
    int second;

    (void)state;
    api_server_do(server, join);
    first = ask_and_wait(1);
    second = ask_and_wait(2);
    assert_int_equal(asks, 1);
    api_server_do(server, grant);
    expect(first, "HTTP/1.1 200", "RateLimit: \"sign_in-address\";r=29;t=1\r\n");
    wait_for_waiting(1);
    assert_int_equal(asks, 2);
    api_server_do(server, grant_nothing);
    expect(second, "HTTP/1.1 429", "Retry-After: 11\r\n");
    assert_answer(LIMITED, "429", "rate_limited");
    assert_int_equal(asks, 2);
}

static void test_one_after_the_other_on_a_connection(void **state)
{
    int fd;
    char *answer;

    (void)state;
    api_server_do(server, join);
    fd = dial();
    say(fd, LIMITED LIMITED);
    for (int i = 0; i < 2; i++) {
        wait_for_waiting(1);
        api_server_do(server, grant);
        answer = hear(fd);
        assert_has(answer, "HTTP/1.1 200");
        free(answer);
    }
    close(fd);
}

/* That is found out when the answer is written. */
static void test_who_goes_away_takes_nothing_with_him(void **state)
{
    int fd;

    (void)state;
    api_server_do(server, join);
    fd = ask_and_wait(1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
    api_server_do(server, grant);
    wait_for_waiting(0);
    fd = ask_and_wait(1);
    api_server_do(server, grant);
    expect(fd, "HTTP/1.1 200", "RateLimit");
}

static void test_who_waits_when_the_server_ends_is_forgotten(void **state)
{
    int fd;

    (void)state;
    api_server_do(server, join);
    fd = ask_and_wait(1);
    (void)fd; /* the server goes first */
}

static void test_cut_off_says_what_goes_on_working(void **state)
{
    int fd;

    (void)state;
    fd = ask_and_wait(1); /* not joined yet */
    api_server_do(server, cut_off);
    expect(fd, "HTTP/1.1 503", "\"sign_in_uncounted\"");
    assert_answer(LIMITED, "503", "Retry-After: 5\r\n");
    assert_answer(LIMITED, "503", "Sessions and API keys go on working.");
    assert_answer("GET /api/v1/open HTTP/1.1\r\n" HOST "\r\n", "200", "who");
    api_server_do(server, join);
    fd = ask_and_wait(1);
    api_server_do(server, grant);
    expect(fd, "HTTP/1.1 200", "RateLimit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_answer_comes_with_the_verdict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_after_the_other_on_a_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_goes_away_takes_nothing_with_him, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_waits_when_the_server_ends_is_forgotten, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off_says_what_goes_on_working, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
