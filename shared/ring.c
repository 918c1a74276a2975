/* A circular array under one mutex. Who waits has a condition of its own, by the monotonic clock: the
 * thread that has waited for the shortest time is woken, because what it works with is still in the
 * caches, its connection to the database included. */
#include "shared/ring.h"

#include <pthread.h>
#include <time.h>

#include "shared/clock.h"
#include "shared/mem.h"

/* A thread that waits, on its stack. */
struct waiter {
    pthread_cond_t woken;
    struct waiter *next; /* has waited longer */
};

struct ring {
    pthread_mutex_t mutex; /* guards all below */
    struct waiter *waiters;
    void **entries;
    size_t capacity;
    size_t first;
    size_t len;
    uint64_t refused;
    bool closed;
};

struct ring *ring_new(size_t capacity)
{
    struct ring *ring = NEW(struct ring);

    pthread_mutex_init(&ring->mutex, NULL);
    ring->entries = xcalloc(capacity, sizeof *ring->entries);
    ring->capacity = capacity;
    return ring;
}

void ring_free(struct ring *ring)
{
    if (!ring)
        return;
    pthread_mutex_destroy(&ring->mutex);
    free(ring->entries);
    free(ring);
}

/* It is no waiter any more; it may find that somebody else was quicker. */
static void wake_latest(struct ring *ring)
{
    struct waiter *latest = ring->waiters;

    if (!latest)
        return;
    ring->waiters = latest->next;
    pthread_cond_signal(&latest->woken);
}

bool ring_push(struct ring *ring, void *entry)
{
    bool pushed = false;

    pthread_mutex_lock(&ring->mutex);
    if (!ring->closed && ring->len < ring->capacity) {
        ring->entries[(ring->first + ring->len++) % ring->capacity] = entry;
        pushed = true;
        wake_latest(ring);
    } else {
        ring->refused++;
    }
    pthread_mutex_unlock(&ring->mutex);
    return pushed;
}

static struct timespec deadline_in(int64_t timeout_us)
{
    int64_t until_us = clock_monotonic_us() + timeout_us;

    return (struct timespec){.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
}

static void leave(struct ring *ring, const struct waiter *waiter)
{
    struct waiter **at = &ring->waiters;

    while (*at && *at != waiter)
        at = &(*at)->next;
    if (*at)
        *at = waiter->next;
}

/* Until it is woken, or the deadline. @param deadline NULL: none. @return false at the deadline. */
static bool wait_once(struct ring *ring, const struct timespec *deadline)
{
    struct waiter waiter = {.next = ring->waiters};
    pthread_condattr_t attributes;
    int waited;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter.woken, &attributes);
    pthread_condattr_destroy(&attributes);
    ring->waiters = &waiter;
    waited = deadline ? pthread_cond_timedwait(&waiter.woken, &ring->mutex, deadline)
                      : pthread_cond_wait(&waiter.woken, &ring->mutex);
    leave(ring, &waiter);
    pthread_cond_destroy(&waiter.woken);
    return waited == 0;
}

void *ring_pop(struct ring *ring, int64_t timeout_us)
{
    struct timespec deadline = {0};
    void *entry = NULL;
    bool in_time = true;

    if (timeout_us > 0)
        deadline = deadline_in(timeout_us);

    pthread_mutex_lock(&ring->mutex);
    while (ring->len == 0 && !ring->closed && timeout_us != 0 && in_time)
        in_time = wait_once(ring, timeout_us > 0 ? &deadline : NULL);
    if (ring->len > 0) {
        entry = ring->entries[ring->first];
        ring->first = (ring->first + 1) % ring->capacity;
        ring->len--;
    }
    pthread_mutex_unlock(&ring->mutex);
    return entry;
}

void ring_close(struct ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    ring->closed = true;
    while (ring->waiters)
        wake_latest(ring);
    pthread_mutex_unlock(&ring->mutex);
}

size_t ring_len(struct ring *ring)
{
    size_t len;

    pthread_mutex_lock(&ring->mutex);
    len = ring->len;
    pthread_mutex_unlock(&ring->mutex);
    return len;
}

uint64_t ring_refused(struct ring *ring)
{
    uint64_t refused;

    pthread_mutex_lock(&ring->mutex);
    refused = ring->refused;
    pthread_mutex_unlock(&ring->mutex);
    return refused;
}
