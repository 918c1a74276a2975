/* Both ends of the bus over a Unix socket: round trips, several askers, and a replier that comes
 * back. */
#include "tests/unit/unit_test.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/bus.h"
#include "shared/mem.h"

#define WAIT_MS 10000

/* nanomsg 1.1.5 does not free the endpoint of a bind that failed. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:nn_bipc_create";
}

struct place {
    char folder[32];
    char *url;
};

static int make_place(void **state)
{
    struct place *place = NEW(struct place);

    memcpy(place->folder, "/tmp/em-bus-XXXXXX", sizeof "/tmp/em-bus-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    place->url = xasprintf("ipc://%s/bus.sock", place->folder);
    *state = place;
    return 0;
}

static int drop_place(void **state)
{
    struct place *place = *state;

    unlink(place->url + strlen("ipc://"));
    rmdir(place->folder);
    free(place->url);
    free(place);
    return 0;
}

static void wait_readable(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&watched, 1, WAIT_MS), 1);
}

/* nanomsg signals the descriptor before the message can be taken for sure, so it may take another
 * look. */
static void take_request(struct bus_replier *replier, struct buf *frame,
                         struct bus_return *way_back)
{
    do {
        wait_readable(bus_replier_fd(replier));
    } while (!bus_take_request(replier, frame, way_back));
}

static void take_reply(struct bus_requester *requester, struct buf *frame)
{
    do {
        wait_readable(bus_requester_fd(requester));
    } while (!bus_take_reply(requester, frame));
}

static void assert_frame(const struct buf *frame, const char *wanted)
{
    assert_int_equal(frame->len, strlen(wanted));
    assert_memory_equal(frame->data, wanted, frame->len);
}

static void test_bus_answers_in_any_order(void **state)
{
    struct place *place = *state;
    AUTO(bus_replier_free) struct bus_replier *replier = NULL;
    AUTO(bus_requester_free) struct bus_requester *one = NULL;
    AUTO(bus_requester_free) struct bus_requester *two = NULL;
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct bus_return first;
    struct bus_return second;

    assert_int_equal(bus_replier_new(place->url, &replier), OK);
    assert_int_equal(bus_requester_new(place->url, &one), OK);
    assert_int_equal(bus_requester_new(place->url, &two), OK);
    assert_false(bus_take_request(replier, &frame, &first));
    assert_true(bus_address_is_there(place->url));
    assert_true(bus_address_is_there("tcp://127.0.0.1:1"));
    assert_false(bus_address_is_there("ipc:///tmp/em-nobody.sock"));

    assert_int_equal(bus_request(one, STR("from one")), OK);
    take_request(replier, &frame, &first);
    assert_frame(&frame, "from one");
    assert_int_equal(bus_request(two, STR("from two")), OK);
    take_request(replier, &frame, &second);
    assert_frame(&frame, "from two");

    bus_reply(replier, &second, STR("to two"));
    bus_reply(replier, &first, STR("to one"));
    take_reply(one, &frame);
    assert_frame(&frame, "to one");
    take_reply(two, &frame);
    assert_frame(&frame, "to two");
    assert_int_equal(bus_replies_lost(replier), 0);
}

static void test_bus_asks_again_when_the_replier_comes_back(void **state)
{
    struct place *place = *state;
    AUTO(bus_replier_free) struct bus_replier *replier = NULL;
    AUTO(bus_requester_free) struct bus_requester *requester = NULL;
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct bus_return way_back;

    assert_int_equal(bus_requester_new(place->url, &requester), OK); /* before anybody listens */
    assert_int_equal(bus_request(requester, STR("hello")), OK);
    assert_int_equal(bus_replier_new(place->url, &replier), OK);
    take_request(replier, &frame, &way_back);
    bus_replier_free(TAKE(replier)); /* dies without an answer */

    assert_int_equal(bus_replier_new(place->url, &replier), OK);
    take_request(replier, &frame, &way_back);
    assert_frame(&frame, "hello");
    bus_reply(replier, &way_back, STR("there"));
    take_reply(requester, &frame);
    assert_frame(&frame, "there");
}

/* The limit is of our frames; what nanomsg puts in front of them does not count. */
static void test_bus_carries_the_largest_frame_both_ways(void **state)
{
    struct place *place = *state;
    AUTO(bus_replier_free) struct bus_replier *replier = NULL;
    AUTO(bus_requester_free) struct bus_requester *requester = NULL;
    CLEANUP(buf_clear_p) struct buf largest = {0};
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct bus_return way_back;

    memset(buf_reserve(&largest, BUS_FRAME_BYTES_MAX), 'x', BUS_FRAME_BYTES_MAX);
    largest.len = BUS_FRAME_BYTES_MAX;
    assert_int_equal(bus_replier_new(place->url, &replier), OK);
    assert_int_equal(bus_requester_new(place->url, &requester), OK);

    assert_int_equal(bus_request(requester, buf_str(&largest)), OK);
    take_request(replier, &frame, &way_back);
    assert_int_equal(frame.len, BUS_FRAME_BYTES_MAX);
    bus_reply(replier, &way_back, buf_str(&largest));
    take_reply(requester, &frame);
    assert_int_equal(frame.len, BUS_FRAME_BYTES_MAX);
}

static void test_bus_names_what_is_wrong_with_an_address(void **state)
{
    struct place *place = *state;
    struct bus_requester *requester = NULL;
    struct bus_replier *replier = NULL;
    AUTO(bus_replier_free) struct bus_replier *first = NULL;

    assert_int_equal(bus_requester_new("nonsense", &requester), ERR_INVALID);
    assert_int_equal(bus_replier_new("tcp://127.0.0.1:0x", &replier), ERR_INVALID);
    assert_int_equal(bus_replier_new(place->url, &first), OK);
    assert_int_equal(bus_replier_new(place->url, &replier), ERR_CONFLICT);
    failure_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bus_answers_in_any_order, make_place, drop_place),
        cmocka_unit_test_setup_teardown(test_bus_asks_again_when_the_replier_comes_back, make_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(test_bus_carries_the_largest_frame_both_ways, make_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(test_bus_names_what_is_wrong_with_an_address, make_place,
                                        drop_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
