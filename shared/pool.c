/* A stack of pointers, as deep as there are objects: giving back never allocates. */
#include "shared/pool.h"

#include <assert.h>

#include "shared/mem.h"

void pool_init(struct pool *pool, size_t object_bytes)
{
    *pool = (struct pool){.object_bytes = object_bytes};
}

void pool_clear(struct pool *pool)
{
    assert(pool->free_count == pool->total);
    for (size_t i = 0; i < pool->free_count; i++)
        free(pool->free_objects[i]);
    free(pool->free_objects);
    *pool = (struct pool){.object_bytes = pool->object_bytes};
}

void *pool_take(struct pool *pool)
{
    if (pool->free_count > 0)
        return pool->free_objects[--pool->free_count];

    pool->total++;
    pool->free_objects = xrealloc(pool->free_objects, pool->total * sizeof *pool->free_objects);
    return xcalloc(1, pool->object_bytes);
}

void pool_give(struct pool *pool, void *object)
{
    assert(pool->free_count < pool->total);
    pool->free_objects[pool->free_count++] = object;
}
