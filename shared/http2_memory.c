/* The library's memory comes from ours. */
#include "shared/http2_memory.h"

#include "shared/mem.h"

static void *take(size_t size, void *user_data)
{
    (void)user_data;
    return xmalloc(size);
}

static void give(void *block, void *user_data)
{
    (void)user_data;
    free(block);
}

static void *take_zeroed(size_t count, size_t size, void *user_data)
{
    (void)user_data;
    return xcalloc(count, size);
}

static void *grow(void *block, size_t size, void *user_data)
{
    (void)user_data;
    return xrealloc(block, size);
}

nghttp2_mem http2_memory = {NULL, take, give, take_zeroed, grow};
