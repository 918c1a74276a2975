/* Frames: a header, then records. */
#include "shared/frame.h"

#include <assert.h>

#include "contract/check.h"

#include "shared/frame_private.h"
#include "shared/json.h"

/* A spec comes as the database writes it, with a space after each comma and colon. */
static_assert(FRAME_DOCUMENT_BYTES_MAX >= 2 * CHECK_SPEC_BYTES_MAX, "a spec fits into a frame");

/* Frames -------------------------------------------------------------------------------------- */

static void begin(struct buf *frame, size_t header_bytes)
{
    buf_reset(frame);
    memset(buf_reserve(frame, header_bytes), 0, header_bytes);
    frame->len = header_bytes;
}

/* Takes back what was written since `start` when the frame has become too long. */
static bool fits(struct buf *frame, size_t start)
{
    if (frame->len <= BUS_FRAME_BYTES_MAX)
        return true;
    frame->len = start;
    return false;
}

static void put_preamble(struct buf *header, enum bus_type type, uint16_t flags)
{
    put(header, BUS_MAGIC, 4);
    put(header, BUS_VERSION, 1);
    put(header, type, 1);
    put(header, flags, 2);
}

static void end(struct buf *frame, struct buf *header)
{
    put(header, frame->len - header->len - 4, 4);
    memcpy(frame->data, header->data, header->len);
}

static enum err malformed(const char *what)
{
    return fail(ERR_INVALID, "frame_malformed", "The frame has %s.", what);
}

static enum err open_preamble(struct reader *reader, struct str frame, enum bus_type type,
                              uint16_t *ret_flags)
{
    *reader = (struct reader){.rest = frame};
    if (frame.len > BUS_FRAME_BYTES_MAX)
        return malformed("too many bytes");
    if (take(reader, 4) != BUS_MAGIC)
        return malformed("no magic number");
    if (take(reader, 1) != BUS_VERSION)
        return malformed("an unknown version");
    if (take(reader, 1) != (uint64_t)type)
        return malformed("the wrong type");
    *ret_flags = (uint16_t)take(reader, 2);
    return OK;
}

/* Reads the length that ends a header and compares it with what follows. */
static enum err open_length(struct reader *reader)
{
    uint64_t length = take(reader, 4);

    if (reader->failed)
        return malformed("a header that is cut short");
    if (length != reader->rest.len)
        return malformed("a length that does not fit");
    return OK;
}

/* Reports ------------------------------------------------------------------------------------- */

void frame_report_begin(struct buf *frame, struct frame_report *report)
{
    begin(frame, BUS_REPORT_HEADER_BYTES);
    report->count = 0;
    report->previews = 0;
}

static bool count_result(struct buf *frame, struct frame_report *report, size_t start)
{
    if (!fits(frame, start))
        return false;
    report->count++;
    return true;
}

bool frame_report_add_result(struct buf *frame, struct frame_report *report,
                             const struct result *result)
{
    size_t start = frame->len;

    assert(report->previews == 0);
    if (report->count == BUS_RESULTS_MAX)
        return false;
    frame_result_write(frame, result);
    return count_result(frame, report, start);
}

bool frame_report_add_record(struct buf *frame, struct frame_report *report, struct str record)
{
    size_t start = frame->len;

    assert(report->previews == 0);
    if (report->count == BUS_RESULTS_MAX)
        return false;
    buf_append_str(frame, record);
    return count_result(frame, report, start);
}

bool frame_report_add_preview(struct buf *frame, struct frame_report *report,
                              const struct frame_preview *preview)
{
    size_t start = frame->len;

    assert(preview->document.len <= FRAME_DOCUMENT_BYTES_MAX);
    put(frame, preview->token, 8);
    put_document(frame, preview->document);
    if (!fits(frame, start))
        return false;
    report->previews++;
    return true;
}

void frame_report_end(struct buf *frame, const struct frame_report *report)
{
    CLEANUP(buf_clear_p) struct buf header = {0};

    put_preamble(&header, BUS_REPORT, report->flags);
    put_id(&header, &report->prober_id);
    put(&header, report->boot_id, 8);
    put(&header, report->first_seq, 8);
    put(&header, report->plan_version, 8);
    put(&header, (uint64_t)report->sent_at_ms, 8);
    put(&header, report->count, 2);
    put(&header, report->previews, 2);
    end(frame, &header);
    assert(header.len == BUS_REPORT_HEADER_BYTES);
}

static bool take_preview(struct reader *reader, struct frame_preview *ret_preview)
{
    ret_preview->token = take(reader, 8);
    ret_preview->document = take_utf8(reader, 4, FRAME_DOCUMENT_BYTES_MAX);
    return !reader->failed;
}

enum err frame_report_open(struct str frame, struct frame_report *ret_report,
                           struct frame_cursor *ret_cursor)
{
    struct frame_report report = {0};
    struct frame_preview preview;
    struct result result;
    struct reader reader;

    TRY(open_preamble(&reader, frame, BUS_REPORT, &report.flags));
    report.prober_id = take_id(&reader);
    report.boot_id = take(&reader, 8);
    report.first_seq = take(&reader, 8);
    report.plan_version = take(&reader, 8);
    report.sent_at_ms = (int64_t)take(&reader, 8);
    report.count = (uint16_t)take(&reader, 2);
    report.previews = (uint16_t)take(&reader, 2);
    TRY(open_length(&reader));
    if (report.count > BUS_RESULTS_MAX)
        return malformed("too many results");
    /* Sequence numbers lie in a signed column of the database. */
    if (report.first_seq == 0 || report.first_seq > INT64_MAX - BUS_RESULTS_MAX)
        return malformed("a sequence number out of range");

