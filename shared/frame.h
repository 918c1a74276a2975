/*
 * The frames of the bus (include/contract/bus.h) as structs, both ways. A frame is checked as a
 * whole when it is opened: what comes out of it afterwards is within its limits, and a frame with
 * one bad record is no frame. The record of a result is also how results lie in the database.
 *
 * Writing: frame_report_begin(), add until one does not fit, frame_report_end(). Reading:
 * frame_report_open(), then frame_next_…() in the same order.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/bus.h"

#include "shared/buf.h"
#include "shared/err.h"
#include "shared/result.h"
#include "shared/str.h"
#include "shared/uuid.h"

/* The largest JSON text in a frame: a spec of at most CHECK_SPEC_BYTES_MAX as the database writes
 * it, a check for PREVIEW, a preview's answer. */
#define FRAME_DOCUMENT_BYTES_MAX (128 * 1024)
#define FRAME_KIND_BYTES_MAX     32

struct frame_report {
    uint16_t flags;
    struct uuid prober_id;
    uint64_t boot_id;
    uint64_t first_seq;
    uint64_t plan_version;
    int64_t sent_at_ms;
    uint16_t count;    /* results; counted by frame_report_add_result() */
    uint16_t previews; /* counted by frame_report_add_preview() */
};

struct frame_reply {
    uint16_t flags; /* BUS_REPLY_… */
    uint64_t boot_id;
    uint64_t acked_seq;
    uint64_t plan_version;
    int64_t server_time_ms;
    uint32_t credit;
    uint16_t items; /* counted by the frame_reply_add_…() */
};

/* One item of a reply; the fields that its type has. Texts are borrowed. */
struct frame_item {
    enum bus_item type;
    struct uuid check_id; /* CHECK_SET, CHECK_DROP, RUN_AT */
    uint8_t flags;        /* CHECK_SET: BUS_CHECK_… */
    uint32_t interval_ms;
    uint32_t timeout_ms;
    struct str kind;
    struct str document; /* CHECK_SET: the spec; PREVIEW: the check */
    uint32_t delay_ms;   /* RUN_AT */
    uint64_t token;      /* PREVIEW */
};

struct frame_preview {
    uint64_t token;
    struct str document; /* JSON {"result", "steps"} */
};

/* What is left of an opened frame; a view into it. */
struct frame_cursor {
    struct str rest;
};

/* Results ------------------------------------------------------------------------------------- */

/* Appends the record of a result; its texts are within their limits (asserted). */
void frame_result_write(struct buf *buf, const struct result *result);

/* Takes one record off `rest`; false when it is cut short or holds a value out of range. Texts
 * point into it. */
bool frame_result_read(struct str *rest, struct result *ret_result);

/* Reports ------------------------------------------------------------------------------------- */

/* Empties `frame` and leaves room for the header. */
void frame_report_begin(struct buf *frame, struct frame_report *report);

/* False, and nothing added, when the frame is full (by bytes or BUS_RESULTS_MAX). Results before
 * previews. */
bool frame_report_add_result(struct buf *frame, struct frame_report *report,
                             const struct result *result);

/* Adds a record as it was written before, without its being read again. */
bool frame_report_add_record(struct buf *frame, struct frame_report *report, struct str record);
bool frame_report_add_preview(struct buf *frame, struct frame_report *report,
                              const struct frame_preview *preview);

/* Writes the header in front. */
void frame_report_end(struct buf *frame, const struct frame_report *report);

/* Checks all of a frame from outside. @return ERR_INVALID "frame_malformed" with what is wrong. */
MUST_USE enum err frame_report_open(struct str frame, struct frame_report *ret_report,
                                    struct frame_cursor *ret_cursor);

/* The next of `count` results, then of `previews`; asserts that there is one. `ret_record` (or
 * NULL) gets its bytes. */
void frame_next_result(struct frame_cursor *cursor, struct result *ret_result,
                       struct str *ret_record);
void frame_next_preview(struct frame_cursor *cursor, struct frame_preview *ret_preview);

/* Replies ------------------------------------------------------------------------------------- */

void frame_reply_begin(struct buf *frame, struct frame_reply *reply);

/* False, and nothing added, when the frame is full. */
bool frame_reply_add_item(struct buf *frame, struct frame_reply *reply,
                          const struct frame_item *item);
void frame_reply_end(struct buf *frame, const struct frame_reply *reply);

/* Checks all of a frame from outside. @return ERR_INVALID "frame_malformed" with what is wrong. */
MUST_USE enum err frame_reply_open(struct str frame, struct frame_reply *ret_reply,
                                   struct frame_cursor *ret_cursor);

/* The next of `items`; asserts that there is one. */
void frame_next_item(struct frame_cursor *cursor, struct frame_item *ret_item);
