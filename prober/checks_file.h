/*
 * A file of checks: one JSON object per line, as of POST /checks; empty lines are skipped. What is
 * wrong with a line goes to standard error as {"line","errors":[{"pointer","code","detail"}]}, and
 * the others are taken all the same.
 *
 * Thread: the one that starts the program.
 */
#pragma once

#include <stddef.h>

#include "shared/attrs.h"
#include "shared/err.h"

struct engine_check;

#define CHECKS_FILE_LINE_BYTES_MAX (256 * 1024)

/* Takes one check, whose id is a hash of its text form; ERR_INVALID when it is not valid after
 * all. */
typedef enum err (*checks_file_fn)(void *context, const struct engine_check *check);

struct checks_file_counts {
    size_t taken;
    size_t bad;
};

/* Reads `path`, or standard input when it is NULL, to its end. Checks with "enabled": false are
 * left out.
 * @return ERR_NOT_FOUND "checks_file" when it cannot be read. */
MUST_USE enum err checks_file_read(const char *path, checks_file_fn take, void *context,
                                   struct checks_file_counts *ret_counts);
