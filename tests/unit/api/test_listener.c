/* What a listener refuses before anything else happens, and when others can reach it. */
#include "tests/unit/unit_test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/api/listener.h"

static void test_check_refuses_what_cannot_work(void **state)
{
    static const struct {
        struct listener_options options;
        const char *part; /* of what is said */
    } cases[] = {
        {{.listen = "localhost:80"}, "is not an address and port"},
        {{.listen = "127.0.0.1"}, "is not an address and port"},
        {{.listen = "0.0.0.0:0"}, "is not a loopback address"},
        {{.listen = "[::]:0"}, "is not a loopback address"},
        {{.listen = "127.0.0.1:0", .tls_cert = "/x"}, "belong together"},
        {{.listen = "127.0.0.1:0", .tls_cert = "/x", .tls_key = "/x"},
         "cannot be used: No such file or directory"},
        {{.listen = "127.0.0.1:0", .tls_cert = "/x", .tls_key = "/x", .tls_min_version = "1.1"},
         "has to be 1.2 or 1.3, not 1.1"},
        {{.listen = "127.0.0.1:0", .trusted_proxies = "10.0.0.0/8,proxy"},
         "\"proxy\" is not an address or network"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct listener listener;

        assert_int_equal(listener_check(&cases[i].options), ERR_INVALID);
        assert_non_null(strstr(failure_last()->detail, cases[i].part));
        assert_int_equal(listener_open(&cases[i].options, &listener), ERR_INVALID);
    }
    assert_int_equal(
        listener_check(&(struct listener_options){.listen = "0.0.0.0:0", .insecure_http = true}),
        OK);
}

static enum err connect_to(const struct listener *listener)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int connected = connect(fd, &listener->address.any, addr_len(&listener->address));

    close(fd);
    return connected == 0 ? OK : ERR_UNAVAILABLE;
}

static void test_port_is_held_and_nobody_gets_in_before_it_is_listened_on(void **state)
{
    const struct listener_options options = {.listen = "127.0.0.1:0"};
    struct listener listener = LISTENER_NONE;
    struct listener second = LISTENER_NONE;
    char text[ADDR_TEXT_BYTES];

    (void)state;
    assert_int_equal(listener_open(&options, &listener), OK);
    assert_int_not_equal(addr_port(&listener.address), 0);
    assert_int_equal(connect_to(&listener), ERR_UNAVAILABLE);
    assert_int_equal(listen(listener.fd, 1), 0);
    assert_int_equal(connect_to(&listener), OK);

    addr_format(&listener.address, text);
    assert_int_equal(listener_open(&(struct listener_options){.listen = text}, &second),
                     ERR_UNAVAILABLE);
    assert_int_equal(second.fd, -1);
    listener_close(&listener);
    listener_close(&listener);
    assert_int_equal(listener.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_refuses_what_cannot_work),
        cmocka_unit_test(test_port_is_held_and_nobody_gets_in_before_it_is_listened_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
