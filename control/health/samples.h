/*
 * Results in packed form, for history: time, verdict, outcome and total, a few bytes each
 * (tests/unit/health/test_samples.c measures them). A chunk is written once and never changed.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/outcome.h"
#include "contract/verdict.h"

#include "shared/buf.h"
#include "shared/str.h"

#define SAMPLES_PER_CHUNK 96

struct sample {
    int64_t at_ms;
    enum verdict verdict;
    enum outcome outcome;
    uint32_t total_us;
};

/* Appends the packed form of at most SAMPLES_PER_CHUNK samples, in their order. */
void samples_pack(struct buf *buf, const struct sample *samples, size_t count);

/* Reads them back; false when the bytes are not a chunk. */
bool samples_unpack(struct str bytes, struct sample ret_samples[SAMPLES_PER_CHUNK],
                    size_t *ret_count);
