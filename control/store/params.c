/*
 * Scalars become text; arrays take PostgreSQL's binary form (src/backend/utils/adt/arrayfuncs.c,
 * array_recv): dimensions, a flag for NULLs, the element type, then length and lower bound, then
 * each element with its length in front.
 */
#include "control/store/params.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>

#include "shared/clock.h"

/* Type numbers of PostgreSQL's catalogue, fixed for good. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_TEXT = 25,
    OID_FLOAT8 = 701,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950
};

/* Binary times count microseconds from 2000-01-01. */
#define MS_TO_2000 INT64_C(946684800000)

static void put_u32(struct buf *buf, uint32_t number)
{
    uint32_t big = htobe32(number);

    buf_append(buf, &big, sizeof big);
}

static void put_element(struct buf *buf, const void *data, size_t len)
{
    put_u32(buf, (uint32_t)len);
    buf_append(buf, data, len);
}

static void put_null(struct buf *buf)
{
    put_u32(buf, UINT32_MAX);
}

static void put_u64_element(struct buf *buf, uint64_t number)
{
    uint64_t big = htobe64(number);

    put_element(buf, &big, sizeof big);
}

static void put_item(struct buf *buf, const struct param *param, size_t i)
{
    const struct str *texts = param->items;
    const int64_t *integers = param->items;
    uint64_t bits;

    switch (param->type) {
    case PARAM_TEXT_ARRAY:
    case PARAM_BYTES_ARRAY:
        if (texts[i].ptr)
            put_element(buf, texts[i].ptr, texts[i].len);
        else
            put_null(buf);
        return;
    case PARAM_INTEGER_ARRAY:
        if (integers[i] != INTEGER_NULL)
            put_u64_element(buf, (uint64_t)integers[i]);
        else
            put_null(buf);
        return;
    case PARAM_MS_ARRAY:
        if (integers[i] != MS_NULL)
            put_u64_element(buf, (uint64_t)((integers[i] - MS_TO_2000) * 1000));
        else
            put_null(buf);
        return;
    case PARAM_NUMBER_ARRAY:
        memcpy(&bits, (const double *)param->items + i, sizeof bits);
        put_u64_element(buf, bits);
        return;
    case PARAM_BOOLEAN_ARRAY:
        put_element(buf, ((const bool *)param->items)[i] ? "\1" : "\0", 1);
        return;
    case PARAM_UUID_ARRAY:
        put_element(buf, ((const struct uuid *)param->items)[i].bytes, 16);
        return;
    case PARAM_NULL:
    case PARAM_TEXT:
    case PARAM_INTEGER:
    case PARAM_NUMBER:
    case PARAM_BOOLEAN:
    case PARAM_UUID:
    case PARAM_BYTES:
    case PARAM_MS:
        break;
    }
    assert(!"a scalar has no elements");
}

static void put_array(struct buf *buf, const struct param *param, uint32_t element_type)
{
    put_u32(buf, param->len ? 1 : 0); /* dimensions */
    put_u32(buf, 1);                  /* may hold NULLs */
    put_u32(buf, element_type);
    if (param->len == 0)
        return;

    put_u32(buf, (uint32_t)param->len);
    put_u32(buf, 1); /* lower bound */
    for (size_t i = 0; i < param->len; i++)
        put_item(buf, param, i);
}

static bool has_zero_byte(struct str text)
{
    return text.len && memchr(text.ptr, 0, text.len);
}

static bool is_text_clean(const struct param *param)
{
    const struct str *items = param->items;

    if (param->type == PARAM_TEXT)
        return !has_zero_byte(param->text);
    if (param->type != PARAM_TEXT_ARRAY)
        return true;
    for (size_t i = 0; i < param->len; i++) {
        if (has_zero_byte(items[i]))
            return false;
    }
    return true;
}

/* Appends the value and returns whether it is in binary form. */
static int put_param(struct buf *buf, const struct param *param)
{
    char text[TIMESTAMP_BYTES > UUID_TEXT_BYTES ? TIMESTAMP_BYTES : UUID_TEXT_BYTES];

    switch (param->type) {
    case PARAM_NULL:
        return 0;
    case PARAM_TEXT:
        buf_append_str(buf, param->text);
        return 0;
    case PARAM_INTEGER:
        buf_printf(buf, "%lld", (long long)param->integer);
        return 0;
    case PARAM_NUMBER:
        buf_printf(buf, "%.17g", param->number);
        return 0;
    case PARAM_BOOLEAN:
        buf_append_text(buf, param->boolean ? "true" : "false");
        return 0;
    case PARAM_UUID:
        buf_append_text(buf, uuid_format(param->uuid, text));
        return 0;
    case PARAM_MS:
        buf_append_text(buf, timestamp_format(param->integer, text));
        return 0;
    case PARAM_BYTES:
        buf_append_str(buf, param->text);
        return 1;
    case PARAM_TEXT_ARRAY:
        put_array(buf, param, OID_TEXT);
        return 1;
    case PARAM_INTEGER_ARRAY:
        put_array(buf, param, OID_INT8);
        return 1;
    case PARAM_NUMBER_ARRAY:
        put_array(buf, param, OID_FLOAT8);
        return 1;
    case PARAM_BOOLEAN_ARRAY:
        put_array(buf, param, OID_BOOL);
        return 1;
    case PARAM_UUID_ARRAY:
        put_array(buf, param, OID_UUID);
        return 1;
    case PARAM_BYTES_ARRAY:
        put_array(buf, param, OID_BYTEA);
        return 1;
    case PARAM_MS_ARRAY:
        put_array(buf, param, OID_TIMESTAMPTZ);
        return 1;
    }
    return 0;
}

enum err params_encode(struct params params, struct buf *scratch,
                       struct encoded_params *ret_encoded)
{
    size_t offsets[PARAMS_MAX];

    assert(params.len <= PARAMS_MAX);
    buf_reset(scratch);
    for (size_t i = 0; i < params.len; i++) {
        if (!is_text_clean(&params.items[i]))
            return fail(ERR_INVALID, "value_invalid", "a text holds a zero byte");

        offsets[i] = scratch->len;
        ret_encoded->formats[i] = put_param(scratch, &params.items[i]);
        ret_encoded->lengths[i] = (int)(scratch->len - offsets[i]);
        buf_append_char(scratch, '\0');
    }

    /* The buffer may have moved while it grew, so the addresses come last. */
    for (size_t i = 0; i < params.len; i++)
        ret_encoded->values[i] =
            params.items[i].type == PARAM_NULL ? NULL : scratch->data + offsets[i];
    ret_encoded->count = (int)params.len;
    return OK;
}
