/* The characters that parts of an HTTP message may have (RFC 9110). Thread: any. */
#pragma once

#include <stdbool.h>

#include "shared/str.h"

/* Methods and names of header fields. */
bool http_is_token(struct str text);

/* No control characters but the tab. */
bool http_is_field_value(struct str text);

/* A host name or address with an optional port, as in Host and :authority. */
bool http_is_host(struct str text);

/* The headers that frame a message or the connection; who sends a message sets them itself. */
bool http_is_framing_header(struct str name);

/* Headers whose values are nobody's to see: by their own name, as Authorization, or by what it tells
 * ("X-Api-Key", "PRIVATE-TOKEN"). */
bool http_is_secret_header(struct str name);
