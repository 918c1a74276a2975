/*
 * Decoders of HTTP's content codings: gzip, deflate (in its zlib form and raw, as some servers
 * send it), br and identity, one upon the other where a message names two. Bytes in any split give
 * the same bytes out. What it holds does not grow with the data: a window for each coding, and 16 KiB
 * that are ready.
 *
 * Lenient in a stated list: an empty message is complete in any coding; what follows the end of the
 * encoded data is counted, not looked at.
 *
 * Thread: any; an inflater belongs to one.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"

#define INFLATE_CODINGS_MAX 2 /* one upon the other, identity not counted */

struct inflater;

enum inflate_status {
    INFLATE_NEED_MORE,  /* all input is used up, and what it gave was given out */
    INFLATE_DATA,       /* a part of the decoded data */
    INFLATE_END,        /* the encoded data is complete */
    INFLATE_MALFORMED,  /* inflater_reason() says why */
    INFLATE_OVER_LIMIT, /* inflater_reason() says which */
};

/* Output, ratio and memory are those of each coding where there are two. */
struct inflate_limits {
    uint64_t input_bytes;
    uint64_t output_bytes;
    uint32_t ratio;            /* decoded bytes for each encoded one, at any time; at least 1 */
    uint32_t ratio_from_bytes; /* decoded; fewer are fine at any ratio */
    uint32_t memory_bytes; /* that br may ask for: its window, at most 16 MiB, and its trees; the
                              other codings need about 40 KiB */
};

/*
 * `codings` is the value of Content-Encoding: names with commas in the order of encoding; empty is
 * identity.
 *
 * @return ERR_INVALID "coding_unknown", or ERR_LIMITED "coding_nested" for more than
 * INFLATE_CODINGS_MAX.
 */
MUST_USE enum err inflater_new(struct str codings, const struct inflate_limits *limits,
                               struct inflater **ret_inflater);

void inflater_free(struct inflater *inflater);

DEFINE_AUTO(struct inflater *, inflater_free);

/*
 * Decodes what it can: at most 16 KiB of output a call, so go on with the rest of the input, also
 * when none is left, until INFLATE_NEED_MORE. `ret_used` bytes of the input are done with. `ret_data`
 * is set with INFLATE_DATA and valid until the next call, and as long as the input.
 */
enum inflate_status inflater_run(struct inflater *inflater, struct str input, size_t *ret_used,
                                 struct str *ret_data);

/* The message has ended: INFLATE_END, or INFLATE_MALFORMED where the encoded data is not complete. */
enum inflate_status inflater_finish(struct inflater *inflater);

/* One sentence on INFLATE_MALFORMED and INFLATE_OVER_LIMIT; as long as the inflater lives. */
const char *inflater_reason(const struct inflater *inflater);

/* How many bytes came after the end of the encoded data. */
uint64_t inflater_extra_bytes(const struct inflater *inflater);
