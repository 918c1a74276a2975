/*
 * Frames of the bus: the first byte chooses report or reply. What is accepted must be read through
 * without a failed assertion, and a result written again must give the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/frame.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void read_report(struct str frame)
{
    struct frame_report report;
    struct frame_cursor cursor;
    struct frame_preview preview;
    struct result result;
    struct str record;

    if (frame_report_open(frame, &report, &cursor) != OK)
        return;
    for (unsigned i = 0; i < report.count; i++) {
        CLEANUP(buf_clear_p) struct buf again = {0};

        frame_next_result(&cursor, &result, &record);
        frame_result_write(&again, &result);
        if (!str_equal(buf_str(&again), record))
            abort();
    }
    for (unsigned i = 0; i < report.previews; i++)
        frame_next_preview(&cursor, &preview);
}

static void read_reply(struct str frame)
{
    struct frame_reply reply;
    struct frame_cursor cursor;
    struct frame_item item;

    if (frame_reply_open(frame, &reply, &cursor) != OK)
        return;
    for (unsigned i = 0; i < reply.items; i++)
        frame_next_item(&cursor, &item);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct str frame;

    if (size == 0)
        return 0;
    frame = str_n((const char *)data + 1, size - 1);
    if (data[0] & 1)
        read_reply(frame);
    else
        read_report(frame);
    failure_clear();
    return 0;
}
