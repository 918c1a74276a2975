/*
 * Results that control has not acknowledged: a bounded queue in memory, in order, each with its
 * sequence number. The front part may be under way in a request; the rest waits. When it is full
 * the oldest that is not under way gives way, and is counted: what is newest says most about the
 * present.
 *
 * Sequence numbers are contiguous from 1 within a boot id. When control asks for numbers that are
 * gone (its database is older than what it had acknowledged), a new boot id starts at 1 again with
 * what is here.
 *
 * Thread: backlog_put() and the counters from any; the rest from the link's.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/frame.h"
#include "shared/result.h"

struct backlog;

struct backlog *backlog_new(size_t results_max, size_t bytes_max);
void backlog_free(struct backlog *backlog);

DEFINE_AUTO(struct backlog *, backlog_free);

/* Appends a copy of the result. */
void backlog_put(struct backlog *backlog, const struct result *result);

/* Adds results from the front to the frame until it is full, and sets boot id and first sequence of
 * the report. They are under way then; filling again gives them again. */
void backlog_fill(struct backlog *backlog, struct buf *frame, struct frame_report *report);

/* Everything up to `seq` is committed by control. Returns how many results that frees. */
size_t backlog_acknowledge(struct backlog *backlog, uint64_t seq);

/* Control has everything up to `seq` and wants what follows. */
void backlog_rewind(struct backlog *backlog, uint64_t seq);

size_t backlog_len(struct backlog *backlog);

/* Results given up for want of room. */
uint64_t backlog_dropped(struct backlog *backlog);
