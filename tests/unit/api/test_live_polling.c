/* A live client that polls, and does not do so for a while: what waits for it is bounded. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/mem.h"

#include "control/api/live_session.h"
#include "control/api/server.h"
#include "tests/unit/api/api_client.h"

#define ROOM        "00000000-0000-7000-8000-000000000001"
#define TARGET      "/socket.io/?EIO=4&transport=polling"
#define CHANGES     1000
#define CHANGE_SIZE 20000

static char sid[LIVE_SID_BYTES];

static int start(void **state)
{
    (void)state;
    server = api_server_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    api_server_stop(server);
    return 0;
}

#define SLOW_KEY "Authorization: Bearer slow-all\r\n" /* a worker has to look it up */

static char *poll_once(void)
{
    char request[256];

    snprintf(request, sizeof request, "GET " TARGET "&sid=%s HTTP/1.1\r\n" HOST KEY "\r\n", sid);
    return ask(request);
}

static void push(const char *payload)
{
    CLEANUP(xfree_p)
    char *request =
        xasprintf("POST " TARGET "&sid=%s HTTP/1.1\r\n" HOST KEY "Content-Length: %zu\r\n\r\n%s",
                  sid, strlen(payload), payload);

    assert_answer(request, "200 OK", "ok");
}

static void join(void)
{
    CLEANUP(xfree_p) char *opened = ask("GET " TARGET " HTTP/1.1\r\n" HOST KEY "\r\n");
    CLEANUP(xfree_p) char *joined = NULL;
    const char *at = strstr(opened, "0{\"sid\":\"");

    assert_non_null(at);
    memcpy(sid, at + strlen("0{\"sid\":\""), sizeof sid - 1);
    push("40\x1e"
         "420[\"subscribe\",{\"rooms\":[\"entity:" ROOM "\"]}]");
    joined = poll_once();
    assert_has(joined, "40{\"sid\":\"");
    assert_has(joined, "\x1e"
                       "430[{\"ok\":[\"entity:" ROOM "\"],\"denied\":[],\"seq\":");
}

static void publish_much(struct server *to)
{
    CLEANUP(buf_clear_p) struct buf fields = {0};
    struct room room = {.kind = ROOM_ENTITY};

    assert_true(uuid_parse(STR(ROOM), &room.id));
    buf_append_text(&fields, "\"changed\":\"");
    for (int i = 0; i < CHANGE_SIZE; i++)
        buf_append_char(&fields, 'x');
    buf_append_char(&fields, '"');
    for (int i = 0; i < CHANGES; i++)
        live_publish(
            server_live(to),
            &(struct live_change){.kind = ENTITY_SYSTEM, .id = room.id, .fields = buf_str(&fields)},
            &room, 1);
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;

    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        found++;
    return found;
}

/* 20 MB of changes: those of the last, incomplete MiB may be there, behind the word that others are
 * not; what was asked for stays. */
static void test_a_poller_that_sleeps_is_told_to_fetch_again(void **state)
{
    size_t changes = 0;
    size_t bytes = 0;
    size_t resyncs = 0;

    (void)state;
    join();
    push("421[\"unsubscribe\",{\"rooms\":[]}]");
    api_server_do(server, publish_much);
    push("422[\"unsubscribe\",{\"rooms\":[]}]");
    for (bool at_end = false; !at_end;) {
        CLEANUP(xfree_p) char *answer = poll_once();

        assert_has(answer, "200 OK");
        if (bytes == 0)
            assert_has(answer, "\r\n\r\n431[{}]");
        bytes += strlen(answer);
        changes += count(answer, "42[\"change\"");
        resyncs += count(answer, "42[\"resync\",{\"room\":\"entity:" ROOM "\"}]");
        at_end = strstr(answer, "432[{}]") != NULL;
    }
    assert_int_equal(resyncs, 1);
    assert_true(changes < LIVE_QUEUE_BYTES_MAX / CHANGE_SIZE);
    assert_true(bytes < LIVE_QUEUE_BYTES_MAX + 64 * 1024);
    push("1");
}

