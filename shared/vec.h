/*
 * Typed growing array: `VEC(struct check) checks = {0};` then vec_push(&checks, check),
 * checks.items[i], checks.len. Zeroed is empty and valid; the elements are moved when it grows, so
 * keep indexes, not pointers.
 */
#pragma once

#include <string.h>

#include "shared/mem.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t len;                                                                                \
        size_t capacity;                                                                           \
    }

/* Makes room for one more element. */
#define vec_grow(vec)                                                                              \
    do {                                                                                           \
        if ((vec)->len == (vec)->capacity) {                                                       \
            (vec)->capacity = (vec)->capacity ? (vec)->capacity * 2 : 8;                           \
            (vec)->items = xrealloc((vec)->items, (vec)->capacity * sizeof(*(vec)->items));        \
        }                                                                                          \
    } while (0)

#define vec_push(vec, ...)                                                                         \
    do {                                                                                           \
        vec_grow(vec);                                                                             \
        (vec)->items[(vec)->len++] = (__VA_ARGS__);                                                \
    } while (0)

/* Removes the element at `at` by moving the last one into its place. */
#define vec_remove_swap(vec, at) ((vec)->items[at] = (vec)->items[--(vec)->len])

/* Releases the memory; what the elements own is the caller's to release first. */
#define vec_clear(vec)                                                                             \
    do {                                                                                           \
        free((vec)->items);                                                                        \
        memset((vec), 0, sizeof(*(vec)));                                                          \
    } while (0)
