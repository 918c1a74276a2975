/* Ring and loop: what crosses threads. Runs under ThreadSanitizer too. */
#include "tests/unit/unit_test.h"

#include <pthread.h>

#include "shared/loop.h"
#include "shared/ring.h"

#define PUSHERS   3
#define PUSHES    20000
#define NUMBER(i) ((void *)(uintptr_t)(i))

static void *push_numbers(void *argument)
{
    struct ring *ring = argument;

    for (uintptr_t i = 1; i <= PUSHES; i++) {
        while (!ring_push(ring, NUMBER(i)))
            sched_yield();
    }
    return NULL;
}

static void test_ring_keeps_everything_of_many_pushers(void **state)
{
    AUTO(ring_free) struct ring *ring = ring_new(64);
    pthread_t threads[PUSHERS];
    uint64_t sum = 0;

    (void)state;
    for (int i = 0; i < PUSHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, push_numbers, ring), 0);
    for (int i = 0; i < PUSHERS * PUSHES; i++)
        sum += (uintptr_t)ring_pop(ring, -1);
    for (int i = 0; i < PUSHERS; i++)
        pthread_join(threads[i], NULL);

    assert_int_equal(sum, (uint64_t)PUSHERS * PUSHES * (PUSHES + 1) / 2);
    assert_null(ring_pop(ring, 0));
}

static void test_ring_refuses_when_full_or_closed(void **state)
{
    AUTO(ring_free) struct ring *ring = ring_new(2);

    (void)state;
    assert_true(ring_push(ring, NUMBER(1)));
    assert_true(ring_push(ring, NUMBER(2)));
    assert_false(ring_push(ring, NUMBER(3)));
    assert_int_equal(ring_refused(ring), 1);
    assert_ptr_equal(ring_pop(ring, 0), NUMBER(1));
    ring_close(ring);
    assert_false(ring_push(ring, NUMBER(3)));
    assert_ptr_equal(ring_pop(ring, -1), NUMBER(2));
    assert_null(ring_pop(ring, -1)); /* closed and empty: does not wait */
}

struct counting {
    struct loop *loop;
    int ran;
    int reaped;
};

static void count_reaped(void *argument)
{
    struct counting *counting = argument;

    counting->reaped++;
}

static void count_run(void *argument)
{
    struct counting *counting = argument;

    counting->ran++;
    loop_reap(counting->loop, count_reaped, counting);
    if (counting->ran == PUSHES)
        loop_stop(counting->loop);
}

static void *post_tasks(void *argument)
{
    struct counting *counting = argument;

    for (int i = 0; i < PUSHES; i++)
        loop_post(counting->loop, count_run, counting);
    return NULL;
}

static void test_loop_runs_posted_tasks_and_reaps(void **state)
{
    AUTO(loop_free) struct loop *loop = loop_new();
    struct counting counting = {.loop = loop};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, post_tasks, &counting), 0);
    loop_run(loop);
    pthread_join(thread, NULL);
    loop_free(TAKE(loop));

    assert_int_equal(counting.ran, PUSHES);
    assert_int_equal(counting.reaped, PUSHES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_keeps_everything_of_many_pushers),
        cmocka_unit_test(test_ring_refuses_when_full_or_closed),
        cmocka_unit_test(test_loop_runs_posted_tasks_and_reaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
