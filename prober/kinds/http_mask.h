/*
 * What must not be shown of HTTP: not in --explain, not in previews, not in messages.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>

#include "shared/str.h"

#define HTTP_MASK "***"

/* Whether values of that header are secrets. */
bool http_is_secret_header(struct str name);
