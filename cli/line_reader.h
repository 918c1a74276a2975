/*
 * Files of lines, however long the file is.
 *
 * Thread: any.
 */
#pragma once

#include "shared/err.h"
#include "shared/str.h"

/* Calls `take` for each line, without its line feed, until it fails; "-" is standard input. A line
 * that is longer than JOURNAL_LINE_BYTES_MAX comes cut off behind that, which is no line.
 * @return ERR_INVALID "file_unreadable"; else what `take` says. */
MUST_USE enum err lines_read(const char *path, enum err (*take)(void *context, struct str line),
                             void *context);
