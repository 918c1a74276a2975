/* A frame is a head of 2 to 14 bytes and a payload; the payloads of a message are gathered, those of
 * control frames, which may come between them, apart from it. */
#include "shared/websocket.h"

#include "shared/attrs.h"
#include "shared/crypto.h"

#define BIT_FINAL    0x80
#define BITS_RESERVE 0x70
#define BITS_OPCODE  0x0f
#define BIT_MASKED   0x80
#define BITS_LENGTH  0x7f
#define LENGTH_16    126
#define LENGTH_64    127
#define BIT_CONTROL  0x08

void websocket_reader_init(struct websocket_reader *reader, enum websocket_peer peer,
                           size_t message_bytes_max)
{
    *reader = (struct websocket_reader){.peer = peer, .message_bytes_max = message_bytes_max};
}

void websocket_reader_clear(struct websocket_reader *reader)
{
    buf_clear(&reader->message);
    buf_clear(&reader->control);
}

void websocket_reader_rest(struct websocket_reader *reader)
{
    if (!reader->in_message && !reader->in_payload)
        websocket_reader_clear(reader);
}

static enum websocket_event fail_as(struct websocket_reader *reader, enum websocket_event failure,
                                    uint16_t code, const char *why)
{
    reader->failure = failure;
    reader->code = code;
    reader->why = why;
    return failure;
}

static enum websocket_event broken(struct websocket_reader *reader, const char *why)
{
    return fail_as(reader, WEBSOCKET_BROKEN, WEBSOCKET_CODE_PROTOCOL, why);
}

/* ---- heads ---- */

static bool is_control(const struct websocket_reader *reader)
{
    return reader->head[0] & BIT_CONTROL;
}

static bool is_final(const struct websocket_reader *reader)
{
    return reader->head[0] & BIT_FINAL;
}

static bool is_masked(const struct websocket_reader *reader)
{
    return reader->head[1] & BIT_MASKED;
}

static size_t length_bytes(const struct websocket_reader *reader)
{
    uint8_t length = reader->head[1] & BITS_LENGTH;

    return length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
}

static size_t head_bytes(const struct websocket_reader *reader)
{
    return 2 + length_bytes(reader) + (is_masked(reader) ? 4 : 0);
}

/* The first two bytes. */
static const char *check_bits(const struct websocket_reader *reader)
{
    uint8_t opcode = reader->head[0] & BITS_OPCODE;

    if (reader->head[0] & BITS_RESERVE)
        return "a frame has reserved bits set";
    if ((opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE) || opcode > WEBSOCKET_PONG)
        return "a frame has a reserved opcode";
    if (is_masked(reader) != (reader->peer == WEBSOCKET_CLIENT))
        return reader->peer == WEBSOCKET_CLIENT ? "a client's frame is not masked"
                                                : "a server's frame is masked";
    if (is_control(reader) && !is_final(reader))
        return "a control frame is fragmented";
    if (is_control(reader) && (reader->head[1] & BITS_LENGTH) > WEBSOCKET_CONTROL_MAX)
        return "a control frame is longer than 125 bytes";
    if (opcode == WEBSOCKET_CONTINUATION && !reader->in_message)
        return "a message goes on that has not begun";
    if (!is_control(reader) && opcode != WEBSOCKET_CONTINUATION && reader->in_message)
        return "a message begins within another";
    return NULL;
}

static uint64_t read_length(const struct websocket_reader *reader)
{
    size_t bytes = length_bytes(reader);
    uint64_t length = 0;

    if (bytes == 0)
        return reader->head[1] & BITS_LENGTH;
    for (size_t i = 0; i < bytes; i++)
        length = length << 8 | reader->head[2 + i];
    return length;
}

static bool is_shortest(const struct websocket_reader *reader, uint64_t length)
{
    size_t bytes = length_bytes(reader);

    return bytes == 0 || (bytes == 2 ? length >= LENGTH_16 : length > UINT16_MAX);
}

static void begin_payload(struct websocket_reader *reader)
{
    reader->in_payload = true;
    if (is_control(reader)) {
        buf_reset(&reader->control);
        return;
    }
    if (!reader->in_message) {
        reader->in_message = true;
        reader->message_opcode = reader->head[0] & BITS_OPCODE;
        reader->fragments = 0;
        buf_reset(&reader->message);
    }
    reader->fragments++;
}

/* Bytes of the head as long as it is not complete; WEBSOCKET_NEED_MORE: it is, or all are used. */
static enum websocket_event take_head(struct websocket_reader *reader, struct str input,
                                      size_t *used)
{
    const char *why;

    while (reader->head_len < 2 || reader->head_len < head_bytes(reader)) {
        if (*used == input.len)
            return WEBSOCKET_NEED_MORE;
        reader->head[reader->head_len++] = (uint8_t)input.ptr[(*used)++];
        if (reader->head_len == 2 && (why = check_bits(reader)))
            return broken(reader, why);
    }
    reader->left = read_length(reader);
    if (!is_shortest(reader, reader->left))
        return broken(reader, "a length is not in its shortest form");
    begin_payload(reader);
    if (!is_control(reader) && reader->left > reader->message_bytes_max - reader->message.len)
        return fail_as(reader, WEBSOCKET_TOO_LARGE, WEBSOCKET_CODE_TOO_BIG,
                       "a message is longer than the limit");
    if (reader->fragments > WEBSOCKET_FRAGMENTS_MAX)
        return fail_as(reader, WEBSOCKET_TOO_LARGE, WEBSOCKET_CODE_POLICY,
                       "a message has more than 4096 fragments");
    return WEBSOCKET_NEED_MORE;
}

/* ---- payloads ---- */

