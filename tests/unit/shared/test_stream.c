/* Streams over loopback, and what can be said of TLS without a peer. */
#include "tests/unit/unit_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/addr.h"
#include "shared/stream.h"
#include "shared/tls.h"

/* A listening socket; `ret_addr` is where. */
static int listen_somewhere(struct addr *ret_addr)
{
    socklen_t len = sizeof ret_addr->v4;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(addr_parse_ip(STR("127.0.0.1"), 0, ret_addr));
    assert_int_equal(bind(fd, &ret_addr->any, addr_len(ret_addr)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, &ret_addr->any, &len), 0);
    return fd;
}

static enum io connect_to(struct stream *stream, const struct addr *addr)
{
    return stream_connect(stream, STREAM_TCP, addr, NULL);
}

static void wait_readable(const struct stream *stream)
{
    struct pollfd ready = {.fd = stream->fd, .events = POLLIN};

    assert_int_equal(poll(&ready, 1, 5000), 1);
}

static void test_stream_connects_to_loopback_at_once(void **state)
{
    struct stream client = STREAM_CLOSED;
    struct stream server = STREAM_CLOSED;
    struct addr addr;
    int listener = listen_somewhere(&addr);
    char data[16];
    size_t len = 0;

    (void)state;
    assert_int_equal(connect_to(&client, &addr), IO_DONE);
    assert_int_equal(stream_connected(&client), IO_DONE);
    stream_adopt(&server, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    assert_int_equal(stream_read(&server, data, sizeof data, &len), IO_WANT_READ);

    assert_int_equal(stream_write(&client, "hello", 5, &len), IO_DONE);
    assert_int_equal(len, 5);
    wait_readable(&server);
    assert_int_equal(stream_read(&server, data, sizeof data, &len), IO_DONE);
    assert_memory_equal(data, "hello", 5);

    stream_close(&client, false);
    wait_readable(&server);
    assert_int_equal(stream_read(&server, data, sizeof data, &len), IO_EOF);
    stream_close(&server, false);
    stream_close(&server, true);
    close(listener);
}

static void test_stream_close_by_reset_is_seen_as_one(void **state)
{
    struct stream client = STREAM_CLOSED;
    struct stream server = STREAM_CLOSED;
    struct addr addr;
    int listener = listen_somewhere(&addr);
    char data[16];
    size_t len;

    (void)state;
    assert_int_equal(connect_to(&client, &addr), IO_DONE);
    stream_adopt(&server, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    stream_close(&client, true);
    wait_readable(&server);
    assert_int_equal(stream_read(&server, data, sizeof data, &len), IO_ERROR);
    assert_int_equal(stream_error(&server), ECONNRESET);
    stream_close(&server, false);
    close(listener);
}

static void test_stream_end_of_writing_leaves_reading(void **state)
{
    struct stream client = STREAM_CLOSED;
    struct stream server = STREAM_CLOSED;
    struct addr addr;
    int listener = listen_somewhere(&addr);
    char data[16];
    size_t len;

    (void)state;
    assert_int_equal(connect_to(&client, &addr), IO_DONE);
    stream_adopt(&server, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    assert_int_equal(stream_end_writing(&client), IO_DONE);
    wait_readable(&server);
    assert_int_equal(stream_read(&server, data, sizeof data, &len), IO_EOF);
    assert_int_equal(stream_write(&server, "late", 4, &len), IO_DONE);
    wait_readable(&client);
    assert_int_equal(stream_read(&client, data, sizeof data, &len), IO_DONE);
    assert_memory_equal(data, "late", 4);
    stream_close(&client, true);
    stream_close(&server, true);
    close(listener);
}

static void test_stream_half_open_is_never_accepted(void **state)
{
    struct stream client = STREAM_CLOSED;
    struct addr addr;
    int listener = listen_somewhere(&addr);
    int taken;

    (void)state;
    assert_int_equal(stream_connect(&client, STREAM_TCP_HALF_OPEN, &addr, NULL), IO_DONE);
    stream_close(&client, true);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    taken = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(taken, -1);
    assert_int_equal(errno, EAGAIN);
    close(listener);
}

static void test_stream_connect_refused_and_from_a_source_that_is_not_here(void **state)
{
    struct stream stream = STREAM_CLOSED;
    struct addr elsewhere;
    struct addr addr;

    (void)state;
    close(listen_somewhere(&addr));
    assert_int_equal(connect_to(&stream, &addr), IO_ERROR);
    assert_int_equal(stream_error(&stream), ECONNREFUSED);
    stream_close(&stream, true);

    assert_true(addr_parse_ip(STR("192.0.2.1"), 0, &elsewhere));
    assert_int_equal(stream_connect(&stream, STREAM_TCP, &addr, &elsewhere), IO_ERROR);
    assert_int_equal(stream_error(&stream), EADDRNOTAVAIL);
    assert_int_equal(stream.fd, -1);
}

static SSL_CTX *context_of(struct tls_contexts *contexts, const struct tls_client_options *options)
{
    struct tls_client client = {.options = *options};
    struct stream stream = {.fd = open("/dev/null", O_RDWR | O_CLOEXEC)};
    SSL_CTX *context = NULL;

    if (tls_client_start(&client, contexts, &stream, (struct tls_names){.server = "a.test"}))
        context = client.context;
    stream_close(&stream, false);
    tls_client_clear(&client);
    return context;
}

static void test_tls_contexts_are_made_once_for_equal_options(void **state)
{
    struct tls_contexts *contexts = tls_contexts_new();
    const struct tls_client_options strict = {.verify = true, .min_version = TLS_1_2};
    const struct tls_client_options same = strict;
    const struct tls_client_options loose = {.verify = false, .min_version = TLS_1_2};
    const struct tls_client_options resuming = {.verify = true, .resume = true};
    const struct tls_client_options broken = {
        .verify = true, .min_version = TLS_1_2, .ca = STR("x")};

    (void)state;
    assert_non_null(context_of(contexts, &strict));
    assert_ptr_equal(context_of(contexts, &strict), context_of(contexts, &same));
    assert_ptr_not_equal(context_of(contexts, &strict), context_of(contexts, &loose));
    assert_ptr_not_equal(context_of(contexts, &strict), context_of(contexts, &resuming));
    assert_null(context_of(contexts, &broken));
    tls_contexts_free(contexts);
}

static void test_tls_server_context_needs_its_files(void **state)
{
    SSL_CTX *context;

    (void)state;
    assert_int_equal(
        tls_server_context_new("/nonexistent.pem", "/nonexistent.key", TLS_1_3, &context),
        ERR_INVALID);
    assert_string_equal(failure_last()->code, "tls_certificate_invalid");
    failure_clear();
    assert_false(tls_pem_is_valid(STR("")));
    assert_false(
        tls_pem_is_valid(STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_connects_to_loopback_at_once),
        cmocka_unit_test(test_stream_close_by_reset_is_seen_as_one),
        cmocka_unit_test(test_stream_end_of_writing_leaves_reading),
        cmocka_unit_test(test_stream_half_open_is_never_accepted),
        cmocka_unit_test(test_stream_connect_refused_and_from_a_source_that_is_not_here),
        cmocka_unit_test(test_tls_contexts_are_made_once_for_equal_options),
        cmocka_unit_test(test_tls_server_context_needs_its_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
