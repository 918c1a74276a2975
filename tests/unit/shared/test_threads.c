/* Ring and loop: what crosses threads. Runs under ThreadSanitizer too. */
#include "tests/unit/unit_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

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

struct popper {
    struct ring *ring;
    void *popped;
    atomic_bool waits; /* soon */
};

static void *pop_one(void *argument)
{
    struct popper *popper = argument;

    atomic_store(&popper->waits, true);
    popper->popped = ring_pop(popper->ring, 10000000);
    return NULL;
}

/* It holds nothing of the ring, so it can be seen to sleep. */
static void wait_until_asleep(pthread_t thread, struct popper *popper)
{
    clockid_t clock;
    struct timespec before = {0};
    struct timespec now = {.tv_sec = -1};

    while (!atomic_load(&popper->waits))
        sched_yield();
    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    while (now.tv_sec != before.tv_sec || now.tv_nsec != before.tv_nsec) {
        before = now;
        usleep(20000);
        clock_gettime(clock, &now);
    }
}

static void test_ring_wakes_who_has_waited_for_the_shortest_time(void **state)
{
    AUTO(ring_free) struct ring *ring = ring_new(4);
    struct popper poppers[PUSHERS] = {{.ring = ring}, {.ring = ring}, {.ring = ring}};
    pthread_t threads[PUSHERS];

    (void)state;
    for (int i = 0; i < PUSHERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, pop_one, &poppers[i]), 0);
        wait_until_asleep(threads[i], &poppers[i]);
    }
    for (int i = PUSHERS - 1; i >= 0; i--) {
        assert_true(ring_push(ring, NUMBER(i + 1)));
        pthread_join(threads[i], NULL);
        assert_ptr_equal(poppers[i].popped, NUMBER(i + 1));
    }
}

static void test_ring_gives_up_at_the_deadline_and_wakes_all_when_closed(void **state)
{
    AUTO(ring_free) struct ring *ring = ring_new(4);
    struct popper poppers[PUSHERS] = {{.ring = ring}, {.ring = ring}, {.ring = ring}};
    pthread_t threads[PUSHERS];

    (void)state;
    assert_null(ring_pop(ring, 1000));
    for (int i = 0; i < PUSHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pop_one, &poppers[i]), 0);
    assert_null(ring_pop(ring, 1000)); /* leaves from among those that wait */
    ring_close(ring);
    for (int i = 0; i < PUSHERS; i++) {
        pthread_join(threads[i], NULL);
        assert_null(poppers[i].popped);
    }
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
        cmocka_unit_test(test_ring_wakes_who_has_waited_for_the_shortest_time),
        cmocka_unit_test(test_ring_gives_up_at_the_deadline_and_wakes_all_when_closed),
        cmocka_unit_test(test_loop_runs_posted_tasks_and_reaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
