/*
 * A pool of objects of one size: what was given back is taken again first, so a steady load
 * allocates nothing. Objects come as they were given back, the first time zeroed.
 *
 * Thread: the one that owns it.
 */
#pragma once

#include <stddef.h>

struct pool {
    size_t object_bytes;
    void **free_objects; /* given back; room for all there are */
    size_t free_count;
    size_t total; /* in use and free */
};

void pool_init(struct pool *pool, size_t object_bytes);

/* Releases the free objects; those in use must have been given back. */
void pool_clear(struct pool *pool);

void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *object);

static inline size_t pool_in_use(const struct pool *pool)
{
    return pool->total - pool->free_count;
}
