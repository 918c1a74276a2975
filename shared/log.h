/*
 * Logging: one line per event on standard error, `time program[pid] level event key=value …`, or as
 * JSON one object (RFC 8259) with `time`, `level`, `program`, `pid`, `event` and each key in order.
 * error = a person must act; warning = we coped; info = state changed; debug = off by default.
 * Events are constant names; no secrets, no bodies. The same event from the same place is limited
 * to LOG_BURST lines a second; what was left out is counted in the next line as `suppressed=N`.
 *
 * A format is `key=value key=value …`: a value is one of %s %.*s %d %u %zu %lld %llu, or words without
 * any; quotes may stand around a text. Nothing else is read, and tests/style/check_logs.py refuses it.
 *
 * A text may come from anywhere: with blanks or quotes in it, it stands in quotes with `\"` and `\\`;
 * control characters and what is no UTF-8 are shown as `\xNN`, in JSON too; after LOG_VALUE_BYTES it
 * ends with `...`. A line that is full ends with `cut=true`. In JSON a number is a number as far as
 * all readers of JSON agree on it, 2^53 - 1, and digits in a text beyond.
 *
 * Thread: any.
 */
#pragma once

#include <stdatomic.h>

#include "shared/attrs.h"

#define LOG_BURST       50
#define LOG_VALUE_BYTES 1024
#define LOG_LINE_BYTES  4096 /* PIPE_BUF: what a pipe takes as one */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Where a log call stands; counts its lines of the current second. */
struct log_site {
    _Atomic long second;
    _Atomic unsigned lines;
};

void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Reads "error", "warning", "info" or "debug"; false for any other word. */
int log_level_from_word(const char *word, enum log_level *ret_level);

/* Before the spawner is forked, which keeps what was set until then. */
void log_set_format(enum log_format format);
enum log_format log_format(void);

/* Reads "text" or "json"; false for any other word. */
int log_format_from_word(const char *word, enum log_format *ret_format);

/* Sets the program's name, printed in each line; borrowed for good. */
void log_set_program(const char *name);

void log_write(struct log_site *site, enum log_level level, const char *event, const char *format,
               ...) PRINTF(4, 5);

#define LOG_AT(at_level, event, ...)                                                               \
    do {                                                                                           \
        static struct log_site log_site_;                                                          \
        if (log_level() >= (at_level))                                                             \
            log_write(&log_site_, (at_level), event, __VA_ARGS__);                                 \
    } while (0)

#define log_error(event, ...)   LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) LOG_AT(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...)    LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)   LOG_AT(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
