/* Of protobuf there is as much here as its two messages need: a field is a number and a wire type in
 * one varint, and fields of other numbers are passed over. */
#include "prober/kinds/grpc_health.h"

#define PREFIX_BYTES  5
#define FIELD_SERVICE 1 /* of the request */
#define FIELD_STATUS  1 /* of the reply */
#define VARINT_BYTES  10

enum wire_type { WIRE_VARINT = 0, WIRE_64_BITS = 1, WIRE_LENGTH = 2, WIRE_32_BITS = 5 };

static void append_varint(struct buf *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        buf_append_char(out, (char)(number | 0x80));
    buf_append_char(out, (char)number);
}

void grpc_health_request(struct buf *out, struct str service)
{
    CLEANUP(buf_clear_p) struct buf message = {0};
    unsigned char prefix[PREFIX_BYTES] = {0};

    if (service.len > 0) {
        append_varint(&message, FIELD_SERVICE << 3 | WIRE_LENGTH);
        append_varint(&message, service.len);
        buf_append_str(&message, service);
    }
    for (size_t i = 0; i < 4; i++)
        prefix[1 + i] = (unsigned char)(message.len >> (24 - 8 * i));
    buf_append(out, prefix, sizeof prefix);
    buf_append_str(out, buf_str(&message));
}

/* Takes a varint from the front of `rest`. */
static bool take_varint(struct str *rest, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (size_t i = 0; i < rest->len && i < VARINT_BYTES; i++) {
        uint64_t byte = (unsigned char)rest->ptr[i];

        if (i == VARINT_BYTES - 1 && byte > 1)
            return false;
        number |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *rest = str_sub(*rest, i + 1, rest->len);
            *ret_number = number;
            return true;
        }
    }
    return false;
}

/* How many bytes a value takes that is no varint; false when there is no such type. */
static bool value_bytes(struct str *rest, uint64_t type, uint64_t *ret_bytes)
{
    if (type == WIRE_LENGTH)
        return take_varint(rest, ret_bytes);
    *ret_bytes = type == WIRE_64_BITS ? 8 : 4;
    return type == WIRE_64_BITS || type == WIRE_32_BITS;
}

/* The fields of a reply; the last one of a number counts, and 0 is what is not there. */
static bool read_fields(struct str rest, uint64_t *ret_serving)
{
    *ret_serving = GRPC_UNKNOWN;
    while (rest.len > 0) {
        uint64_t tag;
        uint64_t value;

        if (!take_varint(&rest, &tag) || tag >> 3 == 0)
            return false;
        if ((tag & 7) == WIRE_VARINT) {
            if (!take_varint(&rest, &value))
                return false;
            if (tag >> 3 == FIELD_STATUS)
                *ret_serving = value;
            continue;
        }
        if (tag >> 3 == FIELD_STATUS || !value_bytes(&rest, tag & 7, &value) || value > rest.len)
            return false;
        rest = str_sub(rest, value, rest.len);
    }
    return true;
}

static enum grpc_read malformed(const char **ret_wrong, const char *wrong)
{
    *ret_wrong = wrong;
    return GRPC_READ_MALFORMED;
}

enum grpc_read grpc_health_read(struct str body, uint64_t *ret_serving, const char **ret_wrong)
{
    const unsigned char *prefix = (const unsigned char *)body.ptr;
    uint64_t len;

    if (body.len > 0 && prefix[0] != 0)
        return malformed(ret_wrong, "its message is compressed, which was not asked for");
    if (body.len < PREFIX_BYTES)
        return GRPC_READ_MORE;
    len = (uint64_t)prefix[1] << 24 | (uint64_t)prefix[2] << 16 | (uint64_t)prefix[3] << 8 |
          prefix[4];
    if (len > GRPC_REPLY_BYTES_MAX)
        return GRPC_READ_TOO_LARGE;
    if (body.len < PREFIX_BYTES + len)
        return GRPC_READ_MORE;
    if (body.len > PREFIX_BYTES + len)
        return malformed(ret_wrong, "there is more than one message");
    if (!read_fields(str_sub(body, PREFIX_BYTES, len), ret_serving))
        return malformed(ret_wrong, "its message is no HealthCheckResponse");
    return GRPC_READ_DONE;
}
