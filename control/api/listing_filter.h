/*
 * A filter that is kept as text, as it stands behind the "?" of a list: "kind=instance&tag=pci".
 * What it may ask for is written down as a listing, of which only the fields count, and `q`.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>

#include "control/api/listing_query.h"

#define LISTING_FILTER_CONDITIONS_MAX 20 /* each has one or two parameters */

/* Adds an error at `pointer` for each condition that is not right. */
void listing_filter_check(const struct listing *listing, struct str filter, const char *pointer,
                          json_t **errors);

/*
 * Compiles a filter that listing_filter_check() finds right: the text is " AND …" over `base`, or
 * nothing. Its parameters are numbered after `taken` ones of the caller's.
 */
void listing_filter_compile(const struct listing *listing, struct str filter, size_t taken,
                            struct listing_query *ret_query);
