/*
 * WebSocket framing (RFC 6455), server side, on wslay: takes bytes, gives messages, and answers
 * pings and closes by itself. The only file that includes wslay. What we send is framed by
 * websocket_frame_text(), once for all receivers.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

#define WEBSOCKET_MESSAGE_BYTES_MAX (64 * 1024)
#define WEBSOCKET_ACCEPT_BYTES      29 /* with its zero byte */

struct websocket;

/* Takes a text message; false to end the connection. */
typedef bool (*websocket_text_fn)(void *argument, struct str text);

struct websocket *websocket_new(websocket_text_fn on_text, void *argument);
void websocket_free(struct websocket *websocket);

/* Takes bytes from the peer; false when the connection is over: by a close frame, an error, or
 * on_text(). */
bool websocket_input(struct websocket *websocket, struct str bytes);

/* Frames that the protocol itself wants sent (pong, close); drop what was taken from it. */
struct buf *websocket_control(struct websocket *websocket);

/* Appends one text frame. */
void websocket_frame_text(struct buf *out, struct str text);

/* Appends a close frame. */
void websocket_frame_close(struct buf *out, uint16_t code);

/* The value of Sec-WebSocket-Accept for a client's key; false when the key is none. */
bool websocket_accept(struct str key, char accept[WEBSOCKET_ACCEPT_BYTES]);
