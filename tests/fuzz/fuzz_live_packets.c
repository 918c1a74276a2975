/* What a live client sends, as a payload of Engine.IO over HTTP and as packets of Socket.IO in it:
 * what is accepted keeps to the limits, and comes out again as it went in. */
#include <assert.h>

#include "shared/mem.h"

#include "control/api/engine_io.h"
#include "control/api/socket_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_socket_packet(struct str text)
{
    CLEANUP(buf_clear_p) struct buf again = {0};
    struct socket_packet packet;

    if (!socket_packet_read(text, &packet)) {
        assert(!packet.payload);
        return;
    }
    assert(packet.attachments <= SOCKET_ATTACHMENTS_MAX);
    assert(packet.ack.len <= SOCKET_ACK_DIGITS_MAX);
    assert(packet.name_space.len <= SOCKET_NAMESPACE_MAX && packet.name_space.ptr[0] == '/');
    socket_packet_begin(&again, &packet);
    assert(again.len <= text.len + 1); /* a namespace may come without its comma */
    socket_packet_clear(&packet);
}

static void check_engine_packet(const struct engine_packet *packet, struct buf *again)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    assert(packet->type < ENGINE_TYPE_COUNT);
    assert(!packet->is_binary || packet->type == ENGINE_MESSAGE);
    if (!packet->is_binary)
        buf_append_char(&text, (char)('0' + packet->type));
    buf_append_str(&text, packet->data);
    engine_payload_append(again, packet->is_binary, buf_str(&text));
    if (packet->type == ENGINE_MESSAGE && !packet->is_binary)
        check_socket_packet(packet->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_clear_p) struct buf scratch = {0};
    CLEANUP(buf_clear_p) struct buf again = {0};
    struct str payload = {(const char *)data, size};
    struct str rest = payload;
    struct engine_packet packet;
    struct engine_query query;
    enum engine_step step;

    (void)engine_query_read(payload, &query);
    while ((step = engine_payload_next(&rest, &scratch, &packet)) == ENGINE_STEP_PACKET)
        check_engine_packet(&packet, &again);
    assert(step == ENGINE_STEP_INVALID || str_equal(buf_str(&again), payload));
    return 0;
}
