/*
 * Socket.IO in a live session: connecting to namespaces, events with their attachments, and
 * acknowledgements. Which namespaces there are, and what their events do, is a table; the service's
 * context is that table.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/api/live_session.h"
#include "control/api/socket_io.h"

struct live_namespace;

/* One client in one namespace. */
struct live_socket {
    struct live_session *session;
    const struct live_namespace *name_space;
    void *user; /* of the namespace */
    bool is_connected;
};

struct socket_event {
    const json_t *payload; /* an array; of an event, its name first */
    struct str ack;        /* empty: none is wanted */
    size_t attachment_count;
    const struct buf *attachments; /* what its placeholders stand for */
};

/* All but `connected` and `event` may be NULL. */
struct live_namespace_ops {
    /* Somebody has connected and been told so; `auth` is NULL when nothing came along. */
    void (*connected)(struct live_socket *socket, const json_t *auth);
    void (*event)(struct live_socket *socket, const struct socket_event *event);
    void (*tick)(struct live_socket *socket, int64_t now_us);
    void (*overflowed)(struct live_socket *socket); /* what may be lost was dropped */
    void (*disconnected)(struct live_socket *socket);
};

#define LIVE_NAMESPACES_MAX 4

/* A row of a table that ends with { 0 }. */
struct live_namespace {
    const char *name;
    const struct live_namespace_ops *ops;
};

extern const struct live_service_ops live_socket_service;

/* Begins a packet of the socket's namespace; its JSON follows. */
void live_socket_begin(const struct live_socket *socket, const struct socket_packet *packet,
                       struct buf *out);

/* Sends what was begun and completed. */
void live_socket_send(struct live_socket *socket, struct str packet);

/* Answers an event with what is between the brackets of its arguments; nothing when none is
 * wanted. */
void live_socket_acknowledge(struct live_socket *socket, const struct socket_event *event,
                             const json_t *result);