static void take_payload(struct websocket_reader *reader, struct str input, size_t *used)
{
    struct buf *into = is_control(reader) ? &reader->control : &reader->message;
    size_t taken = MIN(input.len - *used, (size_t)reader->left);
    size_t at = into->len;

    buf_append(into, input.ptr + *used, taken);
    if (is_masked(reader)) {
        const uint8_t *mask = reader->head + 2 + length_bytes(reader);
        uint64_t done = read_length(reader) - reader->left;

        for (size_t i = 0; i < taken; i++)
            into->data[at + i] ^= (char)mask[(done + i) % 4];
    }
    reader->left -= taken;
    *used += taken;
}

/* Codes that may stand in a close frame: those that are defined for it, and those of libraries and
 * applications. */
static bool is_close_code(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static enum websocket_event finish_close(struct websocket_reader *reader)
{
    struct str payload = buf_str(&reader->control);

    reader->code = WEBSOCKET_CODE_NONE;
    if (payload.len == 0)
        return WEBSOCKET_CONTROL;
    if (payload.len == 1)
        return broken(reader, "a close frame has half a code");
    reader->code = (uint16_t)((uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1]);
    if (!is_close_code(reader->code))
        return broken(reader, "a close frame has a code that may not be sent");
    reader->payload = str_sub(payload, 2, payload.len);
    if (!str_is_utf8(reader->payload))
        return fail_as(reader, WEBSOCKET_BROKEN, WEBSOCKET_CODE_BAD_TEXT,
                       "the reason of a close frame is not UTF-8");
    return WEBSOCKET_CONTROL;
}

/* The frame is complete; WEBSOCKET_NEED_MORE when the message is not. */
static enum websocket_event finish_frame(struct websocket_reader *reader)
{
    reader->in_payload = false;
    reader->head_len = 0;
    if (is_control(reader)) {
        reader->opcode = reader->head[0] & BITS_OPCODE;
        reader->payload = buf_str(&reader->control);
        return reader->opcode == WEBSOCKET_CLOSE ? finish_close(reader) : WEBSOCKET_CONTROL;
    }
    if (!is_final(reader))
        return WEBSOCKET_NEED_MORE;
    reader->in_message = false;
    reader->opcode = reader->message_opcode;
    reader->payload = buf_str(&reader->message);
    if (reader->opcode == WEBSOCKET_TEXT && !str_is_utf8(reader->payload))
        return fail_as(reader, WEBSOCKET_BROKEN, WEBSOCKET_CODE_BAD_TEXT, "a text is not UTF-8");
    return WEBSOCKET_MESSAGE;
}

enum websocket_event websocket_read(struct websocket_reader *reader, struct str input,
                                    size_t *ret_used)
{
    enum websocket_event event = reader->failure;

    *ret_used = 0;
    reader->payload = (struct str){"", 0};
    while (event == WEBSOCKET_NEED_MORE) {
        if (!reader->in_payload) {
            event = take_head(reader, input, ret_used);
            if (event != WEBSOCKET_NEED_MORE || !reader->in_payload)
                break;
        }
        take_payload(reader, input, ret_used);
        if (reader->left > 0)
            break;
        event = finish_frame(reader);
    }
    return event;
}

/* ---- the other way ---- */

void websocket_append_frame(struct buf *out, enum websocket_opcode opcode, struct str payload,
                            const uint8_t mask[4])
{
    uint8_t head[WEBSOCKET_HEAD_MAX] = {BIT_FINAL | (uint8_t)opcode};
    size_t bytes = payload.len < LENGTH_16 ? 0 : payload.len <= UINT16_MAX ? 2 : 8;
    size_t at;

    head[1] = (uint8_t)(bytes == 0 ? payload.len : bytes == 2 ? LENGTH_16 : LENGTH_64);
    for (size_t i = 0; i < bytes; i++)
        head[2 + i] = (uint8_t)((uint64_t)payload.len >> (8 * (bytes - 1 - i)));
    if (mask) {
        head[1] |= BIT_MASKED;
        memcpy(head + 2 + bytes, mask, 4);
    }
    buf_append(out, head, 2 + bytes + (mask ? 4 : 0));
    at = out->len;
    buf_append_str(out, payload);
    for (size_t i = 0; mask && i < payload.len; i++)
        out->data[at + i] ^= (char)mask[i % 4];
}

void websocket_append_close(struct buf *out, uint16_t code, const uint8_t mask[4])
{
    const char payload[] = {(char)(code >> 8), (char)code};

    websocket_append_frame(out, WEBSOCKET_CLOSE, str_n(payload, sizeof payload), mask);
}

void websocket_key(char ret_key[WEBSOCKET_KEY_BYTES])
{
    CLEANUP(buf_clear_p) struct buf encoded = {0};
    uint8_t bytes[16];

    random_bytes(bytes, sizeof bytes);
    buf_append_base64(&encoded, str_n((const char *)bytes, sizeof bytes));
    memcpy(ret_key, encoded.data, WEBSOCKET_KEY_BYTES);
}

bool websocket_accept(struct str key, char ret_accept[WEBSOCKET_ACCEPT_BYTES])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* section 1.3 */
    CLEANUP(buf_clear_p) struct buf text = {0};
    uint8_t digest[SHA1_BYTES];

    if (key.len != WEBSOCKET_KEY_BYTES - 1 || !str_equal(str_sub(key, key.len - 2, 2), STR("==")))
        return false;
    buf_append_str(&text, key);
    buf_append_text(&text, magic);
    sha1(buf_str(&text), digest);
    buf_reset(&text);
    buf_append_base64(&text, str_n((const char *)digest, sizeof digest));
    memcpy(ret_accept, text.data, WEBSOCKET_ACCEPT_BYTES);
    return true;
}
