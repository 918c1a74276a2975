/*
 * JSON on jansson: parsing with our limits, owners, and reading fields of documents that a schema
 * has already accepted. Bodies from outside are checked with shared/json_schema first, so the
 * readers here return defaults for what is absent or null and assert the type otherwise.
 *
 * Thread: any; a document belongs to one thread at a time.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/err.h"
#include "shared/str.h"

/* Nesting and number of values that a document from outside may have; jansson needs about 45 bytes
 * a value. */
#define JSON_MAX_DEPTH  64
#define JSON_MAX_VALUES 100000

static inline void json_release_p(json_t **json)
{
    json_decref(*json);
}

/* Declares an owner: `JSON_AUTO json_t *body = NULL;` */
#define JSON_AUTO CLEANUP(json_release_p)

/*
 * Parses one document that fills all of `text`. Refused: duplicate keys, NUL in strings, invalid
 * UTF-8, more than JSON_MAX_DEPTH levels or JSON_MAX_VALUES values (counted before anything is
 * built).
 * @return ERR_INVALID "json_malformed" with line and column; ERR_LIMITED "json_too_large".
 */
MUST_USE enum err json_parse(struct str text, json_t **ret_json);

/* Whether the text keeps to JSON_MAX_DEPTH and JSON_MAX_VALUES, valid JSON or not.
 * @return ERR_LIMITED "json_too_large". */
MUST_USE enum err json_check_size(struct str text);

/* Appends the document in compact form; keys in the order of insertion. */
void json_write(const json_t *json, struct buf *buf);

/* Fields of an object; absent and null give the default. The returned text is borrowed from the
 * document. */
const char *json_text(const json_t *object, const char *key, const char *otherwise);
int64_t json_integer_or(const json_t *object, const char *key, int64_t otherwise);
double json_number_or(const json_t *object, const char *key, double otherwise);
bool json_boolean_or(const json_t *object, const char *key, bool otherwise);

/* The same for documents that no schema has accepted: another type gives the default too. */
const char *json_loose_text(const json_t *object, const char *key, const char *otherwise);
int64_t json_loose_integer(const json_t *object, const char *key, int64_t otherwise);
double json_loose_number(const json_t *object, const char *key, double otherwise);

/* True when the key is there and not null. */
bool json_has(const json_t *object, const char *key);

/* Adds {pointer, code, detail} to the array of field errors, making the array when it is NULL. */
void json_add_error(json_t **errors, const char *pointer, const char *code, const char *format, ...)
    PRINTF(4, 5);
