/*
 * Results on standard output: as a table for people, as JSON or YAML for programs.
 *
 * Thread: the one.
 */
#pragma once

#include <jansson.h>

#include "shared/buf.h"
#include "shared/err.h"

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_YAML };

/* @return ERR_INVALID when it is none of them. */
MUST_USE enum err output_format_read(const char *word, enum output_format *ret_format);

/* A column of a table: a member of each object. */
struct output_column {
    const char *title; /* NULL ends the list */
    const char *member;
};

/* Rows under their titles. What is null or absent is "-"; control characters are not printed. */
void output_table(const json_t *rows, const struct output_column *columns, struct buf *out);

/* The document as YAML 1.2. */
void output_yaml(const json_t *document, struct buf *out);

/* The document in the form that was asked for: as a table, `rows` of it. */
void output_write(enum output_format format, const json_t *document, const json_t *rows,
                  const struct output_column *columns, struct buf *out);
