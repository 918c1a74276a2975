#include "tests/unit/unit_test.h"

#include "prober/limits.h"

static struct limits limits_of(unsigned in_flight, unsigned connecting, unsigned per_host)
{
    return (struct limits){
        .in_flight_max = in_flight, .connecting_max = connecting, .per_host_max = per_host};
}

static void test_limits_admit_in_order_up_to_in_flight(void **state)
{
    struct limits limits = limits_of(2, 10, 10);
    struct limit_entry entries[3] = {0};

    (void)state;
    limits_init(&limits);
    for (int i = 0; i < 3; i++)
        limits_ask(&limits, &entries[i], NULL);
    assert_ptr_equal(limits_admit(&limits), &entries[0]);
    assert_ptr_equal(limits_admit(&limits), &entries[1]);
    assert_null(limits_admit(&limits));
    assert_int_equal(limits.waiting, 1);

    limits_leave(&limits, &entries[0]);
    assert_ptr_equal(limits_admit(&limits), &entries[2]);
    limits_leave(&limits, &entries[1]);
    limits_leave(&limits, &entries[2]);
    assert_int_equal(limits.in_flight + limits.connecting + limits.waiting, 0);
}

static void test_limits_connected_makes_room_to_connect(void **state)
{
    struct limits limits = limits_of(10, 1, 10);
    struct limit_entry entries[2] = {0};

    (void)state;
    limits_init(&limits);
    limits_ask(&limits, &entries[0], NULL);
    limits_ask(&limits, &entries[1], NULL);
    assert_ptr_equal(limits_admit(&limits), &entries[0]);
    assert_null(limits_admit(&limits));
    limits_connected(&limits, &entries[0]);
    limits_connected(&limits, &entries[0]);
    assert_ptr_equal(limits_admit(&limits), &entries[1]);
    limits_leave(&limits, &entries[0]);
    limits_leave(&limits, &entries[1]);
    assert_int_equal(limits.connecting, 0);
}

static void test_limits_full_host_holds_up_nobody_else(void **state)
{
    struct limits limits = limits_of(10, 10, 1);
    struct limit_entry slow[3] = {0};
    struct limit_entry other = {0};

    (void)state;
    limits_init(&limits);
    for (int i = 0; i < 3; i++)
        limits_ask(&limits, &slow[i], "slow");
    limits_ask(&limits, &other, "other");
    assert_ptr_equal(limits_admit(&limits), &slow[0]);
    assert_ptr_equal(limits_admit(&limits), &other);
    assert_null(limits_admit(&limits));

    limits_leave(&limits, &slow[1]); /* gives up while it waits */
    limits_leave(&limits, &slow[0]);
    assert_ptr_equal(limits_admit(&limits), &slow[2]);
    limits_leave(&limits, &slow[2]);
    limits_leave(&limits, &other);
    limits_leave(&limits, &other);
    assert_null(limits.hosts);
    assert_int_equal(limits.waiting, 0);
}

static void test_limits_leaving_the_ready_queue_frees_the_host(void **state)
{
    struct limits limits = limits_of(0, 0, 1);
    struct limit_entry entries[2] = {0};

    (void)state;
    limits_init(&limits);
    limits_ask(&limits, &entries[0], "a");
    limits_ask(&limits, &entries[1], "a");
    assert_int_equal(entries[1].state, LIMIT_WAITING_HOST);
    limits_leave(&limits, &entries[0]);
    assert_int_equal(entries[1].state, LIMIT_READY);
    limits_leave(&limits, &entries[1]);
    assert_null(limits.hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_admit_in_order_up_to_in_flight),
        cmocka_unit_test(test_limits_connected_makes_room_to_connect),
        cmocka_unit_test(test_limits_full_host_holds_up_nobody_else),
        cmocka_unit_test(test_limits_leaving_the_ready_queue_frees_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
