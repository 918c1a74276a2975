/*
 * The handshake that makes a WebSocket of an HTTP/1.1 connection: the request, and what the reply has
 * to say.
 *
 * Thread: the loop of the probe's shard.
 */
#pragma once

#include <stdbool.h>

#include "shared/http_parse.h"
#include "shared/websocket.h"

struct probe;
enum wait;

struct websocket_handshake {
    bool is_open;                        /* the reply has come and was right */
    unsigned informational;              /* 1xx replies before it */
    char accept[WEBSOCKET_ACCEPT_BYTES]; /* what belongs to our key */
    struct http_parser parser;
};

/* Puts the request of the check's spec into probe->out. */
void websocket_handshake_begin(struct probe *probe, struct websocket_handshake *handshake);

/* Reads what has come of the reply in probe->in; once it is open, what follows there are frames.
 * WAIT_NONE: open, or more is needed. */
enum wait websocket_handshake_read(struct probe *probe, struct websocket_handshake *handshake);
