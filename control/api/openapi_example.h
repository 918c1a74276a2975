/*
 * Examples for the OpenAPI document: what a schema itself shows (`examples`, `default`, `enum`), put
 * together for what it is made of.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>

/* An example that the schema accepts; yours. Of several types it is the first.
 * @param components the document's schemas, by name: where its references lead */
json_t *openapi_example(const json_t *components, const json_t *schema);
