/*
 * Files of lines, however long the file is.
 *
 * Thread: any.
 */
#pragma once

#include "shared/err.h"
#include "shared/str.h"

/* Who gets the lines. */
struct line_taker {
    enum err (*take)(void *context, struct str line);
    void *context;
    size_t bytes_max; /* a longer line comes cut off behind that, once */
};

/* Hands over each line, without its line feed, until `take` fails; "-" is standard input.
 * @return ERR_INVALID "file_unreadable"; else what `take` says. */
MUST_USE enum err lines_read(const char *path, const struct line_taker *taker);

/* The same from where an open file stands. */
MUST_USE enum err lines_read_file(int fd, const struct line_taker *taker);
