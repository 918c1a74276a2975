/* The OpenAPI 3.1 document, printed from the routes and their schemas. Thread: any. */
#pragma once

#include <stdbool.h>

#include "shared/buf.h"

struct router;

/* Writes the document; `readable` puts it on many lines. */
void openapi_write(const struct router *router, bool readable, struct buf *out);
