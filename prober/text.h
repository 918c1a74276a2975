/* Small help for text in results. Thread: any. */
#pragma once

#include <stddef.h>

#include "shared/buf.h"
#include "shared/str.h"

/* The length without a UTF-8 sequence that was cut off at the end. */
size_t utf8_cut(struct str text);

/* Appends what a target has sent as buf_append_escaped() does, but for `secret` (NULL: none): a
 * server may say it back, and it must not get into a message. */
void text_append_foreign(struct buf *buf, struct str bytes, const char *secret, size_t limit);
