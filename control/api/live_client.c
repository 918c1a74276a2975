/* What a client asks for: to follow rooms, and to follow them no more. Rooms themselves are
 * live.c's. */
#include "control/api/live_client.h"

#include "shared/json.h"

#include "control/api/live_private.h"

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

static void on_subscribe(struct live_client *client, const struct socket_event *event)
{
    const json_t *request = json_array_get(event->payload, 1);
    const json_t *seq = json_object_get(request, "seq");
    struct room *rooms = xcalloc(LIVE_ROOMS_MAX + 1, sizeof *rooms);
    json_t *ok = json_array();
    json_t *denied = json_array();
    JSON_AUTO json_t *result = NULL;
    size_t count;

    join_rooms(client, json_object_get(request, "rooms"), rooms, &count, ok, denied);
    result = json_pack("{s:o, s:o, s:I}", "ok", ok, "denied", denied, "seq",
                       (json_int_t)live_seq(client->live));
    live_socket_acknowledge(client->socket, event, result);
    if (json_is_integer(seq) && !live_replay(client, rooms, count, json_integer_value(seq))) {
        for (size_t i = 0; i < count; i++)
            live_send_resync(client, &rooms[i]);
    }
    free(rooms);
}

static void on_unsubscribe(struct live_client *client, const struct socket_event *event)
{
    JSON_AUTO json_t *result = json_object();
    size_t i;
    json_t *name;

    json_array_foreach(json_object_get(json_array_get(event->payload, 1), "rooms"), i, name)
    {
        struct str text = {json_string_value(name), json_string_length(name)};
        struct room room;

        if (text.ptr && room_parse(text, &room))
            live_leave(client, &room);
    }
    live_socket_acknowledge(client->socket, event, result);
}

/* Unknown events are ignored, as Socket.IO does. */
static void on_event(struct live_socket *socket, const struct socket_event *event)
{
    const char *name = json_string_value(json_array_get(event->payload, 0));

    if (strcmp(name, "subscribe") == 0)
        on_subscribe(socket->user, event);
    else if (strcmp(name, "unsubscribe") == 0)
        on_unsubscribe(socket->user, event);
}

static void on_connected(struct live_socket *socket, const json_t *auth)
{
    struct live_client *client = NEW(struct live_client);

    (void)auth;
    client->live = socket->session->live;
    client->socket = socket;
    socket->user = client;
}

static void on_overflowed(struct live_socket *socket)
{
    const struct live_client *client = socket->user;

    for (size_t i = 0; i < client->rooms.len; i++)
        live_send_resync(socket->user, &client->rooms.items[i]->room);
}

static void on_disconnected(struct live_socket *socket)
{
    struct live_client *client = TAKE(socket->user);

    live_leave_all(client);
    free(client);
}

static const struct live_namespace_ops ops = {
    .connected = on_connected,
    .event = on_event,
    .overflowed = on_overflowed,
    .disconnected = on_disconnected,
};

static const struct live_namespace namespaces[] = {{"/", &ops}, {0}};

const struct live_service live_services[] = {{"/socket.io/", &live_socket_service, namespaces},
                                             {0}};
