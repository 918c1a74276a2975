/* struct rows is libpq's PGresult by another name, so that no header of ours shows libpq. Values
 * are in binary form. */
#include <assert.h>
#include <endian.h>
#include <libpq-fe.h>

#include "control/store/query.h"

/* Type numbers of PostgreSQL's catalogue, fixed for good; from FIRST_OWN on they are made by
 * migrations (enums). */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_CHAR = 18,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_UNKNOWN = 705,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_JSONB = 3802,
    OID_FIRST_OWN = 16384,
};

/* Binary times count microseconds from 2000-01-01. */
#define US_TO_2000 INT64_C(946684800000000)

static const PGresult *result_of(const struct rows *rows)
{
    return (const PGresult *)rows;
}

static Oid type_of(const struct rows *rows, int column)
{
    return PQftype(result_of(rows), column);
}

static struct str value_of(const struct rows *rows, int row, int column)
{
    const PGresult *result = result_of(rows);

    assert(row >= 0 && row < PQntuples(result) && column >= 0 && column < PQnfields(result));
    if (PQgetisnull(result, row, column))
        return (struct str){0};
    return str_n(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));
}

static uint64_t big_endian(struct str value)
{
    uint64_t number = 0;

    for (size_t i = 0; i < value.len; i++)
        number = number << 8 | (uint8_t)value.ptr[i];
    return number;
}

void rows_free(struct rows *rows)
{
    PQclear((PGresult *)rows);
}

int rows_count(const struct rows *rows)
{
    return PQntuples(result_of(rows));
}

int rows_columns(const struct rows *rows)
{
    return PQnfields(result_of(rows));
}

int rows_column(const struct rows *rows, const char *name)
{
    return PQfnumber(result_of(rows), name);
}

bool row_is_null(const struct rows *rows, int row, int column)
{
    return value_of(rows, row, column).ptr == NULL;
}

struct str row_text(const struct rows *rows, int row, int column)
{
    struct str value = value_of(rows, row, column);
    Oid type = type_of(rows, column);

    assert(type == OID_TEXT || type == OID_VARCHAR || type == OID_BPCHAR || type == OID_NAME ||
           type == OID_JSON || type == OID_JSONB || type == OID_CHAR || type == OID_UNKNOWN ||
           type >= OID_FIRST_OWN);
    /* jsonb begins with the version of its format, which is 1. */
    return value.ptr && type == OID_JSONB ? str_sub(value, 1, value.len) : value;
}

int64_t row_int(const struct rows *rows, int row, int column)
{
    struct str value = value_of(rows, row, column);

    if (!value.ptr)
        return 0;
    switch (type_of(rows, column)) {
    case OID_INT2:
        return (int16_t)big_endian(value);
    case OID_INT4:
        return (int32_t)big_endian(value);
    case OID_INT8:
        return (int64_t)big_endian(value);
    case OID_OID:
        return (int64_t)big_endian(value);
    }
    assert(!"the column is no integer");
    return 0;
}

double row_number(const struct rows *rows, int row, int column)
{
    struct str value = value_of(rows, row, column);
    Oid type = type_of(rows, column);
    uint64_t bits;
    uint32_t half;
    double number;
    float single;

    if (!value.ptr)
        return 0;
    bits = big_endian(value);
    if (type == OID_FLOAT8) {
        memcpy(&number, &bits, sizeof number);
        return number;
    }
    if (type == OID_FLOAT4) {
        half = (uint32_t)bits;
        memcpy(&single, &half, sizeof single);
        return single;
    }
    return (double)row_int(rows, row, column);
}

bool row_bool(const struct rows *rows, int row, int column)
{
    struct str value = value_of(rows, row, column);

    assert(type_of(rows, column) == OID_BOOL);
    return value.ptr && value.ptr[0];
}

struct uuid row_uuid(const struct rows *rows, int row, int column)
{
    struct str value = value_of(rows, row, column);
    struct uuid uuid = {{0}};

    assert(type_of(rows, column) == OID_UUID);
    if (value.ptr)
        memcpy(uuid.bytes, value.ptr, sizeof uuid.bytes);
    return uuid;
}

struct str row_bytes(const struct rows *rows, int row, int column)
{
    assert(type_of(rows, column) == OID_BYTEA);
    return value_of(rows, row, column);
}

int64_t row_ms(const struct rows *rows, int row, int column)
{
    struct str value = value_of(rows, row, column);
    int64_t us;

    assert(type_of(rows, column) == OID_TIMESTAMPTZ);
    if (!value.ptr)
        return MS_NULL;
    us = (int64_t)big_endian(value);
    if (us == INT64_MAX || us == INT64_MIN)
        return us; /* infinity and -infinity; the latter reads like NULL */
    us += US_TO_2000;
    /* Down, also before 1970. */
    return us >= 0 ? us / 1000 : -((-us + 999) / 1000);
}
