/*
 * Running named statements with typed parameters, and reading typed columns.
 *
 *   AUTO(rows_free) struct rows *rows = NULL;
 *   TRY(db_query(db, &sql_booking_overlapping, PARAMS(p_uuid(&id), p_ms(from), p_ms(until)),
 * &rows)); for (int row = 0; row < rows_count(rows); row++) … = row_uuid(rows, row, 0);
 *
 * Scalars go as text, so the server gives them the type that the statement needs; bytes and arrays
 * go in binary form, so the statement must name the array's type exactly: $1::uuid[], ::bigint[],
 * ::boolean[], ::text[], ::bytea[],
 * ::timestamptz[], ::float8[]. JSON arrays go as ::text[] and are cast per element. Columns come
 * back in binary form; a reader asserts that the column's type is one it can read, so cast numeric,
 * inet, ranges and arrays to text or JSON in the statement.
 *
 * Thread: that of the connection.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/statement.h"
#include "shared/str.h"
#include "shared/uuid.h"

struct db;
struct rows;

/* "No value" for times and integers. */
#define MS_NULL      INT64_MIN
#define INTEGER_NULL INT64_MIN

enum param_type {
    PARAM_NULL,
    PARAM_TEXT, /* also json, jsonb, enums, ranges, anything written as text */
    PARAM_INTEGER,
    PARAM_NUMBER,
    PARAM_BOOLEAN,
    PARAM_UUID,
    PARAM_BYTES,
    PARAM_MS,
    PARAM_TEXT_ARRAY,
    PARAM_INTEGER_ARRAY,
    PARAM_NUMBER_ARRAY,
    PARAM_BOOLEAN_ARRAY,
    PARAM_UUID_ARRAY,
    PARAM_BYTES_ARRAY,
    PARAM_MS_ARRAY,
};

/* One parameter; made by the p_ functions. What it points to is borrowed until the query returns.
 */
struct param {
    enum param_type type;
    size_t len; /* elements of an array */

    union {
        struct str text;
        int64_t integer;
        double number;
        bool boolean;
        const struct uuid *uuid;
        const void *items;
    };
};

struct params {
    const struct param *items;
    size_t len;
};

#define PARAMS(...)                                                                                \
    ((struct params){(const struct param[]){__VA_ARGS__},                                          \
                     sizeof((const struct param[]){__VA_ARGS__}) / sizeof(struct param)})
#define NO_PARAMS ((struct params){NULL, 0})

static inline struct param p_null(void)
{
    return (struct param){.type = PARAM_NULL};
}

/* A view with a NULL pointer is NULL. */
static inline struct param p_str(struct str text)
{
    return (struct param){.type = text.ptr ? PARAM_TEXT : PARAM_NULL, .text = text};
}

/* A C string; NULL is NULL. */
static inline struct param p_text(const char *text)
{
    return p_str(str_of(text));
}

/* INTEGER_NULL is NULL. */
static inline struct param p_int(int64_t integer)
{
    return (struct param){.type = integer == INTEGER_NULL ? PARAM_NULL : PARAM_INTEGER,
                          .integer = integer};
}

static inline struct param p_number(double number)
{
    return (struct param){.type = PARAM_NUMBER, .number = number};
}

static inline struct param p_bool(bool boolean)
{
    return (struct param){.type = PARAM_BOOLEAN, .boolean = boolean};
}

/* A NULL pointer is NULL; the nil UUID is itself. */
static inline struct param p_uuid(const struct uuid *uuid)
{
    return (struct param){.type = uuid ? PARAM_UUID : PARAM_NULL, .uuid = uuid};
}

/* bytea; a NULL pointer is NULL. */
static inline struct param p_bytes(struct str bytes)
{
    return (struct param){.type = bytes.ptr ? PARAM_BYTES : PARAM_NULL, .text = bytes};
}

/* timestamptz from wall-clock milliseconds; MS_NULL is NULL. */
static inline struct param p_ms(int64_t wall_ms)
{
    return (struct param){.type = wall_ms == MS_NULL ? PARAM_NULL : PARAM_MS, .integer = wall_ms};
}

