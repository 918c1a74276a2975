/* HTTP/2 over the real server, as a client of ours speaks it: bounds that need a server of its own, and
 * streams that end while a worker has their exchange. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/http2.h"

#include "control/api/server_private.h"
#include "tests/unit/api/api_client.h"

static const struct http2_limits limits = {
    .head_bytes = 16384,
    .fields = 100,
    .idle_frames = 1000,
    .window_bytes = 1 << 20,
    .waiting_bytes = 1 << 20,
};

static const struct http_field as_all[] = {{{"authorization", 13}, {"Bearer all", 10}},
                                           {{"content-type", 12}, {"application/json", 16}}};
static const struct http_field as_slow[] = {{{"authorization", 13}, {"Bearer slow-all", 15}}};

/* A connection, and what came by it. */
struct peer {
    int fd;
    struct http2_session *session;
    unsigned ended;   /* answers that are complete */
    unsigned refused; /* streams that may be tried again */
    uint16_t status;  /* of the last answer */
    struct buf body;  /* of all answers */
};

static void send_out(struct peer *peer)
{
    while (http2_output(peer->session).len > 0) {
        struct str out = http2_output(peer->session);

        assert_int_equal(send(peer->fd, out.ptr, out.len, MSG_NOSIGNAL), out.len);
        http2_sent(peer->session, out.len);
    }
}

static struct peer peer_dial(void)
{
    struct peer peer = {.fd = dial(), .session = http2_client_new(&limits)};

    send_out(&peer);
    return peer;
}

static void peer_close(struct peer *peer)
{
    close(peer->fd);
    http2_free(peer->session);
    buf_clear(&peer->body);
}

static void take_news(struct peer *peer, struct str input)
{
    enum http2_status status;

    do {
        struct http2_news news;
        size_t used;

        status = http2_receive(peer->session, input, &used, &news);
        input = str_sub(input, used, input.len);
        assert_int_not_equal(status, HTTP2_FAILED);
        if (status == HTTP2_HEAD)
            peer->status = news.head->status;
        if (status == HTTP2_DATA)
            buf_append_str(&peer->body, news.data);
        peer->ended += status == HTTP2_END;
        peer->refused += status == HTTP2_RESET && news.error == HTTP2_ERROR_REFUSED;
    } while (status != HTTP2_NEED_MORE);
}

/* Reads until so many streams have ended. */
static void hear_streams(struct peer *peer, unsigned count)
{
    while (peer->ended + peer->refused < count) {
        char data[4096];
        ssize_t len = recv(peer->fd, data, sizeof data, 0);

        assert_true(len > 0);
        take_news(peer, str_n(data, (size_t)len));
        send_out(peer);
    }
}

static int32_t begin(struct peer *peer, const char *method, const char *path,
                     const struct http_field *fields, size_t count, bool body_follows)
{
    int32_t id = 0;

    assert_int_equal(http2_send_request(peer->session,
                                        &(struct http2_request){.method = str_of(method),
                                                                .scheme = STR("http"),
                                                                .authority = STR("localhost"),
                                                                .path = str_of(path),
                                                                .fields = fields,
                                                                .field_count = count,
                                                                .body_follows = body_follows},
                                        &id),
                     OK);
    send_out(peer);
    return id;
}

static void few(struct server_config *config)
{
    config->connections_max = 3;
}

static int start(void **state)
{
    (void)state;
    server = api_server_start(NULL);
    return 0;
}

static int start_few(void **state)
{
    (void)state;
    server = api_server_start(few);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    api_server_stop(server);
    return 0;
}

static void test_a_handler_answers(void **state)
{
    struct peer peer = peer_dial();
    int32_t id = begin(&peer, "POST", "/api/v1/things", as_all, 2, true);

    (void)state;
    assert_int_equal(http2_write(peer.session, id, STR("{\"key\":\"a\"}"), true), OK);
    send_out(&peer);
    hear_streams(&peer, 1);
    assert_int_equal(peer.status, 201);
    assert_string_equal(peer.body.data, "{\"key\":\"a\"}");
    peer_close(&peer);
}

static void test_streams_in_all_are_bounded_as_connections_are(void **state)
{
    int64_t refused = metric_value(&server_metrics.http2_streams_refused);
    struct peer peer = peer_dial();

    (void)state;
    for (int i = 0; i < 4; i++)
        begin(&peer, "POST", "/api/v1/things", as_all, 2, true);
    hear_streams(&peer, 1);
    assert_int_equal(peer.refused, 1);
    assert_int_equal(metric_value(&server_metrics.http2_streams_refused), refused + 1);
    assert_int_equal(metric_value(&server_metrics.http2_streams), 3);
    peer_close(&peer);
}

static void wait_for_no_streams(void)
{
    for (int i = 0; i < 1000 && metric_value(&server_metrics.http2_streams) > 0; i++)
        usleep(5000);
    assert_int_equal(metric_value(&server_metrics.http2_streams), 0);
}

/* Who asks is found out by a worker meanwhile: each exchange outlives its stream and connection. */
static void test_connections_that_end_while_workers_have_their_exchanges(void **state)
{
    (void)state;
    for (int turn = 0; turn < 50; turn++) {
        struct peer peer = peer_dial();

        for (int i = 0; i < 40; i++)
            begin(&peer, "GET", "/api/v1/echo?q=x", as_slow, 1, false);
        if (turn % 2)
            hear_streams(&peer, 20);
        peer_close(&peer);
    }
    wait_for_no_streams();
}

/* More than may run at once, and than may wait to be sent: all have their turn. */
static void test_all_have_their_turn(void **state)
{
    struct peer peer = peer_dial();

    (void)state;
    for (int i = 0; i < 100; i++)
        begin(&peer, "GET", i % 2 ? "/api/v1/large?limit=1000" : "/api/v1/echo", as_slow, 1, false);
    hear_streams(&peer, 100);
    assert_int_equal(peer.refused, 0);
    assert_int_equal(peer.body.len, 50 * (64 * 1000 + 2) + 50 * strlen("{\"who\":\"slow\"}"));
    peer_close(&peer);
    wait_for_no_streams();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_handler_answers, start, stop),
        cmocka_unit_test_setup_teardown(test_streams_in_all_are_bounded_as_connections_are,
                                        start_few, stop),
        cmocka_unit_test_setup_teardown(
            test_connections_that_end_while_workers_have_their_exchanges, start, stop),
        cmocka_unit_test_setup_teardown(test_all_have_their_turn, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
