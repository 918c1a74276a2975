/*
 * What a field holds when nobody says: the `default` of its schema in schema/<kind>_new.json, so
 * that what the API's description promises is what happens.
 *
 * Thread: any after item_defaults_init().
 */
#pragma once

#include <jansson.h>

#include "shared/err.h"

struct item_type;

/* Reads the defaults of all kinds. @return ERR_BUG for a mistake in a schema. */
MUST_USE enum err item_defaults_init(void);

/* Gives a value to each field that is absent or null and has a default. */
void item_defaults_fill(const struct item_type *type, json_t *fields);
