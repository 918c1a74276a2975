/* The abort-on-failure allocator functions. */
#include "shared/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/log.h"

void out_of_memory(size_t size)
{
    log_error("memory.exhausted", "bytes=%zu", size);
    abort();
}

void *xmalloc(size_t size)
{
    void *block = malloc(size ? size : 1);

    if (!block)
        out_of_memory(size);
    return block;
}

void *xcalloc(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);

    if (!block)
        out_of_memory(count * size);
    return block;
}

void *xrealloc(void *block, size_t size)
{
    void *grown = realloc(block, size ? size : 1);

    if (!grown)
        out_of_memory(size);
    return grown;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xstrndup(const char *text, size_t len)
{
    char *copy = xmalloc(len + 1);

    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *xasprintf(const char *format, ...)
{
    char *text;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        out_of_memory(0);
    va_end(arguments);
    return text;
}

void wipe(void *block, size_t size)
{
    explicit_bzero(block, size);
}

void xfree_secret(char *text)
{
    if (text)
        wipe(text, strlen(text));
    free(text);
}
