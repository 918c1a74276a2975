/*
 * One line of the log in the making: for log.c alone. Begin it, add what it says, end it. At its end
 * it is whole: what does not fit is left out, an open text is closed, and `cut` says so.
 *
 * Thread: any; a line belongs to one. Nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "shared/log.h"
#include "shared/str.h"

struct log_line {
    enum log_format format;
    size_t len;
    size_t len_max; /* until the end of the line, which has room kept for it */
    bool is_full;   /* the rest is left out */
    char text[LOG_LINE_BYTES];
};

/* What all lines begin with. */
struct log_head {
    struct timespec time; /* wall time */
    const char *level;
    const char *program;
    int pid;
    const char *event;
};

void log_line_begin(struct log_line *line, enum log_format format, const struct log_head *head);

/* Adds `key` with a text from anywhere, escaped and cut at LOG_VALUE_BYTES. `key` is a word of ours.
 * @param is_quoted in quotes even where it could do without. */
void log_line_add_text(struct log_line *line, struct str key, struct str text, bool is_quoted);

void log_line_add_number(struct log_line *line, struct str key, bool is_negative,
                         unsigned long long magnitude);

/* @param left_out lines of the same place that were not written before this one; 0: none. */
void log_line_end(struct log_line *line, unsigned left_out);
