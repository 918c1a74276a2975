/*
 * Where a check by a schema is in its document, and what it found wrong there. For
 * json_schema_check.c, which walks.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>

#include "shared/attrs.h"
#include "shared/buf.h"

struct schema_check {
    struct buf pointer; /* of the value that is looked at */
    json_t **errors;
    size_t depth;
};

/* Adds an error at the place of the walk; nothing beyond JSON_SCHEMA_ERRORS_MAX. */
void schema_complain(struct schema_check *check, const char *code, const char *format, ...)
    PRINTF(3, 4);

/* Steps into a member; returns what to give to schema_step_out(). */
size_t schema_step_into(struct schema_check *check, const char *name);
void schema_step_out(struct schema_check *check, size_t before);

/* Appends a value as a person would name it. */
void schema_show_value(const json_t *value, struct buf *out);
