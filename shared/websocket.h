/*
 * WebSocket (RFC 6455) for both sides, without extensions: frames taken apart into messages and put
 * together, and the words of the handshake. Same bytes in any split give the same events.
 *
 * Broken, with one clause each: reserved bits and opcodes, a mask where none belongs or none where
 * one does, lengths not in their shortest form, control frames in fragments or over 125 bytes,
 * fragments out of order, texts that are not UTF-8, close codes that nobody may send.
 *
 * Thread: any; a reader belongs to one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

#define WEBSOCKET_FRAGMENTS_MAX 4096 /* of one message */
#define WEBSOCKET_CONTROL_MAX   125  /* bytes in a control frame */
#define WEBSOCKET_HEAD_MAX      14

/* Close codes (section 7.4.1). */
#define WEBSOCKET_CODE_NORMAL     1000
#define WEBSOCKET_CODE_GOING_AWAY 1001
#define WEBSOCKET_CODE_PROTOCOL   1002
#define WEBSOCKET_CODE_BAD_DATA   1003
#define WEBSOCKET_CODE_NONE       1005 /* never sent: there was none */
#define WEBSOCKET_CODE_BAD_TEXT   1007
#define WEBSOCKET_CODE_POLICY     1008
#define WEBSOCKET_CODE_TOO_BIG    1009
#define WEBSOCKET_CODE_RESTART    1012
#define WEBSOCKET_CODE_TRY_LATER  1013

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};

enum websocket_event {
    WEBSOCKET_NEED_MORE, /* all input is used up */
    WEBSOCKET_MESSAGE,   /* a whole one, text or binary */
    WEBSOCKET_CONTROL,   /* ping, pong or close */
    WEBSOCKET_BROKEN,    /* and so from then on */
    WEBSOCKET_TOO_LARGE, /* so too: more than a limit */
};

/* Which side the frames come from: clients mask theirs, servers must not. */
enum websocket_peer { WEBSOCKET_CLIENT, WEBSOCKET_SERVER };

struct websocket_reader {
    enum websocket_opcode opcode; /* of the message or control frame */
    struct str payload;           /* of it; of a close its reason; valid until the next call */
    uint16_t code;                /* of a close; or what to close with when it is broken */
    const char *why;              /* it is broken or too large: a constant clause */
    /* private */
    enum websocket_peer peer;
    size_t message_bytes_max;
    bool in_payload;
    bool in_message; /* fragments of one have come */
    enum websocket_event failure;
    uint8_t head[WEBSOCKET_HEAD_MAX];
    size_t head_len;
    uint64_t left; /* of the frame's payload */
    uint32_t fragments;
    enum websocket_opcode message_opcode;
    struct buf message;
    struct buf control;
};

void websocket_reader_init(struct websocket_reader *reader, enum websocket_peer peer,
                           size_t message_bytes_max);
void websocket_reader_clear(struct websocket_reader *reader);

/* Lets go of the memory that no frame under way needs, so that a peer at rest costs little. */
void websocket_reader_rest(struct websocket_reader *reader);

/* Goes on in `input`, of which `ret_used` bytes are done with. */
enum websocket_event websocket_read(struct websocket_reader *reader, struct str input,
                                    size_t *ret_used);

/* Appends one whole frame. `mask` is a client's four random bytes; NULL: a server's frame. */
void websocket_append_frame(struct buf *out, enum websocket_opcode opcode, struct str payload,
                            const uint8_t mask[4]);

/* Appends a close frame. */
void websocket_append_close(struct buf *out, uint16_t code, const uint8_t mask[4]);

/* A client's random Sec-WebSocket-Key; with its zero byte. */
#define WEBSOCKET_KEY_BYTES 25
void websocket_key(char ret_key[WEBSOCKET_KEY_BYTES]);

/* The Sec-WebSocket-Accept that belongs to a key, with its zero byte; false when the key is none. */
#define WEBSOCKET_ACCEPT_BYTES 29
bool websocket_accept(struct str key, char ret_accept[WEBSOCKET_ACCEPT_BYTES]);
