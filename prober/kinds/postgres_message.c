/* A message is a letter, a length that counts itself but not the letter, and a body. */
#include "prober/kinds/postgres_message.h"

#include <arpa/inet.h>
#include <ctype.h>

#define LENGTH_BYTES 4
#define HEAD_BYTES   (1 + LENGTH_BYTES)
#define NULL_LENGTH  UINT32_MAX

bool postgres_take_int32(struct str *body, uint32_t *ret_number)
{
    uint32_t number;

    if (body->len < sizeof number)
        return false;
    memcpy(&number, body->ptr, sizeof number);
    *ret_number = ntohl(number);
    *body = str_sub(*body, sizeof number, body->len);
    return true;
}

bool postgres_take_int16(struct str *body, uint16_t *ret_number)
{
    uint16_t number;

    if (body->len < sizeof number)
        return false;
    memcpy(&number, body->ptr, sizeof number);
    *ret_number = ntohs(number);
    *body = str_sub(*body, sizeof number, body->len);
    return true;
}

bool postgres_take_text(struct str *body, struct str *ret_text)
{
    struct str rest = *body;

    *ret_text = str_cut(&rest, '\0');
    if (!rest.ptr)
        return false;
    *body = rest;
    return true;
}

enum postgres_status postgres_message_read(struct str input, struct postgres_message *ret_message,
                                           size_t *ret_used)
{
    struct str rest = str_sub(input, 1, input.len);
    uint32_t len;

    if (input.len == 0)
        return POSTGRES_NEED_MORE;
    if (!isalpha((unsigned char)input.ptr[0]))
        return POSTGRES_MALFORMED;
    if (!postgres_take_int32(&rest, &len))
        return POSTGRES_NEED_MORE;
    if (len < LENGTH_BYTES)
        return POSTGRES_MALFORMED;
    len -= LENGTH_BYTES;
    if (len > POSTGRES_MESSAGE_BYTES_MAX)
        return POSTGRES_TOO_LARGE;
    if (rest.len < len)
        return POSTGRES_NEED_MORE;
    *ret_message = (struct postgres_message){input.ptr[0], str_sub(rest, 0, len)};
    *ret_used = HEAD_BYTES + len;
    return POSTGRES_MESSAGE;
}

struct postgres_error postgres_error_read(struct str body)
{
    struct postgres_error error = {{"", 0}, {"", 0}};
    struct str field;

    while (postgres_take_text(&body, &field) && field.len > 0) {
        if (field.ptr[0] == 'C')
            error.sqlstate = str_sub(field, 1, field.len);
        else if (field.ptr[0] == 'M')
            error.text = str_sub(field, 1, field.len);
    }
    return error;
}

enum postgres_first postgres_row_first(struct str body, struct str *ret_value)
{
    uint16_t columns;
    uint32_t len;

    if (!postgres_take_int16(&body, &columns) || columns == 0 || !postgres_take_int32(&body, &len))
        return POSTGRES_FIRST_MISSING;
    if (len == NULL_LENGTH)
        return POSTGRES_FIRST_NULL;
    if (len > body.len)
        return POSTGRES_FIRST_MISSING;
    *ret_value = str_sub(body, 0, len);
    return POSTGRES_FIRST_VALUE;
}

size_t postgres_message_begin(struct buf *out, char type)
{
    size_t begun;

    if (type)
        buf_append_char(out, type);
    begun = out->len;
    postgres_append_int32(out, 0);
    return begun;
}

void postgres_message_end(struct buf *out, size_t begun)
{
    uint32_t len = htonl((uint32_t)(out->len - begun));

    memcpy(out->data + begun, &len, sizeof len);
}

void postgres_append_int32(struct buf *out, uint32_t number)
{
    uint32_t on_wire = htonl(number);

    buf_append(out, &on_wire, sizeof on_wire);
}

void postgres_append_text(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text) + 1);
}
