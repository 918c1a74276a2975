/*
 * Packets of Engine.IO are one digit and the rest; packet 4 carries one of Socket.IO: again a
 * digit, an optional number to acknowledge, and JSON. Only text and the namespace "/" are spoken;
 * anything else ends the connection.
 */
#include "control/api/live_client.h"

#include <inttypes.h>
#include <stdio.h>

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/json.h"
#include "shared/websocket.h"

#include "control/api/answer.h"
#include "control/api/exchange.h"
#include "control/api/guard_cookie.h"
#include "control/api/live_private.h"
#include "control/api/problem.h"
#include "control/api/websocket.h"

#define SID_BYTES          15 /* random; twice as many letters */
#define ACK_DIGITS_MAX     10
#define OUTPUT_CHUNK_BYTES (16 * 1024)
#define QUEUE_GAP_MAX      1024

/* Messages ------------------------------------------------------------------------------------ */

struct live_message *live_message_new(struct str packet)
{
    CLEANUP(buf_clear_p) struct buf frame = {0};
    struct live_message *message;

    websocket_append_frame(&frame, WEBSOCKET_TEXT, packet, NULL);
    message = xmalloc(sizeof *message + frame.len);
    message->references = 1;
    message->len = (uint32_t)frame.len;
    memcpy(message->frame, frame.data, frame.len);
    return message;
}

void live_message_unref(struct live_message *message)
{
    if (--message->references == 0)
        free(message);
}

static void send_packet(struct live_client *client, struct str packet)
{
    struct live_message *message = live_message_new(packet);

    live_client_send(client, message);
    live_message_unref(message);
}

bool live_client_refill(struct live_client *client, struct buf *out)
{
    struct buf *control = websocket_control(client->websocket);
    size_t before = out->len;

    buf_append_str(out, buf_str(control));
    buf_clear(control);
    while (client->first < client->queue.len && out->len < OUTPUT_CHUNK_BYTES) {
        struct live_message *message = client->queue.items[client->first++];

        buf_append(out, message->frame, message->len);
        client->queued_bytes -= message->len;
        live_message_unref(message);
    }
    if (client->first == client->queue.len) {
        client->first = 0;
        vec_clear(&client->queue); /* an idle client costs little */
    } else if (client->first >= QUEUE_GAP_MAX) {
        /* Of one that is never idle, what has left must not keep its place. */
        client->queue.len -= client->first;
        memmove(client->queue.items, client->queue.items + client->first,
                client->queue.len * sizeof *client->queue.items);
        client->first = 0;
    }
    return out->len > before;
}

/* Events -------------------------------------------------------------------------------------- */

/* The rooms that a client names: sorts them into what it follows now and what it may not. */
static void join_rooms(struct live_client *client, const json_t *names, struct room *rooms,
                       size_t *ret_count, json_t *ok, json_t *denied)
{
    size_t i;
    json_t *name;

    *ret_count = 0;
    json_array_foreach((json_t *)names, i, name)
    {
        struct str text = {json_string_value(name), json_string_length(name)};
        struct room *room = &rooms[*ret_count];

        if (*ret_count < LIVE_ROOMS_MAX && text.ptr && room_parse(text, room) &&
            live_join(client, room)) {
            (*ret_count)++;
            json_array_append(ok, name);
        } else {
            json_array_append(denied, name);
        }
    }
}

static void acknowledge(struct live_client *client, struct str ack, json_t *take_result)
{
    CLEANUP(buf_clear_p) struct buf packet = {0};

    if (ack.len > 0) {
        buf_printf(&packet, "43" STR_FMT "[", STR_ARG(ack));
        json_write(take_result, &packet);
        buf_append_char(&packet, ']');
        send_packet(client, buf_str(&packet));
    }
    json_decref(take_result);
}

static void on_subscribe(struct live_client *client, const json_t *request, struct str ack)
{
    const json_t *seq = json_object_get(request, "seq");
    struct room *rooms = xcalloc(LIVE_ROOMS_MAX + 1, sizeof *rooms);
    json_t *ok = json_array();
    json_t *denied = json_array();
    size_t count;

    join_rooms(client, json_object_get(request, "rooms"), rooms, &count, ok, denied);
    acknowledge(client, ack,
                json_pack("{s:o, s:o, s:I}", "ok", ok, "denied", denied, "seq",
                          (json_int_t)live_seq(client->live)));
    if (json_is_integer(seq) && !live_replay(client, rooms, count, json_integer_value(seq))) {
        for (size_t i = 0; i < count; i++)
            live_send_resync(client, &rooms[i]);
    }
    free(rooms);
}

