/*
 * One live client's WebSocket: takes bytes, gives messages, and answers pings and closes by
 * itself. Frames are shared/websocket.h's.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>

#include "shared/buf.h"
#include "shared/str.h"

struct websocket;

/* Takes a message, text or bytes; false to end the connection. */
typedef bool (*websocket_message_fn)(void *argument, bool is_binary, struct str data);

struct websocket *websocket_new(size_t message_bytes_max, websocket_message_fn on_message,
                                void *argument);
void websocket_free(struct websocket *websocket);

/* Takes bytes from the peer; false when the connection is over: by a close frame, an error, or
 * on_message(). */
bool websocket_input(struct websocket *websocket, struct str bytes);

/* Frames that the protocol itself wants sent (pong, close); drop what was taken from it. */
struct buf *websocket_control(struct websocket *websocket);
