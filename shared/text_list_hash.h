/*
 * The SHA-256 of a list of texts, in a form that no two different lists share: each text is its
 * length in bytes as a decimal number, ":", its bytes, ","; an absent one is "-,".
 *
 * Thread: any.
 */
#pragma once

#include <stddef.h>

#include "shared/buf.h"
#include "shared/str.h"

#define TEXT_LIST_HASH_BYTES 65 /* with its zero byte */

/* Appends one text of a list; a NULL view is an absent one. */
void text_list_add(struct buf *list, struct str text);

/* Writes the hash as 64 lower-case hexadecimal digits and a zero byte. */
void text_list_hash(const struct buf *list, char ret_hex[TEXT_LIST_HASH_BYTES]);
