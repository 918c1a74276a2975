/* Messages go up; pings and closes are answered here; anything else ends the connection. */
#include "control/api/websocket.h"

#include "shared/mem.h"
#include "shared/websocket.h"

struct websocket {
    struct websocket_reader reader;
    struct buf control;
    websocket_message_fn on_message;
    void *argument;
    bool over;
};

struct websocket *websocket_new(size_t message_bytes_max, websocket_message_fn on_message,
                                void *argument)
{
    struct websocket *websocket = NEW(struct websocket);

    websocket->on_message = on_message;
    websocket->argument = argument;
    websocket_reader_init(&websocket->reader, WEBSOCKET_CLIENT, message_bytes_max);
    return websocket;
}

void websocket_free(struct websocket *websocket)
{
    if (!websocket)
        return;
    websocket_reader_clear(&websocket->reader);
    buf_clear(&websocket->control);
    free(websocket);
}

static void close_with(struct websocket *websocket, uint16_t code)
{
    websocket_append_close(&websocket->control, code, NULL);
    websocket->over = true;
}

static void on_control(struct websocket *websocket)
{
    const struct websocket_reader *reader = &websocket->reader;

    if (reader->opcode == WEBSOCKET_PING)
        websocket_append_frame(&websocket->control, WEBSOCKET_PONG, reader->payload, NULL);
    else if (reader->opcode == WEBSOCKET_CLOSE)
        close_with(websocket,
                   reader->code == WEBSOCKET_CODE_NONE ? WEBSOCKET_CODE_NORMAL : reader->code);
}

bool websocket_input(struct websocket *websocket, struct str bytes)
{
    struct websocket_reader *reader = &websocket->reader;

    while (!websocket->over) {
        size_t used;
        enum websocket_event event = websocket_read(reader, bytes, &used);

        bytes = str_sub(bytes, used, bytes.len);
        switch (event) {
        case WEBSOCKET_NEED_MORE:
            websocket_reader_rest(reader);
            return true;
        case WEBSOCKET_MESSAGE:
            if (!websocket->on_message(websocket->argument, reader->opcode == WEBSOCKET_BINARY,
                                       reader->payload))
                websocket->over = true;
            break;
        case WEBSOCKET_CONTROL:
            on_control(websocket);
            break;
        case WEBSOCKET_BROKEN:
        case WEBSOCKET_TOO_LARGE:
            close_with(websocket, reader->code);
        }
    }
    return false;
}

struct buf *websocket_control(struct websocket *websocket)
{
    return &websocket->control;
}
