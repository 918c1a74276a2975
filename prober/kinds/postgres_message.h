/*
 * The messages of PostgreSQL's protocol 3.0, read from the bytes that have come and within limits,
 * and the frame of those that go out.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

#define POSTGRES_MESSAGE_BYTES_MAX (64 * 1024)

enum postgres_status {
    POSTGRES_MESSAGE,
    POSTGRES_NEED_MORE,
    POSTGRES_MALFORMED,
    POSTGRES_TOO_LARGE,
};

struct postgres_message {
    char type;
    struct str body; /* a view of the input */
};

/* Reads the message at the beginning of `input`, which takes `ret_used` bytes. */
enum postgres_status postgres_message_read(struct str input, struct postgres_message *ret_message,
                                           size_t *ret_used);

/* Takes a number or a text that ends with a zero byte off the beginning of `body`; false when it is
 * not all there. */
bool postgres_take_int16(struct str *body, uint16_t *ret_number);
bool postgres_take_int32(struct str *body, uint32_t *ret_number);
bool postgres_take_text(struct str *body, struct str *ret_text);

/* The body of an ErrorResponse; what it does not tell is empty. */
struct postgres_error {
    struct str sqlstate;
    struct str text;
};

struct postgres_error postgres_error_read(struct str body);

enum postgres_first { POSTGRES_FIRST_VALUE, POSTGRES_FIRST_NULL, POSTGRES_FIRST_MISSING };

/* The first column of a DataRow; the value is set for POSTGRES_FIRST_VALUE. */
enum postgres_first postgres_row_first(struct str body, struct str *ret_value);

/* Begins a message (type 0: the start-up message has none), and ends it once its body has been
 * appended. @return what to give to the end. */
size_t postgres_message_begin(struct buf *out, char type);
void postgres_message_end(struct buf *out, size_t begun);

void postgres_append_int32(struct buf *out, uint32_t number);
void postgres_append_text(struct buf *out, const char *text); /* with its zero byte */