static void on_unsubscribe(struct live_client *client, const json_t *request, struct str ack)
{
    size_t i;
    json_t *name;

    json_array_foreach(json_object_get(request, "rooms"), i, name)
    {
        struct str text = {json_string_value(name), json_string_length(name)};
        struct room room;

        if (text.ptr && room_parse(text, &room))
            live_leave(client, &room);
    }
    acknowledge(client, ack, json_object());
}

/* An event: [name, argument]. Unknown ones are ignored, as Socket.IO does. */
static bool on_event(struct live_client *client, struct str packet)
{
    JSON_AUTO json_t *event = NULL;
    struct str ack = {packet.ptr, 0};
    const char *name;

    while (ack.len < packet.len && packet.ptr[ack.len] >= '0' && packet.ptr[ack.len] <= '9')
        ack.len++;
    if (ack.len > ACK_DIGITS_MAX || !client->connected ||
        json_parse(str_sub(packet, ack.len, packet.len), &event) != OK) {
        failure_clear();
        return false;
    }
    name = json_string_value(json_array_get(event, 0));
    if (!name)
        return false;
    if (strcmp(name, "subscribe") == 0)
        on_subscribe(client, json_array_get(event, 1), ack);
    else if (strcmp(name, "unsubscribe") == 0)
        on_unsubscribe(client, json_array_get(event, 1), ack);
    return true;
}

static void write_sid(char sid[2 * SID_BYTES + 1])
{
    uint8_t bytes[SID_BYTES];

    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < SID_BYTES; i++)
        snprintf(sid + 2 * i, 3, "%02x", bytes[i]);
}

/* CONNECT to "/", perhaps with credentials, which we do not need: the upgrade had them. */
static void on_connect(struct live_client *client, struct str rest)
{
    CLEANUP(buf_clear_p) struct buf packet = {0};
    char sid[2 * SID_BYTES + 1];

    if (rest.len > 0 && rest.ptr[0] == '/') {
        struct str namespace = str_cut(&rest, ',');

        buf_append_text(&packet, "44");
        buf_append_str(&packet, str_sub(namespace, 0, 100));
        buf_append_text(&packet, ",{\"message\":\"Invalid namespace\"}");
    } else {
        write_sid(sid);
        client->connected = true;
        buf_printf(&packet, "40{\"sid\":\"%s\"}", sid);
    }
    send_packet(client, buf_str(&packet));
}

static bool on_socket_packet(struct live_client *client, struct str packet)
{
    struct str rest = str_sub(packet, 1, packet.len);

    switch (packet.len > 0 ? packet.ptr[0] : '\0') {
    case '0':
        on_connect(client, rest);
        return true;
    case '2':
        return on_event(client, rest);
    case '3': /* an acknowledgement: we ask for none */
        return true;
    default: /* DISCONNECT and what we do not speak */
        return false;
    }
}

/* The bucket of incoming messages, as in rates.c. */
static bool may_speak(struct live_client *client)
{
    const int64_t price_us = 1000000 / LIVE_MESSAGES_PER_S;
    int64_t now_us = clock_monotonic_us();

    if (client->full_at_us < now_us)
        client->full_at_us = now_us;
    client->full_at_us += price_us;
    return client->full_at_us <= now_us + price_us * LIVE_MESSAGES_BURST;
}

static bool on_packet(void *argument, struct str packet)
{
    struct live_client *client = argument;

    if (!may_speak(client)) {
        websocket_append_close(websocket_control(client->websocket), WEBSOCKET_CODE_POLICY, NULL);
        return false;
    }
    switch (packet.len > 0 ? packet.ptr[0] : '\0') {
    case '3': /* pong */
        client->pong_by_us = 0;
        return true;
    case '4':
        return on_socket_packet(client, str_sub(packet, 1, packet.len));
    case '6': /* noop */
        return true;
    default:
        return false;
    }
}

bool live_client_input(struct live_client *client, struct str bytes)
{
    return websocket_input(client->websocket, bytes);
}