    ret_cursor->rest = reader.rest;
    for (unsigned i = 0; i < report.count; i++) {
        if (!frame_result_read(&reader.rest, &result))
            return malformed("a malformed result");
    }
    for (unsigned i = 0; i < report.previews; i++) {
        if (!take_preview(&reader, &preview))
            return malformed("a malformed preview");
    }
    if (reader.rest.len > 0)
        return malformed("bytes after its end");
    *ret_report = report;
    return OK;
}

void frame_next_result(struct frame_cursor *cursor, struct result *ret_result,
                       struct str *ret_record)
{
    const char *start = cursor->rest.ptr;
    bool read = frame_result_read(&cursor->rest, ret_result);

    assert(read);
    (void)read;
    if (ret_record)
        *ret_record = str_n(start, (size_t)(cursor->rest.ptr - start));
}

void frame_next_preview(struct frame_cursor *cursor, struct frame_preview *ret_preview)
{
    struct reader reader = {.rest = cursor->rest};
    bool taken = take_preview(&reader, ret_preview);

    assert(taken);
    (void)taken;
    cursor->rest = reader.rest;
}

/* Replies ------------------------------------------------------------------------------------- */

void frame_reply_begin(struct buf *frame, struct frame_reply *reply)
{
    begin(frame, BUS_REPLY_HEADER_BYTES);
    reply->items = 0;
}

bool frame_reply_add_item(struct buf *frame, struct frame_reply *reply,
                          const struct frame_item *item)
{
    size_t start = frame->len;

    if (reply->items == UINT16_MAX)
        return false;
    put(frame, item->type, 1);
    switch (item->type) {
    case BUS_PLAN_RESET:
        break;
    case BUS_CHECK_SET:
        assert(item->kind.len <= FRAME_KIND_BYTES_MAX &&
               item->document.len <= FRAME_DOCUMENT_BYTES_MAX);
        put_id(frame, &item->check_id);
        put(frame, item->flags, 1);
        put(frame, item->interval_ms, 4);
        put(frame, item->timeout_ms, 4);
        put_text(frame, item->kind);
        put_document(frame, item->document);
        break;
    case BUS_CHECK_DROP:
        put_id(frame, &item->check_id);
        break;
    case BUS_RUN_AT:
        put_id(frame, &item->check_id);
        put(frame, item->delay_ms, 4);
        break;
    case BUS_PREVIEW:
        assert(item->document.len <= FRAME_DOCUMENT_BYTES_MAX);
        put(frame, item->token, 8);
        put_document(frame, item->document);
        break;
    }
    if (!fits(frame, start))
        return false;
    reply->items++;
    return true;
}

void frame_reply_end(struct buf *frame, const struct frame_reply *reply)
{
    CLEANUP(buf_clear_p) struct buf header = {0};

    put_preamble(&header, BUS_REPLY, reply->flags);
    put(&header, reply->boot_id, 8);
    put(&header, reply->acked_seq, 8);
    put(&header, reply->plan_version, 8);
    put(&header, (uint64_t)reply->server_time_ms, 8);
    put(&header, reply->credit, 4);
    put(&header, reply->items, 2);
    put(&header, 0, 2);
    end(frame, &header);
    assert(header.len == BUS_REPLY_HEADER_BYTES);
}

static bool take_item(struct reader *reader, struct frame_item *ret_item)
{
    struct frame_item item = {.type = (enum bus_item)take_below(reader, 1, BUS_PREVIEW + 1)};

    switch (item.type) {
    case BUS_PLAN_RESET:
        break;
    case BUS_CHECK_SET:
        item.check_id = take_id(reader);
        item.flags = (uint8_t)take(reader, 1);
        item.interval_ms = (uint32_t)take(reader, 4);
        item.timeout_ms = (uint32_t)take(reader, 4);
        item.kind = take_utf8(reader, 2, FRAME_KIND_BYTES_MAX);
        item.document = take_utf8(reader, 4, FRAME_DOCUMENT_BYTES_MAX);
        break;
    case BUS_CHECK_DROP:
        item.check_id = take_id(reader);
        break;
    case BUS_RUN_AT:
        item.check_id = take_id(reader);
        item.delay_ms = (uint32_t)take(reader, 4);
        break;
    case BUS_PREVIEW:
        item.token = take(reader, 8);
        item.document = take_utf8(reader, 4, FRAME_DOCUMENT_BYTES_MAX);
        break;
    default: /* a number from outside that is no item */
        reader->failed = true;
    }
    *ret_item = item;
    return !reader->failed;
}

enum err frame_reply_open(struct str frame, struct frame_reply *ret_reply,
                          struct frame_cursor *ret_cursor)
{
    struct frame_reply reply = {0};
    struct frame_item item;
    struct reader reader;

    TRY(open_preamble(&reader, frame, BUS_REPLY, &reply.flags));
    reply.boot_id = take(&reader, 8);
    reply.acked_seq = take(&reader, 8);
    reply.plan_version = take(&reader, 8);
    reply.server_time_ms = (int64_t)take(&reader, 8);
    reply.credit = (uint32_t)take(&reader, 4);
    reply.items = (uint16_t)take(&reader, 2);
    skip_zero(&reader, 2);
    TRY(open_length(&reader));

    ret_cursor->rest = reader.rest;
    for (unsigned i = 0; i < reply.items; i++) {
        if (!take_item(&reader, &item))
            return malformed("a malformed item");
    }
    if (reader.rest.len > 0)
        return malformed("bytes after its end");
    *ret_reply = reply;
    return OK;
}

void frame_next_item(struct frame_cursor *cursor, struct frame_item *ret_item)
{
    struct reader reader = {.rest = cursor->rest};
    bool taken = take_item(&reader, ret_item);

    assert(taken);
    (void)taken;
    cursor->rest = reader.rest;
}
