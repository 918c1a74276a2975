/*
 * The replies of a Redis server (RESP2), read from the bytes that have come, one value at a time and
 * within limits. An array is a value that tells how many values follow it.
 *
 * Thread: any.
 */
#pragma once

#include <stdint.h>

#include "shared/str.h"

#define RESP_LINE_BYTES_MAX (4 * 1024)
#define RESP_BULK_BYTES_MAX (64 * 1024)
#define RESP_ARRAY_MAX      1024

enum resp_status {
    RESP_VALUE,
    RESP_NEED_MORE,
    RESP_MALFORMED,
    RESP_TOO_LARGE,
};

enum resp_type {
    RESP_TEXT, /* simple or bulk */
    RESP_ERROR,
    RESP_INTEGER,
    RESP_NIL,
    RESP_ARRAY,
};

struct resp_value {
    enum resp_type type;
    struct str text; /* a view of the input: of an integer its digits; of nil and arrays empty */
    uint32_t count;  /* of an array, at most RESP_ARRAY_MAX */
};

/* Reads the value at the beginning of `input`, which takes `ret_used` bytes. `ret_why` is set for
 * what is malformed or too large: a constant clause. */
enum resp_status resp_read(struct str input, struct resp_value *ret_value, size_t *ret_used,
                           const char **ret_why);
