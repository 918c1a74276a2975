/* Bytes of a WebSocket client, whole and byte by byte: the same messages, within their bound. */
#include <assert.h>

#include "control/api/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BYTES_MAX 65536

struct heard {
    size_t messages;
    size_t bytes;
};

static bool hear(void *argument, bool is_binary, struct str data)
{
    struct heard *heard = argument;

    (void)is_binary;
    assert(data.len <= BYTES_MAX);
    heard->messages++;
    heard->bytes += data.len;
    return true;
}

static struct heard run(struct str input, size_t step)
{
    struct heard heard = {0};
    struct websocket *websocket = websocket_new(BYTES_MAX, hear, &heard);

    while (input.len > 0 && websocket_input(websocket, str_sub(input, 0, step)))
        input = str_sub(input, step, input.len);
    websocket_free(websocket);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct heard whole = run(input, size + 1);
    struct heard split = run(input, 1);

    assert(whole.messages == split.messages && whole.bytes == split.bytes);
    return 0;
}
