/*
 * JSON Schema, the part that our own schemas use (2020-12): type, enum, const, properties,
 * required, additionalProperties, propertyNames, minProperties, maxProperties, items, prefixItems,
 * minItems, maxItems, uniqueItems, minLength, maxLength, minimum, maximum, exclusiveMinimum,
 * exclusiveMaximum, multipleOf, pattern, format, allOf, anyOf, oneOf, not, $ref to "#/$defs/name"
 * or to a file of the same set ("check.json", "check.json#/$defs/name"), writeOnly, which keeps a
 * secret text out of errors, and title, description, default, examples, deprecated, readOnly, which
 * say nothing; but the titles of all alternatives of oneOf or anyOf, and the description of `not`,
 * are what an error says. Any other keyword is a mistake in the schema and refused when it is compiled.
 *
 * A document is checked whole: every error comes with its JSON pointer, at most
 * JSON_SCHEMA_ERRORS_MAX of them.
 *
 * Thread: one until json_schemas_compile(); any afterwards.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "shared/attrs.h"
#include "shared/embedded_file.h"
#include "shared/err.h"
#include "shared/str.h"

#define JSON_SCHEMA_ERRORS_MAX 64
#define JSON_SCHEMA_DEPTH_MAX  64

struct json_schema;  /* one compiled schema */
struct json_schemas; /* a set of named ones */

/* Says whether a text has a format; when not, may write why, to follow the value's name: "must be
 * an http URL". */
typedef bool (*json_format_fn)(struct str text, char *detail, size_t detail_bytes);

/* The same for values that are no texts: a format may say what no keyword can, how the parts of an
 * array or object belong together. Only asked when every part by itself is right; adds what is wrong
 * to `errors`, with `pointer` before each pointer. */
typedef void (*json_value_format_fn)(const json_t *value, const char *pointer, json_t **errors);

/* A set that knows the formats of json_formats.c (date-time, uuid, key, line, pcre2, jq), of
 * json_formats_network.c (http-url, host, ip-address, header-name, pem-identity and so on) and of
 * json_formats_parts.c (tls-versions, thresholds and so on). */
struct json_schemas *json_schemas_new(void);
void json_schemas_free(struct json_schemas *schemas);

DEFINE_AUTO(struct json_schemas *, json_schemas_free);

/* Registers a further format; `name` is borrowed. */
void json_schemas_add_format(struct json_schemas *schemas, const char *name, json_format_fn check);

/* Adds files (ended by a zero row), known by their names without ".json". Borrowed. */
void json_schemas_add(struct json_schemas *schemas, const struct embedded_file *files);

/* Compiles all files; logs each mistake in them. @return ERR_BUG when there was one. */
MUST_USE enum err json_schemas_compile(struct json_schemas *schemas);

/* The schema of that name ("check_new" for check_new.json); NULL when there is none. */
const struct json_schema *json_schemas_find(const struct json_schemas *schemas, const char *name);

/* Calls `each` for all files in the order of adding. */
void json_schemas_each(const struct json_schemas *schemas,
                       void (*each)(void *argument, const char *name, const json_t *source),
                       void *argument);

/* The schema as it was written: borrowed. */
const json_t *json_schema_source(const struct json_schema *schema);

/*
 * Checks a document. Errors are added to `*errors` (made when NULL) as {pointer, code, detail},
 * with `base` ("" or "/spec") before each pointer.
 * @return ERR_INVALID when there were any.
 */
MUST_USE enum err json_schema_check(const struct json_schema *schema, const json_t *document,
                                    const char *base, json_t **errors);

/* Sees a text that the schema says is writeOnly, at a JSON pointer; returns what is to stand in its
 * place, or NULL to leave it. */
typedef json_t *(*json_schema_secret_fn)(void *context, const char *pointer, json_t *text);

/* Calls `replace` for each secret of a document, which may not fit its schema; a document that is
 * itself a secret is only shown. */
void json_schema_secrets(const struct json_schema *schema, json_t *document,
                         json_schema_secret_fn replace, void *context);
