/* Counted references: the loop is the only one that counts. */
#include "control/api/live_message.h"

#include "shared/buf.h"
#include "shared/mem.h"
#include "shared/websocket.h"

struct live_message *live_message_new(enum live_worth worth, bool is_binary, struct str packet)
{
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct live_message *message;

    websocket_append_frame(&frame, is_binary ? WEBSOCKET_BINARY : WEBSOCKET_TEXT, packet, NULL);
    message = xmalloc(sizeof *message + frame.len);
    message->references = 1;
    message->len = (uint32_t)frame.len;
    message->packet = (uint8_t)(frame.len - packet.len);
    message->is_binary = is_binary;
    message->worth = worth;
    memcpy(message->frame, frame.data, frame.len);
    return message;
}

void live_message_unref(struct live_message *message)
{
    if (--message->references == 0)
        free(message);
}
