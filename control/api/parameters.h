/*
 * Query parameters that mean the same on every route: their type, and what the OpenAPI document
 * says of them. A name that is not in the table is text of at most PARAMETER_TEXT_MAX bytes.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/str.h"

#include "control/permissions.h"

#define PARAMETER_TEXT_MAX   500
#define PARAMETER_CURSOR_MAX 4000

enum parameter_type {
    PARAMETER_TEXT,
    PARAMETER_UUID,
    PARAMETER_INTEGER,
    PARAMETER_BOOLEAN,
    PARAMETER_TIME,
    PARAMETER_WORD,   /* lower-case letters, digits, "_", "-", "." and "," */
    PARAMETER_CURSOR, /* what an earlier page gave as "next" */
    PARAMETER_BYTES,  /* anything: who takes it escapes and cuts it */
};

struct parameter {
    const char *name;
    enum parameter_type type;
    const char *description;
    int64_t min; /* of an integer */
    int64_t max;
    const char *otherwise; /* default; NULL: none */
};

/* Whether the name asks for a permission of the caller: "may_check_write" for check.write. */
bool parameter_permission(const char *name, enum permission *ret_permission);

/* The row of that name; a plain text's when there is none. */
const struct parameter *parameter_find(const char *name);

/* Whether a value is of the parameter's type; when not, writes what it must be: "must be a
 * UUID". */
bool parameter_is_valid(const struct parameter *parameter, struct str value, char *detail,
                        size_t detail_bytes);