bool live_client_tick(struct live_client *client, int64_t now_us)
{
    const struct principal *principal = &client->principal;
    bool expired = principal->expires_at_ms != 0 && clock_wall_ms() > principal->expires_at_ms;

    if (expired || (client->pong_by_us != 0 && now_us > client->pong_by_us) ||
        (!client->connected && now_us > client->opened_us + LIVE_CONNECT_TIMEOUT_MS * 1000)) {
        return false;
    }
    if (now_us >= client->ping_at_us) {
        client->ping_at_us = now_us + LIVE_PING_INTERVAL_MS * 1000;
        client->pong_by_us = now_us + LIVE_PING_TIMEOUT_MS * 1000;
        send_packet(client, STR("2"));
    }
    return true;
}

/* Opening ------------------------------------------------------------------------------------- */

static size_t sockets_of(const struct live *live, const struct principal *principal)
{
    size_t count = 0;

    LIST_FOREACH (link, &live->clients) {
        const struct live_client *client = container_of(link, struct live_client, link);

        count += uuid_equal(&client->principal.id, &principal->id);
    }
    return count;
}

static bool query_has(struct str query, struct str pair)
{
    while (query.ptr) {
        if (str_equal(str_cut(&query, '&'), pair))
            return true;
    }
    return false;
}

/* What speaks against it, as a failure. */
static enum err check_upgrade(const struct exchange *exchange, struct live *live,
                              char accept[WEBSOCKET_ACCEPT_BYTES])
{
    const struct request *request = &exchange->request;

    if (request->principal.by == CREDENTIAL_NONE)
        return fail(ERR_UNAUTHENTICATED, "credentials_missing", "This needs a session or a key.");
    if (!origin_is_own(request->head, request->secure))
        return fail(ERR_DENIED, "origin_refused", "This request comes from another site.");
    if (!query_has(exchange->query, STR("EIO=4")) ||
        !query_has(exchange->query, STR("transport=websocket")))
        return fail(ERR_INVALID, "target_invalid",
                    "Only Engine.IO 4 over WebSocket is spoken here.");
    if (!request->head->upgrade ||
        !str_equal_nocase(request_header(request, "upgrade"), STR("websocket")) ||
        !str_equal(request_header(request, "sec-websocket-version"), STR("13")) ||
        !websocket_accept(request_header(request, "sec-websocket-key"), accept))
        return fail(ERR_INVALID, "target_invalid", "This is no WebSocket handshake.");
    if (sockets_of(live, &request->principal) >= LIVE_SOCKETS_PER_USER)
        return fail(ERR_LIMITED, "sockets_limited", "At most %d live connections of one user.",
                    LIVE_SOCKETS_PER_USER);
    return OK;
}

static void write_upgrade(struct connection *connection, const char *accept)
{
    struct buf *out = connection_output(connection);

    buf_append_text(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    buf_append_text(out, accept);
    buf_append_text(out, "\r\n\r\n");
    answer_count(101);
}

struct live_client *live_client_open(struct exchange *exchange)
{
    struct live *live = server_live(exchange->request.server);
    char accept[WEBSOCKET_ACCEPT_BYTES];
    struct live_client *client;
    CLEANUP(buf_clear_p) struct buf packet = {0};
    char sid[2 * SID_BYTES + 1];
    enum err err = check_upgrade(exchange, live, accept);

    if (err != OK) {
        problem_write(&exchange->reply, exchange->request.id, err, failure_last());
        failure_clear();
        exchange->answered = true;
        return NULL;
    }
    write_upgrade(exchange->connection, accept);

    client = NEW(struct live_client);
    client->live = live;
    client->connection = exchange->connection;
    client->websocket = websocket_new(on_packet, client);
    client->principal = exchange->request.principal;
    client->opened_us = clock_monotonic_us();
    client->ping_at_us = client->opened_us + LIVE_PING_INTERVAL_MS * 1000;
    list_init(&client->dirty);
    list_append(&live->clients, &client->link);
    live->client_count++;
    write_sid(sid);
    buf_printf(&packet,
               "0{\"sid\":\"%s\",\"upgrades\":[],\"pingInterval\":%d,\"pingTimeout\":%d,"
               "\"maxPayload\":%d}",
               sid, LIVE_PING_INTERVAL_MS, LIVE_PING_TIMEOUT_MS, WEBSOCKET_MESSAGE_BYTES_MAX);
    send_packet(client, buf_str(&packet));
    return client;
}

void live_client_free(struct live_client *client)
{
    list_remove(&client->link);
    list_remove(&client->dirty);
    client->live->client_count--;
    live_leave_all(client);
    websocket_free(client->websocket);
    free(client);
}
