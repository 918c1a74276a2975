/*
 * Encoders of HTTP's content codings, for bodies that are whole. The other direction is inflate.h.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/str.h"

enum content_coding { CODING_IDENTITY, CODING_BROTLI, CODING_GZIP, CODING_COUNT };

/* "br", "gzip", "identity". */
extern const struct str content_coding_words[CODING_COUNT];

/* The one of `offered` (bits 1 << coding) that an Accept-Encoding likes, br before gzip; identity when it
 * likes none. */
enum content_coding content_coding_choose(struct str accepted, unsigned offered);

/* Appends the encoded text; false, and appends nothing, when that would be no shorter. Takes about
 * 10 ms for 1 MiB. */
MUST_USE bool content_encode(enum content_coding coding, struct str plain, struct buf *out);
