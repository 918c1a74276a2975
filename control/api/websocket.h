/*
 * One live client's WebSocket: takes bytes, gives text messages, and answers pings and closes by
 * itself. Frames are shared/websocket.h's.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>

#include "shared/buf.h"
#include "shared/str.h"

#define WEBSOCKET_MESSAGE_BYTES_MAX (64 * 1024)

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
