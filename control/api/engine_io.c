/* A packet is one digit and the rest; a payload is packets with a separator between them. */
#include "control/api/engine_io.h"

#include <inttypes.h>

#include "shared/attrs.h"

bool engine_packet_read(struct str text, struct engine_packet *ret_packet)
{
    if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] >= '0' + ENGINE_TYPE_COUNT)
        return false;
    *ret_packet = (struct engine_packet){.type = (enum engine_type)(text.ptr[0] - '0'),
                                         .data = str_sub(text, 1, text.len)};
    return true;
}

static bool read_binary(struct str base64, struct buf *scratch, struct engine_packet *ret_packet)
{
    size_t size = base64.len / 4 * 3;
    size_t len;

    buf_reset(scratch);
    if (!str_from_base64(base64, (uint8_t *)buf_reserve(scratch, size + 1), size, &len))
        return false;
    scratch->len = len;
    *ret_packet =
        (struct engine_packet){.type = ENGINE_MESSAGE, .is_binary = true, .data = buf_str(scratch)};
    return true;
}

enum engine_step engine_payload_next(struct str *rest, struct buf *scratch,
                                     struct engine_packet *ret_packet)
{
    struct str text;
    bool is_sound;

    if (!rest->ptr)
        return ENGINE_STEP_END;
    text = str_cut(rest, ENGINE_SEPARATOR);
    if (text.len > 0 && text.ptr[0] == 'b')
        is_sound = read_binary(str_sub(text, 1, text.len), scratch, ret_packet);
    else
        is_sound = engine_packet_read(text, ret_packet);
    return is_sound ? ENGINE_STEP_PACKET : ENGINE_STEP_INVALID;
}

void engine_payload_append(struct buf *payload, bool is_binary, struct str packet)
{
    if (payload->len > 0)
        buf_append_char(payload, ENGINE_SEPARATOR);
    if (is_binary) {
        buf_append_char(payload, 'b');
        buf_append_base64(payload, packet);
    } else {
        buf_append_str(payload, packet);
    }
}

void engine_error_append(struct buf *out, enum engine_error error)
{
    static const char *const messages[] = {
        [ENGINE_TRANSPORT_UNKNOWN] = "Transport unknown",
        [ENGINE_SID_UNKNOWN] = "Session ID unknown",
        [ENGINE_METHOD_BAD] = "Bad handshake method",
        [ENGINE_REQUEST_BAD] = "Bad request",
        [ENGINE_FORBIDDEN] = "Forbidden",
        [ENGINE_VERSION_UNSUPPORTED] = "Unsupported protocol version",
    };

    buf_printf(out, "{\"code\":%d,\"message\":\"%s\"}", error, messages[error]);
}

/* The value of a parameter; false when it is there more than once. NULL: it is not there. */
static bool find_parameter(struct str query, struct str name, struct str *ret_value)
{
    *ret_value = (struct str){0};
    while (query.ptr) {
        struct str value = str_cut(&query, '&');

        if (!str_equal(str_cut(&value, '='), name))
            continue;
        if (ret_value->ptr || !value.ptr)
            return false;
        *ret_value = value;
    }
    return true;
}

enum engine_error engine_query_read(struct str query, struct engine_query *ret_query)
{
    struct str transport;
    struct str version;
    struct str sid;

    if (!find_parameter(query, STR("transport"), &transport))
        return ENGINE_TRANSPORT_UNKNOWN;
    if (str_equal(transport, STR("polling")))
        ret_query->transport = ENGINE_POLLING;
    else if (str_equal(transport, STR("websocket")))
        ret_query->transport = ENGINE_WEBSOCKET;
    else
        return ENGINE_TRANSPORT_UNKNOWN;
    if (!find_parameter(query, STR("EIO"), &version) || !str_equal(version, STR("4")))
        return ENGINE_VERSION_UNSUPPORTED;
    if (!find_parameter(query, STR("sid"), &sid))
        return ENGINE_SID_UNKNOWN;
    ret_query->sid = sid;
    return ENGINE_FINE;
}

void engine_open_append(struct buf *out, const struct engine_open *open)
{
    buf_printf(out,
               "0{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%" PRId64
               ",\"pingTimeout\":%" PRId64 ",\"maxPayload\":%zu}",
               open->sid, open->may_upgrade ? "\"websocket\"" : "", open->ping_interval_ms,
               open->ping_timeout_ms, open->payload_bytes_max);
}
