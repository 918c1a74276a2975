/* wslay pulls its input through a callback: it is given what has come, and told to wait when that
 * is used up. */
#include "control/api/websocket.h"

#include <wslay/wslay.h>

#include "shared/crypto.h"
#include "shared/mem.h"

#define OPCODE_TEXT   0x81 /* with the bit of the last fragment */
#define OPCODE_CLOSE  0x88
#define KEY_BYTES     24
#define CODE_BAD_DATA 1003

struct websocket {
    wslay_event_context_ptr wslay;
    struct str input;
    struct buf control;
    websocket_text_fn on_text;
    void *argument;
    bool over;
};

static ssize_t give_input(wslay_event_context_ptr wslay, uint8_t *data, size_t size, int flags,
                          void *argument)
{
    struct websocket *websocket = argument;
    size_t len = MIN(size, websocket->input.len);

    (void)flags;
    if (len == 0 || websocket->over) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(data, websocket->input.ptr, len);
    websocket->input = str_sub(websocket->input, len, websocket->input.len);
    return (ssize_t)len;
}

static ssize_t take_output(wslay_event_context_ptr wslay, const uint8_t *data, size_t len,
                           int flags, void *argument)
{
    struct websocket *websocket = argument;

    (void)wslay;
    (void)flags;
    buf_append(&websocket->control, data, len);
    return (ssize_t)len;
}

static void on_message(wslay_event_context_ptr wslay,
                       const struct wslay_event_on_msg_recv_arg *message, void *argument)
{
    struct websocket *websocket = argument;

    if (message->opcode == WSLAY_TEXT_FRAME) {
        if (!websocket->on_text(websocket->argument,
                                str_n((const char *)message->msg, message->msg_length)))
            websocket->over = true;
    } else if (message->opcode == WSLAY_BINARY_FRAME) {
        wslay_event_queue_close(wslay, CODE_BAD_DATA, NULL, 0);
    } else if (message->opcode == WSLAY_CONNECTION_CLOSE) {
        websocket->over = true; /* after the echo, which wslay has queued */
    }
}

struct websocket *websocket_new(websocket_text_fn on_text, void *argument)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = give_input,
        .send_callback = take_output,
        .on_msg_recv_callback = on_message,
    };
    struct websocket *websocket = NEW(struct websocket);

    websocket->on_text = on_text;
    websocket->argument = argument;
    if (wslay_event_context_server_init(&websocket->wslay, &callbacks, websocket) != 0)
        out_of_memory(0);
    wslay_event_config_set_max_recv_msg_length(websocket->wslay, WEBSOCKET_MESSAGE_BYTES_MAX);
    return websocket;
}

void websocket_free(struct websocket *websocket)
{
    if (!websocket)
        return;
    wslay_event_context_free(websocket->wslay);
    buf_clear(&websocket->control);
    free(websocket);
}

bool websocket_input(struct websocket *websocket, struct str bytes)
{
    websocket->input = bytes;
    if (wslay_event_recv(websocket->wslay) != 0)
        websocket->over = true;
    if (wslay_event_want_write(websocket->wslay) && wslay_event_send(websocket->wslay) != 0)
        websocket->over = true;
    if (!wslay_event_want_read(websocket->wslay))
        websocket->over = true;
    websocket->input = (struct str){0};
    return !websocket->over;
}

struct buf *websocket_control(struct websocket *websocket)
{
    return &websocket->control;
}

void websocket_frame_text(struct buf *out, struct str text)
{
    uint8_t head[10] = {OPCODE_TEXT};
    size_t head_bytes = 2;

    if (text.len < 126) {
        head[1] = (uint8_t)text.len;
    } else if (text.len <= UINT16_MAX) {
        head[1] = 126;
        head[2] = (uint8_t)(text.len >> 8);
        head[3] = (uint8_t)text.len;
        head_bytes = 4;
    } else {
        head[1] = 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (uint8_t)((uint64_t)text.len >> (56 - 8 * i));
        head_bytes = 10;
    }
    buf_append(out, head, head_bytes);
    buf_append_str(out, text);
}

void websocket_frame_close(struct buf *out, uint16_t code)
{
    uint8_t frame[4] = {OPCODE_CLOSE, 2, (uint8_t)(code >> 8), (uint8_t)code};

    buf_append(out, frame, sizeof frame);
}

bool websocket_accept(struct str key, char accept[WEBSOCKET_ACCEPT_BYTES])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
    char text[KEY_BYTES + sizeof magic];
    CLEANUP(buf_clear_p) struct buf encoded = {0};
    uint8_t digest[SHA1_BYTES];

    if (key.len != KEY_BYTES || !str_equal(str_sub(key, KEY_BYTES - 2, 2), STR("==")))
        return false;
    memcpy(text, key.ptr, KEY_BYTES);
    memcpy(text + KEY_BYTES, magic, sizeof magic);
    sha1(str_n(text, sizeof text - 1), digest);
    buf_append_base64(&encoded, str_n((const char *)digest, sizeof digest));
    memcpy(accept, encoded.data, WEBSOCKET_ACCEPT_BYTES);
    return true;
}
