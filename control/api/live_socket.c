/* A client has a place for each row of the service's table. A packet with attachments waits here
 * until they have come. */
#include "control/api/live_socket.h"

#include <assert.h>
#include <stdio.h>

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/json.h"

#include "control/api/live_private.h"

#define ATTACHMENTS_US 10000000 /* until all of a packet's have come */

struct socket_client {
    struct live_session *session;
    const struct live_namespace *namespaces;
    struct live_socket sockets[LIVE_NAMESPACES_MAX]; /* in the order of the rows */
    int64_t connect_by_us;                           /* 0: has connected to one */

    struct live_socket *awaits; /* whose packet waits for attachments; NULL: none does */
    struct socket_packet packet;
    char ack[SOCKET_ACK_DIGITS_MAX]; /* what its view points to */
    struct buf attachments[SOCKET_ATTACHMENTS_MAX];
    size_t attachment_count;
    size_t attachment_bytes;
    int64_t attachments_by_us;
};

/* Sending ------------------------------------------------------------------------------------- */

void live_socket_begin(const struct live_socket *socket, const struct socket_packet *packet,
                       struct buf *out)
{
    struct socket_packet named = *packet;

    named.name_space = str_of(socket->name_space->name);
    buf_append_char(out, '0' + ENGINE_MESSAGE);
    socket_packet_begin(out, &named);
}

void live_socket_send(struct live_socket *socket, struct str packet)
{
    live_session_send_packet(socket->session, false, packet);
}

void live_socket_acknowledge(struct live_socket *socket, const struct socket_event *event,
                             const json_t *result)
{
    CLEANUP(buf_clear_p) struct buf out = {0};

    if (event->ack.len == 0)
        return;
    live_socket_begin(socket, &(struct socket_packet){.type = SOCKET_ACK, .ack = event->ack}, &out);
    buf_append_char(&out, '[');
    json_write(result, &out);
    buf_append_char(&out, ']');
    live_socket_send(socket, buf_str(&out));
}

/* Connecting ---------------------------------------------------------------------------------- */

static struct live_socket *find_socket(struct socket_client *client, struct str name_space)
{
    for (size_t i = 0; client->namespaces[i].name; i++) {
        if (str_equal(name_space, str_of(client->namespaces[i].name)))
            return &client->sockets[i];
    }
    return NULL;
}

static void refuse(struct socket_client *client, struct str name_space)
{
    CLEANUP(buf_clear_p) struct buf out = {0};

    buf_append_char(&out, '0' + ENGINE_MESSAGE);
    socket_packet_begin(
        &out, &(struct socket_packet){.type = SOCKET_CONNECT_ERROR, .name_space = name_space});
    buf_append_text(&out, "{\"message\":\"Invalid namespace\"}");
    live_session_send_packet(client->session, false, buf_str(&out));
}

/* The id that the client knows this connection by; nobody is asked for it. */
static void greet(struct live_socket *socket)
{
    CLEANUP(buf_clear_p) struct buf out = {0};
    uint64_t number[2];

    random_bytes(number, sizeof number);
    live_socket_begin(socket, &(struct socket_packet){.type = SOCKET_CONNECT}, &out);
    buf_printf(&out, "{\"sid\":\"%016llx%016llx\"}", (unsigned long long)number[0],
               (unsigned long long)number[1]);
    live_socket_send(socket, buf_str(&out));
}

/* What comes along with it we do not need as a credential: the handshake had one. */
static bool take_connect(struct socket_client *client, const struct socket_packet *packet)
{
    struct live_socket *socket = find_socket(client, packet->name_space);

    if (!socket) {
        refuse(client, packet->name_space);
        return true;
    }
    if (socket->is_connected)
        return false;
    socket->is_connected = true;
    client->connect_by_us = 0;
    greet(socket);
    socket->name_space->ops->connected(socket, packet->payload);
    return true;
}

static void disconnect(struct live_socket *socket)
{
    if (!socket->is_connected)
        return;
    socket->is_connected = false;
    if (socket->name_space->ops->disconnected)
        socket->name_space->ops->disconnected(socket);
}

/* Hearing ------------------------------------------------------------------------------------- */

static void forget_packet(struct socket_client *client)
{
    for (size_t i = 0; i < client->attachment_count; i++)
        buf_clear(&client->attachments[i]);
    client->attachment_count = 0;
    client->attachment_bytes = 0;
    client->awaits = NULL;
    socket_packet_clear(&client->packet);
}