/* Arrays of `len` elements; an element with a NULL pointer, INTEGER_NULL or MS_NULL is NULL. */
static inline struct param p_texts(const struct str *items, size_t len)
{
    return (struct param){.type = PARAM_TEXT_ARRAY, .len = len, .items = items};
}

static inline struct param p_ints(const int64_t *items, size_t len)
{
    return (struct param){.type = PARAM_INTEGER_ARRAY, .len = len, .items = items};
}

static inline struct param p_numbers(const double *items, size_t len)
{
    return (struct param){.type = PARAM_NUMBER_ARRAY, .len = len, .items = items};
}

static inline struct param p_bools(const bool *items, size_t len)
{
    return (struct param){.type = PARAM_BOOLEAN_ARRAY, .len = len, .items = items};
}

static inline struct param p_uuids(const struct uuid *items, size_t len)
{
    return (struct param){.type = PARAM_UUID_ARRAY, .len = len, .items = items};
}

static inline struct param p_bytes_array(const struct str *items, size_t len)
{
    return (struct param){.type = PARAM_BYTES_ARRAY, .len = len, .items = items};
}

static inline struct param p_ms_array(const int64_t *items, size_t len)
{
    return (struct param){.type = PARAM_MS_ARRAY, .len = len, .items = items};
}

/*
 * Runs a statement and gives all its rows; outside a transaction it is one of its own.
 * The number of parameters must be the statement's (asserted).
 *
 * @return ERR_CONFLICT "unique_violation", "foreign_key_violation" or "exclusion_violation" (which
 * one: db_constraint()); ERR_INVALID "check_violation", "value_missing" or "value_invalid";
 * ERR_UNAVAILABLE "transaction_collided" (db_should_retry() is true), "database_unavailable" or
 * "database_full"; ERR_TIMEOUT "statement_timeout"; ERR_CONFLICT "refused" for RAISE EXCEPTION in a
 * function; ERR_BUG "statement_wrong" for all else.
 */
MUST_USE enum err db_query(struct db *db, const struct statement *statement, struct params params,
                           struct rows **ret_rows);

/* As db_query(), for exactly one row. @return ERR_NOT_FOUND "row_missing" when there is none. */
MUST_USE enum err db_query_one(struct db *db, const struct statement *statement,
                               struct params params, struct rows **ret_rows);

/* As db_query(), without rows. @param ret_affected how many rows were written; or NULL. */
MUST_USE enum err db_execute(struct db *db, const struct statement *statement, struct params params,
                             uint64_t *ret_affected);

/* As db_query(), for a text that is made at run time: nothing is kept prepared. `name` is for
 * failures. */
MUST_USE enum err db_query_text(struct db *db, const char *name, const char *text,
                                struct params params, struct rows **ret_rows);

void rows_free(struct rows *rows);

DEFINE_AUTO(struct rows *, rows_free);

int rows_count(const struct rows *rows);
int rows_columns(const struct rows *rows);

/* The number of the column of that name; -1 when there is none. */
int rows_column(const struct rows *rows, const char *name);

/* Readers of one value, borrowed from the rows. NULL reads as 0, false, the nil UUID, MS_NULL or a
 * NULL view. */
bool row_is_null(const struct rows *rows, int row, int column);
/* text, json, jsonb, name; a C string */
struct str row_text(const struct rows *rows, int row, int column);
int64_t row_int(const struct rows *rows, int row, int column); /* smallint, integer, bigint */
double row_number(const struct rows *rows, int row,
                  int column);                               /* real, double precision, integers */
bool row_bool(const struct rows *rows, int row, int column); /* boolean */
struct uuid row_uuid(const struct rows *rows, int row, int column); /* uuid */
struct str row_bytes(const struct rows *rows, int row, int column); /* bytea */
int64_t row_ms(const struct rows *rows, int row, int column);       /* timestamptz */