/* Answers must arrive, so they are not dropped; who asks and never listens is let go. */
static void test_a_poller_that_never_listens_is_let_go(void **state)
{
    CLEANUP(buf_clear_p) struct buf ask_for_much = {0};
    CLEANUP(xfree_p) char *last = NULL;

    (void)state;
    join();
    buf_append_text(&ask_for_much, "421[\"subscribe\",{\"rooms\":[\"");
    for (int i = 0; i < 60000; i++)
        buf_append_char(&ask_for_much, 'x');
    buf_append_text(&ask_for_much, "\"]}]");
    for (int i = 0; i < LIVE_QUEUE_BYTES_MAX / 60000; i++)
        push(ask_for_much.data);
    push(ask_for_much.data);
    last = poll_once();
    assert_has(last, "400 ");
    assert_has(last, "Session ID unknown");
}

/* The status of a POST that means nothing. */
static bool is_open(const char *key)
{
    CLEANUP(xfree_p)
    char *request = xasprintf(
        "POST " TARGET "&sid=%s HTTP/1.1\r\n" HOST "%sContent-Length: 1\r\n\r\n6", sid, key);
    CLEANUP(xfree_p) char *answer = ask(request);

    return strstr(answer, " 200 OK") != NULL;
}

static void test_a_poll_that_a_worker_let_in_can_be_given_up(void **state)
{
    CLEANUP(xfree_p) char *opened = ask("GET " TARGET " HTTP/1.1\r\n" HOST SLOW_KEY "\r\n");
    const char *at = strstr(opened, "0{\"sid\":\"");
    const struct timespec moment = {.tv_nsec = 100000000};
    char request[256];
    int fd;

    (void)state;
    assert_non_null(at);
    memcpy(sid, at + strlen("0{\"sid\":\""), sizeof sid - 1);
    assert_true(is_open(SLOW_KEY));
    fd = dial();
    snprintf(request, sizeof request, "GET " TARGET "&sid=%s HTTP/1.1\r\n" HOST SLOW_KEY "\r\n",
             sid);
    say(fd, request);
    close(fd);
    /* slower than the rate of packets, which would end it too */
    for (int i = 0; i < 30 && is_open(SLOW_KEY); i++)
        nanosleep(&moment, NULL);
    assert_false(is_open(SLOW_KEY));
}

static void bound_addresses(struct server_config *config)
{
    config->live_settings = (struct live_settings){.ping_interval_ms = 25000,
                                                   .ping_timeout_ms = 20000,
                                                   .connect_timeout_ms = 45000,
                                                   .payload_bytes_max = 1000,
                                                   .sessions_max = 6,
                                                   .sessions_per_user = 100,
                                                   .sessions_per_address = 2,
                                                   .packets_per_s = 20,
                                                   .packets_burst = 60};
}

static int start_bounded(void **state)
{
    (void)state;
    server = api_server_start(bound_addresses);
    return 0;
}

#define OPEN_FROM(address)                                                                         \
    "GET " TARGET " HTTP/1.1\r\n" HOST KEY "X-Forwarded-For: " address "\r\n\r\n"

/* Addresses are those behind a listed proxy; this machine's own have no bound but that of all. */
static void test_sessions_of_an_address_and_of_all_are_bounded(void **state)
{
    static const char from_one[] = OPEN_FROM("203.0.113.7");
    static const char from_one_mapped[] = OPEN_FROM("::ffff:203.0.113.7");
    static const char from_other[] = OPEN_FROM("2001:db8::7");
    static const char from_beside[] = OPEN_FROM("2001:db8::1:2:3:4");
    static const char from_here[] = "GET " TARGET " HTTP/1.1\r\n" HOST KEY "\r\n";

    (void)state;
    assert_answer(from_one, "200 OK", "0{");
    assert_answer(from_one_mapped, "200 OK", "0{");
    assert_answer(from_one, "429 ", "At most 2 live connections of one address.");
    assert_answer(from_other, "200 OK", "0{");
    assert_answer(from_beside, "200 OK", "0{");
    assert_answer(from_other, "429 ", "At most 2 live connections of one address.");
    assert_answer(from_here, "200 OK", "0{");
    assert_answer(from_here, "200 OK", "0{");
    assert_answer(from_here, "429 ", "There are too many live connections.");
}

int main(void)
{
    const struct CMUnitTest bounded[] = {
        cmocka_unit_test(test_sessions_of_an_address_and_of_all_are_bounded),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_poller_that_sleeps_is_told_to_fetch_again),
        cmocka_unit_test(test_a_poller_that_never_listens_is_let_go),
        cmocka_unit_test(test_a_poll_that_a_worker_let_in_can_be_given_up),
    };

    return cmocka_run_group_tests(tests, start, stop) +
           cmocka_run_group_tests(bounded, start_bounded, stop);
}
