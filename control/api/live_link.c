/* Taking over goes like this: the client sends "2probe" and hears "3probe"; the poll that waits is
 * let go, so that nothing is lost on the old way; then it sends "5". */
#include "control/api/live_link.h"

#include "shared/clock.h"
#include "shared/websocket.h"

#include "control/api/connection.h"
#include "control/api/live_private.h"
#include "control/api/websocket.h"

#define OUTPUT_CHUNK_BYTES (16 * 1024)
#define UPGRADE_US         10000000

struct live_link {
    struct connection *connection;
    struct websocket *websocket;
    struct live_session *session; /* NULL: it is over */
    bool is_probed;
    int64_t upgrade_by_us;
};

static bool is_upgrade(const struct live_link *link)
{
    return link->session->upgrade == link;
}

/* Taking over --------------------------------------------------------------------------------- */

static bool take_over(struct live_link *link)
{
    struct live_session *session = link->session;

    session->upgrade = NULL;
    session->socket = link;
    live_session_touch(session);
    return true;
}

static bool on_upgrade_packet(struct live_link *link, const struct engine_packet *packet)
{
    if (packet->type == ENGINE_PING && str_equal(packet->data, STR("probe")) && !link->is_probed) {
        link->is_probed = true;
        websocket_append_frame(websocket_control(link->websocket), WEBSOCKET_TEXT, STR("3probe"),
                               NULL);
        live_session_touch(link->session);
        return true;
    }
    return packet->type == ENGINE_UPGRADE && link->is_probed && take_over(link);
}

static bool read_packet(bool is_binary, struct str data, struct engine_packet *ret_packet)
{
    if (!is_binary)
        return engine_packet_read(data, ret_packet);
    *ret_packet = (struct engine_packet){.type = ENGINE_MESSAGE, .is_binary = true, .data = data};
    return true;
}

/* What to close with after a message; 0: it goes on. */
static uint16_t take_message(struct live_link *link, bool is_binary, struct str data)
{
    struct engine_packet packet;

    if (!read_packet(is_binary, data, &packet))
        return WEBSOCKET_CODE_PROTOCOL;
    if (!live_session_may_speak(link->session))
        return WEBSOCKET_CODE_POLICY;
    if (is_upgrade(link))
        return on_upgrade_packet(link, &packet) ? 0 : WEBSOCKET_CODE_PROTOCOL;
    if (!live_session_take(link->session, &packet))
        return WEBSOCKET_CODE_PROTOCOL;
    return link->session->has_ended ? WEBSOCKET_CODE_NORMAL : 0;
}

static bool on_message(void *argument, bool is_binary, struct str data)
{
    struct live_link *link = argument;
    uint16_t code = take_message(link, is_binary, data);

    if (code != 0)
        websocket_append_close(websocket_control(link->websocket), code, NULL);
    return code == 0;
}

/* Life ---------------------------------------------------------------------------------------- */

struct live_link *live_link_new(struct connection *connection, struct live_session *session)
{
    struct live_link *link = NEW(struct live_link);
    size_t bytes_max = server_live(connection->server)->settings.payload_bytes_max;

    link->connection = connection;
    link->websocket = websocket_new(bytes_max, on_message, link);
    link->upgrade_by_us = clock_monotonic_us() + UPGRADE_US;
    link->session = session;
    if (!session)
        websocket_append_close(websocket_control(link->websocket), WEBSOCKET_CODE_POLICY, NULL);
    return link;
}

void live_link_free(struct live_link *link)
{
    struct live_session *session = link->session;

    if (session && session->upgrade == link) {
        session->upgrade = NULL;
    } else if (session) {
        session->socket = NULL;
        live_session_end(session);
    }
    websocket_free(link->websocket);
    free(link);
}

void live_link_end(struct live_link *link)
{
    link->session = NULL;
    websocket_append_close(websocket_control(link->websocket), WEBSOCKET_CODE_NORMAL, NULL);
    connection_end_live(link->connection);
}

bool live_link_input(struct live_link *link, struct str bytes)
{
    return link->session && websocket_input(link->websocket, bytes);
}

void live_link_append_control(struct live_link *link, struct buf *out)
{
    struct buf *control = websocket_control(link->websocket);

    buf_append_str(out, buf_str(control));
    buf_clear(control);
}

bool live_link_refill(struct live_link *link, struct buf *out)
{
    size_t before = out->len;
    struct live_message *message;

    live_link_append_control(link, out);
    if (!link->session || is_upgrade(link))
        return out->len > before;
    while (out->len < OUTPUT_CHUNK_BYTES && (message = live_session_next(link->session))) {
        buf_append(out, message->frame, message->len);
        live_message_unref(message);
    }
    return out->len > before;
}

void live_link_flush(struct live_link *link)
{
    connection_flush(link->connection);
}

bool live_link_is_probed(const struct live_link *link)
{
    return link->is_probed;
}

bool live_link_is_late(const struct live_link *link, int64_t now_us)
{
    return now_us > link->upgrade_by_us;
}
