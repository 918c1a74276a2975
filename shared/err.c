/* The thread-local record behind fail(): one failure per thread, overwritten by the next. */
#include "shared/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/log.h"

#define DETAIL_BYTES 1024

static __thread struct failure last;
static __thread char last_detail[DETAIL_BYTES];

static void remember(const char *file, int line, enum err err, const char *code)
{
    json_decref(last.errors);
    last = (struct failure){
        .err = err, .code = code, .detail = last_detail, .file = file, .line = line};
}

enum err fail_at(const char *file, int line, enum err err, const char *code, const char *format,
                 ...)
{
    char text[DETAIL_BYTES]; /* the arguments may point into last_detail */
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    remember(file, line, err, code);
    snprintf(last_detail, sizeof last_detail, "%s", text);
    return err;
}

enum err fail_fields(enum err err, const char *code, const char *detail, json_t *errors)
{
    remember(__FILE__, __LINE__, err, code);
    snprintf(last_detail, sizeof last_detail, "%s", detail);
    last.errors = errors;
    return err;
}

const struct failure *failure_last(void)
{
    return &last;
}

void failure_clear(void)
{
    json_decref(last.errors);
    last = (struct failure){.detail = ""};
}

const char *err_word(enum err err)
{
    static const char *const words[] = {
        [OK] = "ok",
        [ERR_INVALID] = "invalid",
        [ERR_UNAUTHENTICATED] = "unauthenticated",
        [ERR_DENIED] = "denied",
        [ERR_NOT_FOUND] = "not_found",
        [ERR_CONFLICT] = "conflict",
        [ERR_LIMITED] = "limited",
        [ERR_TIMEOUT] = "timeout",
        [ERR_UNAVAILABLE] = "unavailable",
        [ERR_BUG] = "bug",
    };

    return words[err];
}

enum err err_trace(enum err err, const char *file, int line)
{
    log_debug("err.forwarded", "err=%s file=%s line=%d", err_word(err), file, line);
    return err;
}
