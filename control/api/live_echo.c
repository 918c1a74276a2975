/* Who hears of it is told one message at a time where the suites listen for one at a time. */
#include "control/api/live_echo.h"

#include "shared/clock.h"
#include "shared/json.h"

#include "control/api/live_socket.h"

#define AUTH_AFTER_US 50000 /* a suite that has to wait for its turn must not read both at once */

/* Engine.IO ----------------------------------------------------------------------------------- */

static void *engine_opened(struct live_session *session, const void *context)
{
    (void)context;
    return session;
}

static bool engine_message(void *user, bool is_binary, struct str data)
{
    CLEANUP(buf_clear_p) struct buf packet = {0};

    if (!is_binary)
        buf_append_char(&packet, '0' + ENGINE_MESSAGE);
    buf_append_str(&packet, data);
    live_session_send_packet(user, is_binary, buf_str(&packet));
    return true;
}

static const struct live_service_ops engine_ops = {
    .opened = engine_opened,
    .message = engine_message,
};

/* Socket.IO ----------------------------------------------------------------------------------- */

struct echo {
    json_t *auth; /* until it is sent */
    int64_t auth_at_us;
};

static void emit(struct live_socket *socket, enum socket_type type,
                 const struct socket_event *event, json_t *payload)
{
    CLEANUP(buf_clear_p) struct buf out = {0};

    live_socket_begin(socket,
                      &(struct socket_packet){
                          .type = type, .attachments = event->attachment_count, .ack = event->ack},
                      &out);
    json_write(payload, &out);
    live_socket_send(socket, buf_str(&out));
    for (size_t i = 0; i < event->attachment_count; i++)
        live_session_send_packet(socket->session, true, buf_str(&event->attachments[i]));
}

static void on_event(struct live_socket *socket, const struct socket_event *event)
{
    JSON_AUTO json_t *payload = json_copy((json_t *)event->payload);
    const char *name = json_string_value(json_array_get(payload, 0));
    bool is_binary = event->attachment_count > 0;

    if (strcmp(name, "message") == 0) {
        struct socket_event back = *event;

        back.ack.len = 0;
        json_array_set_new(payload, 0, json_string("message-back"));
        emit(socket, is_binary ? SOCKET_BINARY_EVENT : SOCKET_EVENT, &back, payload);
    } else if (strcmp(name, "message-with-ack") == 0 && event->ack.len > 0) {
        json_array_remove(payload, 0);
        emit(socket, is_binary ? SOCKET_BINARY_ACK : SOCKET_ACK, event, payload);
    }
}

static void on_connected(struct live_socket *socket, const json_t *auth)
{
    struct echo *echo = NEW(struct echo);

    echo->auth = auth ? json_deep_copy(auth) : json_object();
    echo->auth_at_us = clock_monotonic_us() + AUTH_AFTER_US;
    socket->user = echo;
}

static void on_tick(struct live_socket *socket, int64_t now_us)
{
    struct echo *echo = socket->user;
    JSON_AUTO json_t *payload = NULL;

    if (!echo->auth || now_us < echo->auth_at_us)
        return;
    payload = json_pack("[s, o]", "auth", TAKE(echo->auth));
    emit(socket, SOCKET_EVENT, &(struct socket_event){0}, payload);
}

static void on_disconnected(struct live_socket *socket)
{
    struct echo *echo = TAKE(socket->user);

    json_decref(echo->auth);
    free(echo);
}

static const struct live_namespace_ops socket_ops = {
    .connected = on_connected,
    .event = on_event,
    .tick = on_tick,
    .disconnected = on_disconnected,
};

static const struct live_namespace namespaces[] = {
    {"/", &socket_ops}, {"/custom", &socket_ops}, {0}};

const struct live_service live_echo_services[] = {
    {"/engine.io/", &engine_ops, NULL}, {"/socket.io/", &live_socket_service, namespaces}, {0}};

const struct live_settings live_echo_settings = {
    .ping_interval_ms = 300,
    .ping_timeout_ms = 200,
    .connect_timeout_ms = 1000,
    .payload_bytes_max = 1000000,
    .sessions_max = 1000,
    .sessions_per_user = 1000,
    .sessions_per_address = 1000,
    .packets_per_s = 1000,
    .packets_burst = 10000,
    .is_open = true,
};
