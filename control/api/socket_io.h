/*
 * Socket.IO 5 as bytes: packets, which travel in the messages of Engine.IO. What is connected to
 * what is live_socket.h's.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "shared/buf.h"
#include "shared/str.h"

#define SOCKET_ATTACHMENTS_MAX 16  /* of one packet */
#define SOCKET_NAMESPACE_MAX   100 /* bytes in its name */
#define SOCKET_ACK_DIGITS_MAX  10

enum socket_type {
    SOCKET_CONNECT,
    SOCKET_DISCONNECT,
    SOCKET_EVENT,
    SOCKET_ACK,
    SOCKET_CONNECT_ERROR,
    SOCKET_BINARY_EVENT,
    SOCKET_BINARY_ACK,
    SOCKET_TYPE_COUNT,
};

struct socket_packet {
    enum socket_type type;
    size_t attachments;    /* how many binary messages follow */
    struct str name_space; /* "/" when none is said */
    struct str ack;        /* the number to acknowledge, as digits; empty: none */
    json_t *payload;       /* NULL: none */
};

/*
 * Reads a packet of a client; views borrow from `text`. Refused, as the protocol wants: unknown
 * types, events that are no array with a name first, acknowledgements without a number or an
 * array, what only servers send, placeholders without their attachment, and what is over a limit.
 * Release with socket_packet_clear().
 */
bool socket_packet_read(struct str text, struct socket_packet *ret_packet);
void socket_packet_clear(struct socket_packet *packet);

/* Appends what comes before the payload. */
void socket_packet_begin(struct buf *out, const struct socket_packet *packet);
