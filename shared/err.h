/*
 * Errors. A function that can fail returns one of ten words; what happened in detail (a code for
 * machines, a sentence for people, and per-field problems) is kept per thread by fail() until
 * somebody handles it. Handle an error or forward it, never both; the one who handles it logs it.
 *
 * Thread: any; the details are thread-local.
 */
#pragma once

#include <jansson.h>

#include "shared/attrs.h"

enum err {
    OK = 0,
    ERR_INVALID,         /* the input is wrong and stays wrong */
    ERR_UNAUTHENTICATED, /* who asks is not known */
    ERR_DENIED,          /* who asks may not */
    ERR_NOT_FOUND,       /* there is no such thing, or the asker may not know of it */
    ERR_CONFLICT,        /* it clashes with what is there now */
    ERR_LIMITED,         /* a stated limit is reached */
    ERR_TIMEOUT,         /* it took longer than its deadline */
    ERR_UNAVAILABLE,     /* something it needs is not there at the moment: later may work */
    ERR_BUG,             /* this cannot happen; never matched on */
};

/* What the last fail() of this thread said. Texts are valid until the next fail(). */
struct failure {
    enum err err;
    const char *code;   /* constant, snake_case, for machines: "key_taken" */
    const char *detail; /* one sentence for people */
    json_t *errors;     /* borrowed array of {pointer, code, detail}, or NULL */
    const char *file;
    int line;
};

/* Records a failure and returns `err`, so that it can be returned at once. `code` is a constant. */
#define fail(err, code, ...) err_which(err, fail_at(__FILE__, __LINE__, err, code, __VA_ARGS__))

/* As fail(), with per-field problems; takes `errors`. */
enum err fail_fields(enum err err, const char *code, const char *detail, json_t *errors);

enum err fail_at(const char *file, int line, enum err err, const char *code, const char *format,
                 ...) PRINTF(5, 6);

/* The first of both: lets a reader who sees one file only, such as the static analyzer, know what
 * fail() returns. */
static inline enum err err_which(enum err err, enum err recorded)
{
    (void)recorded;
    return err;
}

/* The failure that the last forwarded error of this thread describes. */
const struct failure *failure_last(void);

/* Forgets the failure of this thread and releases what it holds. */
void failure_clear(void);

/* "invalid", "not_found" …; for logs. */
const char *err_word(enum err err);

/* Notes the path of a forwarded error at debug level and returns it. */
enum err err_trace(enum err err, const char *file, int line);

/* Returns from the caller when `call` fails; the only macro that may return. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum err try_err_ = (call);                                                                \
        if (UNLIKELY(try_err_ != OK))                                                              \
            return err_which(try_err_, err_trace(try_err_, __FILE__, __LINE__));                   \
    } while (0)
