/*
 * One write() per line, so that lines of several threads and processes never mix. Control
 * characters in values are escaped: text from targets and clients must not be able to forge a line.
 */
#include "shared/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 2048

static _Atomic int current_level = LOG_LEVEL_INFO;
static const char *program = "environment-manager";

static const char *const level_words[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
    current_level = (int)level;
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

int log_level_from_word(const char *word, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_words); i++) {
        if (strcmp(word, level_words[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 1;
        }
    }
    return 0;
}

void log_set_program(const char *name)
{
    program = name;
}

/* Appends `text` with control bytes as \xNN; returns the new length. */
static size_t append_escaped(char *line, size_t len, size_t size, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    for (const unsigned char *c = (const unsigned char *)text; *c && len + 5 < size; c++) {
        if (*c >= 0x20 && *c != 0x7f) {
            line[len++] = (char)*c;
            continue;
        }
        line[len++] = '\\';
        line[len++] = 'x';
        line[len++] = hex[*c >> 4];
        line[len++] = hex[*c & 15];
    }
    return len;
}

/* False when this site has used up its lines of this second; `ret_left_out` is what the last second
 * left out. Two threads at the turn of a second may both begin to count anew: a line more or less
 * does no harm. */
static bool site_may_write(struct log_site *site, long second, unsigned *ret_left_out)
{
    unsigned lines;

    *ret_left_out = 0;
    if (atomic_load_explicit(&site->second, memory_order_relaxed) != second) {
        lines = atomic_exchange_explicit(&site->lines, 0, memory_order_relaxed);
        *ret_left_out = lines > LOG_BURST ? lines - LOG_BURST : 0;
        atomic_store_explicit(&site->second, second, memory_order_relaxed);
    }
    return atomic_fetch_add_explicit(&site->lines, 1, memory_order_relaxed) < LOG_BURST;
}

void log_write(struct log_site *site, enum log_level level, const char *event, const char *format,
               ...)
{
    struct timespec now;
    struct tm utc;
    char values[LINE_BYTES - 256];
    char line[LINE_BYTES];
    unsigned left_out;
    va_list arguments;
    int head;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    if (!site_may_write(site, now.tv_sec, &left_out))
        return;

    va_start(arguments, format);
    vsnprintf(values, sizeof values, format, arguments);
    va_end(arguments);

    gmtime_r(&now.tv_sec, &utc);
    head = snprintf(line, sizeof line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s[%d] %s %s ",
                    utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                    utc.tm_sec, now.tv_nsec / 1000000, program, (int)getpid(), level_words[level],
                    event);
    len = append_escaped(line, (size_t)head, sizeof line - 32, values);
    if (left_out > 0)
        len += (size_t)snprintf(line + len, sizeof line - len, " suppressed=%u", left_out);
    line[len++] = '\n';

    if (write(STDERR_FILENO, line, len) < 0)
        return; /* nowhere is left to say so */
}
