/*
 * JSON merge patch (RFC 7396): members of the patch replace those of the target, objects are
 * merged, null removes.
 *
 * Thread: any; a document belongs to one thread at a time.
 */
#pragma once

#include <jansson.h>

#include "shared/attrs.h"

/* The target after the patch, as a new document that shares unchanged values with its arguments,
 * which stay as they are. A null inside of an array stays. */
MUST_USE json_t *json_merge_patch(const json_t *target, const json_t *patch);
