/*
 * Heap. Out of memory aborts with a message: every size that comes from outside is limited before
 * it gets here, so running out is a machine's trouble, not an input's. `x…` functions never return
 * NULL.
 *
 * Thread: any.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#include "shared/attrs.h"

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *block, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);

/* A formatted text; yours to free. */
char *xasprintf(const char *format, ...) PRINTF(1, 2);

NORETURN void out_of_memory(size_t size);

/* Overwrites memory that held a secret; never optimised away. */
void wipe(void *block, size_t size);

/* Frees a text that is a secret (or NULL), and overwrites it before. */
void xfree_secret(char *text);

/* A zeroed struct of `type`. */
#define NEW(type) ((type *)xcalloc(1, sizeof(type)))

static inline void xfree(void *block)
{
    free(block);
}

static inline void xfree_p(void *owner)
{
    free(*(void **)owner);
}
