/* Frames of both sides, whole and byte by byte: the same events within the same limits, and what is
 * read can be written and read again. */
#include <assert.h>

#include "shared/mem.h"
#include "shared/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_MAX 1000

struct heard {
    struct buf events; /* as text, one line each */
    enum websocket_event last;
};

static void check_again(const struct websocket_reader *heard)
{
    static const uint8_t mask[4] = {1, 2, 3, 0xff};
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct websocket_reader reader;
    size_t used;

    websocket_append_frame(&frame, heard->opcode, heard->payload, mask);
    websocket_reader_init(&reader, WEBSOCKET_CLIENT, MESSAGE_MAX);
    assert(websocket_read(&reader, buf_str(&frame), &used) == WEBSOCKET_MESSAGE);
    assert(used == frame.len && reader.opcode == heard->opcode);
    assert(str_equal(reader.payload, heard->payload));
    websocket_reader_clear(&reader);
}

static void note(struct heard *heard, const struct websocket_reader *reader)
{
    assert(reader->payload.len <= MESSAGE_MAX);
    buf_printf(&heard->events, "%d %d %u %zu %s\n", heard->last, reader->opcode, reader->code,
               reader->payload.len, reader->why ? reader->why : "");
    if (heard->last == WEBSOCKET_MESSAGE) {
        assert(reader->opcode != WEBSOCKET_TEXT || str_is_utf8(reader->payload));
        check_again(reader);
    } else if (heard->last == WEBSOCKET_CONTROL) {
        assert(reader->payload.len <= WEBSOCKET_CONTROL_MAX);
    } else {
        assert(reader->why);
    }
}

static struct heard run(enum websocket_peer peer, struct str input, size_t step)
{
    struct heard heard = {.last = WEBSOCKET_NEED_MORE};
    struct websocket_reader reader;

    websocket_reader_init(&reader, peer, MESSAGE_MAX);
    while (input.len > 0 && !reader.why) {
        struct str part = str_sub(input, 0, step);
        size_t used;

        heard.last = websocket_read(&reader, part, &used);
        assert(used <= part.len && (used > 0 || heard.last != WEBSOCKET_NEED_MORE));
        if (heard.last != WEBSOCKET_NEED_MORE)
            note(&heard, &reader);
        else
            websocket_reader_rest(&reader);
        input = str_sub(input, used, input.len);
    }
    websocket_reader_clear(&reader);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    for (int peer = WEBSOCKET_CLIENT; peer <= WEBSOCKET_SERVER; peer++) {
        struct heard whole = run(peer, input, size + 1);
        struct heard split = run(peer, input, 1);

        assert(str_equal(buf_str(&whole.events), buf_str(&split.events)));
        buf_clear(&whole.events);
        buf_clear(&split.events);
    }
    return 0;
}