/* An event is complete. We ask for no acknowledgements, so those that come mean nothing. */
static void tell(struct socket_client *client, struct live_socket *socket,
                 const struct socket_packet *packet)
{
    if (packet->type == SOCKET_EVENT || packet->type == SOCKET_BINARY_EVENT)
        socket->name_space->ops->event(
            socket, &(struct socket_event){.payload = packet->payload,
                                           .ack = packet->ack,
                                           .attachment_count = packet->attachments,
                                           .attachments = client->attachments});
}

/* Keeps a packet; its views are into text that goes. */
static void keep(struct socket_client *client, struct live_socket *socket,
                 struct socket_packet *packet)
{
    memcpy(client->ack, packet->ack.ptr, packet->ack.len);
    client->awaits = socket;
    client->packet = *packet;
    client->packet.ack.ptr = client->ack;
    packet->payload = NULL;
    client->attachments_by_us = clock_monotonic_us() + ATTACHMENTS_US;
}

static bool take_packet(struct socket_client *client, struct socket_packet *packet)
{
    struct live_socket *socket = find_socket(client, packet->name_space);

    if (packet->type == SOCKET_CONNECT)
        return take_connect(client, packet);
    if (!socket || !socket->is_connected)
        return false;
    if (packet->type == SOCKET_DISCONNECT)
        disconnect(socket);
    else if (packet->attachments > 0)
        keep(client, socket, packet);
    else
        tell(client, socket, packet);
    return true;
}

static bool take_attachment(struct socket_client *client, struct str data)
{
    size_t bytes_max = client->session->live->settings.payload_bytes_max;

    if (!client->awaits || data.len > bytes_max - client->attachment_bytes)
        return false;
    client->attachment_bytes += data.len;
    buf_append_str(&client->attachments[client->attachment_count++], data);
    if (client->attachment_count < client->packet.attachments)
        return true;
    tell(client, client->awaits, &client->packet);
    forget_packet(client);
    return true;
}

static bool on_message(void *user, bool is_binary, struct str data)
{
    struct socket_client *client = user;
    struct socket_packet packet;
    bool is_sound;

    if (is_binary)
        return take_attachment(client, data);
    if (client->awaits || !socket_packet_read(data, &packet))
        return false;
    is_sound = take_packet(client, &packet);
    socket_packet_clear(&packet);
    return is_sound;
}

/* Life ---------------------------------------------------------------------------------------- */

static void *on_opened(struct live_session *session, const void *context)
{
    struct socket_client *client = NEW(struct socket_client);

    client->session = session;
    client->namespaces = context;
    client->connect_by_us =
        clock_monotonic_us() + session->live->settings.connect_timeout_ms * 1000;
    for (size_t i = 0; client->namespaces[i].name; i++) {
        assert(i < LIVE_NAMESPACES_MAX);
        client->sockets[i] =
            (struct live_socket){.session = session, .name_space = &client->namespaces[i]};
    }
    return client;
}

static bool on_tick(void *user, int64_t now_us)
{
    struct socket_client *client = user;

    if ((client->connect_by_us != 0 && now_us > client->connect_by_us) ||
        (client->awaits && now_us > client->attachments_by_us))
        return false;
    for (size_t i = 0; i < LIVE_NAMESPACES_MAX; i++) {
        struct live_socket *socket = &client->sockets[i];

        if (socket->is_connected && socket->name_space->ops->tick)
            socket->name_space->ops->tick(socket, now_us);
    }
    return true;
}

static void on_overflowed(void *user)
{
    struct socket_client *client = user;

    for (size_t i = 0; i < LIVE_NAMESPACES_MAX; i++) {
        struct live_socket *socket = &client->sockets[i];

        if (socket->is_connected && socket->name_space->ops->overflowed)
            socket->name_space->ops->overflowed(socket);
    }
}

static void on_closed(void *user)
{
    struct socket_client *client = user;

    for (size_t i = 0; i < LIVE_NAMESPACES_MAX; i++)
        disconnect(&client->sockets[i]);
    forget_packet(client);
    free(client);
}

const struct live_service_ops live_socket_service = {
    .opened = on_opened,
    .message = on_message,
    .tick = on_tick,
    .overflowed = on_overflowed,
    .closed = on_closed,
};
