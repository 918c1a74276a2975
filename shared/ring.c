/* A circular array under one mutex; the condition uses the monotonic clock. */
#include "shared/ring.h"

#include <pthread.h>
#include <time.h>

#include "shared/clock.h"
#include "shared/mem.h"

struct ring {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t filled;
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
    pthread_condattr_t attributes;

    pthread_mutex_init(&ring->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ring->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    ring->entries = xcalloc(capacity, sizeof *ring->entries);
    ring->capacity = capacity;
    return ring;
}

void ring_free(struct ring *ring)
{
    if (!ring)
        return;
    pthread_cond_destroy(&ring->filled);
    pthread_mutex_destroy(&ring->mutex);
    free(ring->entries);
    free(ring);
}

bool ring_push(struct ring *ring, void *entry)
{
    bool pushed = false;

    pthread_mutex_lock(&ring->mutex);
    if (!ring->closed && ring->len < ring->capacity) {
        ring->entries[(ring->first + ring->len++) % ring->capacity] = entry;
        pushed = true;
        pthread_cond_signal(&ring->filled);
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

void *ring_pop(struct ring *ring, int64_t timeout_us)
{
    struct timespec deadline = {0};
    void *entry = NULL;
    int waited = 0;

    if (timeout_us > 0)
        deadline = deadline_in(timeout_us);

    pthread_mutex_lock(&ring->mutex);
    while (ring->len == 0 && !ring->closed && timeout_us != 0 && waited == 0) {
        if (timeout_us < 0)
            waited = pthread_cond_wait(&ring->filled, &ring->mutex);
        else
            waited = pthread_cond_timedwait(&ring->filled, &ring->mutex, &deadline);
    }
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
    pthread_cond_broadcast(&ring->filled);
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
