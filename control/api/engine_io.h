/*
 * Engine.IO 4 as bytes: packets, the payloads in which HTTP carries several of them, the query
 * strings of its requests, its open packet and its errors. Sessions are live_session.h's.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

#define ENGINE_SEPARATOR '\x1e' /* between the packets of a payload */

enum engine_type {
    ENGINE_OPEN,
    ENGINE_CLOSE,
    ENGINE_PING,
    ENGINE_PONG,
    ENGINE_MESSAGE,
    ENGINE_UPGRADE,
    ENGINE_NOOP,
    ENGINE_TYPE_COUNT,
};

struct engine_packet {
    enum engine_type type;
    bool is_binary;  /* of a message: bytes, not text */
    struct str data; /* what follows the type */
};

/* A text frame of a WebSocket: one packet. False when its type is none. */
bool engine_packet_read(struct str text, struct engine_packet *ret_packet);

enum engine_step { ENGINE_STEP_PACKET, ENGINE_STEP_END, ENGINE_STEP_INVALID };

/* The next packet of a payload, which is cut from `rest`; begin with the whole body, which must be
 * UTF-8. Binary data is decoded into `scratch` and lives there until the next call. */
enum engine_step engine_payload_next(struct str *rest, struct buf *scratch,
                                     struct engine_packet *ret_packet);

/* Appends a packet to a payload: `packet` with its type, or bytes. */
void engine_payload_append(struct buf *payload, bool is_binary, struct str packet);

/* The errors of the protocol; their numbers go over the wire. */
enum engine_error {
    ENGINE_TRANSPORT_UNKNOWN,
    ENGINE_SID_UNKNOWN,
    ENGINE_METHOD_BAD,
    ENGINE_REQUEST_BAD,
    ENGINE_FORBIDDEN,
    ENGINE_VERSION_UNSUPPORTED,
    ENGINE_FINE, /* none */
};

/* {"code":1,"message":"Session ID unknown"} */
void engine_error_append(struct buf *out, enum engine_error error);

enum engine_transport { ENGINE_POLLING, ENGINE_WEBSOCKET };

struct engine_query {
    enum engine_transport transport;
    struct str sid; /* NULL: a session is to be opened */
};

/* Reads EIO, transport and sid, each at most once; others are ignored, as `t` is, which only keeps
 * caches away. */
enum engine_error engine_query_read(struct str query, struct engine_query *ret_query);

struct engine_open {
    const char *sid;
    bool may_upgrade; /* to a WebSocket */
    int64_t ping_interval_ms;
    int64_t ping_timeout_ms;
    size_t payload_bytes_max;
};

/* Appends the packet that opens a session. */
void engine_open_append(struct buf *out, const struct engine_open *open);
