/* type [attachments "-"] [namespace ","] [number] [JSON] */
#include "control/api/socket_io.h"

#include "shared/json.h"

static bool is_binary(enum socket_type type)
{
    return type == SOCKET_BINARY_EVENT || type == SOCKET_BINARY_ACK;
}

static struct str cut_digits(struct str *rest)
{
    struct str digits = {rest->ptr, 0};

    while (digits.len < rest->len && rest->ptr[digits.len] >= '0' && rest->ptr[digits.len] <= '9')
        digits.len++;
    *rest = str_sub(*rest, digits.len, rest->len);
    return digits;
}

static bool read_attachments(struct str *rest, struct socket_packet *packet)
{
    struct str digits = cut_digits(rest);
    uint64_t count;

    if (!str_to_u64(digits, SOCKET_ATTACHMENTS_MAX, &count) || !str_starts_with(*rest, STR("-")))
        return false;
    *rest = str_sub(*rest, 1, rest->len);
    packet->attachments = (size_t)count;
    return true;
}

static bool read_namespace(struct str *rest, struct socket_packet *packet)
{
    packet->name_space = STR("/");
    if (!str_starts_with(*rest, STR("/")))
        return true;
    packet->name_space = str_cut(rest, ',');
    return packet->name_space.len <= SOCKET_NAMESPACE_MAX;
}

/* Whether each placeholder in the payload stands for one of the attachments. */
static bool has_sound_placeholders(const json_t *json, size_t attachments)
{
    const json_t *child;
    const char *key;
    size_t i;

    if (json_is_true(json_object_get(json, "_placeholder"))) {
        const json_t *number = json_object_get(json, "num");

        return json_is_integer(number) && json_integer_value(number) >= 0 &&
               (size_t)json_integer_value(number) < attachments;
    }
    json_array_foreach((json_t *)json, i, child)
    {
        if (!has_sound_placeholders(child, attachments))
            return false;
    }
    json_object_foreach((json_t *)json, key, child)
    {
        if (!has_sound_placeholders(child, attachments))
            return false;
    }
    return true;
}

/* Whether number and payload are as the type wants them. */
static bool is_sound(const struct socket_packet *packet)
{
    switch (packet->type) {
    case SOCKET_CONNECT:
        return packet->ack.len == 0 && (!packet->payload || json_is_object(packet->payload));
    case SOCKET_DISCONNECT:
        return packet->ack.len == 0 && !packet->payload;
    case SOCKET_BINARY_EVENT:
    case SOCKET_EVENT:
        return json_is_string(json_array_get(packet->payload, 0));
    case SOCKET_BINARY_ACK:
    case SOCKET_ACK:
        return packet->ack.len > 0 && json_is_array(packet->payload);
    case SOCKET_CONNECT_ERROR: /* a server's */
    case SOCKET_TYPE_COUNT:
        break;
    }
    return false;
}

static bool read_rest(struct str rest, struct socket_packet *packet)
{
    if (is_binary(packet->type) && !read_attachments(&rest, packet))
        return false;
    if (!read_namespace(&rest, packet))
        return false;
    packet->ack = cut_digits(&rest);
    if (packet->ack.len > SOCKET_ACK_DIGITS_MAX)
        return false;
    if (rest.len > 0 && json_parse(rest, &packet->payload) != OK) {
        failure_clear();
        return false;
    }
    return is_sound(packet) && (!is_binary(packet->type) ||
                                has_sound_placeholders(packet->payload, packet->attachments));
}

bool socket_packet_read(struct str text, struct socket_packet *ret_packet)
{
    *ret_packet = (struct socket_packet){0};
    if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] >= '0' + SOCKET_TYPE_COUNT)
        return false;
    ret_packet->type = (enum socket_type)(text.ptr[0] - '0');
    if (read_rest(str_sub(text, 1, text.len), ret_packet))
        return true;
    socket_packet_clear(ret_packet);
    return false;
}

void socket_packet_clear(struct socket_packet *packet)
{
    json_decref(packet->payload);
    packet->payload = NULL;
}

void socket_packet_begin(struct buf *out, const struct socket_packet *packet)
{
    buf_append_char(out, (char)('0' + packet->type));
    if (is_binary(packet->type))
        buf_printf(out, "%zu-", packet->attachments);
    if (!str_equal(packet->name_space, STR("/"))) {
        buf_append_str(out, packet->name_space);
        buf_append_char(out, ',');
    }
    buf_append_str(out, packet->ack);
}
