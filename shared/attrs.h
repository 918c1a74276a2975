/* Compiler attributes and the four macros of ownership and errors: AUTO, TAKE, TRY, container_of.
 */
#pragma once

#include <stddef.h>

#define MUST_USE            __attribute__((warn_unused_result))
#define PRINTF(fmt, first)  __attribute__((format(printf, fmt, first)))
#define NORETURN            __attribute__((noreturn))
#define UNUSED              __attribute__((unused))
#define CLEANUP(fn)         __attribute__((cleanup(fn)))
#define AUTO(free_fn)       CLEANUP(free_fn##_p)
#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Lets a local of `type` be released by AUTO(free_fn) when it leaves its block. */
#define DEFINE_AUTO(type, free_fn)                                                                 \
    static inline void free_fn##_p(type *owner)                                                    \
    {                                                                                              \
        if (*owner)                                                                                \
            free_fn(*owner);                                                                       \
    }                                                                                              \
    struct attrs_semicolon_

/* Gives the pointer away: the local no longer owns it. */
#define TAKE(owner)                                                                                \
    ({                                                                                             \
        __auto_type taken_ = (owner);                                                              \
        (owner) = NULL;                                                                            \
        taken_;                                                                                    \
    })

/* The struct of `type` whose `member` is at `pointer`. */
#define container_of(pointer, type, member)                                                        \
    ((type *)((char *)(1 ? (pointer) : &((type *)0)->member) - offsetof(type, member)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b)                                                                                  \
    ({                                                                                             \
        __auto_type min_a_ = (a);                                                                  \
        __auto_type min_b_ = (b);                                                                  \
        min_a_ < min_b_ ? min_a_ : min_b_;                                                         \
    })

#define MAX(a, b)                                                                                  \
    ({                                                                                             \
        __auto_type max_a_ = (a);                                                                  \
        __auto_type max_b_ = (b);                                                                  \
        max_a_ > max_b_ ? max_a_ : max_b_;                                                         \
    })
