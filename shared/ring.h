/*
 * A bounded queue of pointers between threads: many may push, and many pop. Who pushes is never
 * blocked: a full ring says so, and counts it. Popping waits at most as long as asked; of several that
 * wait, the one that came last gets the next entry, because its caches are warm.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/attrs.h"

struct ring;

/* @param capacity the most entries it holds. */
struct ring *ring_new(size_t capacity);

/* Frees the ring; what is still in it is not freed. */
void ring_free(struct ring *ring);

DEFINE_AUTO(struct ring *, ring_free);

/* False when the ring is full or closed; the entry stays the caller's then. */
bool ring_push(struct ring *ring, void *entry);

/* The oldest entry; NULL after `timeout_us` without one (0: at once; negative: no limit) or when
 * closed and empty. */
void *ring_pop(struct ring *ring, int64_t timeout_us);

/* Refuses further entries and wakes the consumer. */
void ring_close(struct ring *ring);

size_t ring_len(struct ring *ring);
uint64_t ring_refused(struct ring *ring); /* pushes that found it full */
