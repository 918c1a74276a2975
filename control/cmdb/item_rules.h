/*
 * What holds for items of every kind beyond their schemas. Pure: no database, no clock.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>

#include "shared/str.h"

#define ITEM_KEY_BYTES              64 /* with its zero byte */
#define ITEM_NAME_BYTES_MAX         200
#define ITEM_DESCRIPTION_BYTES_MAX  4000
#define ITEM_ATTRIBUTES_BYTES_MAX   16384
#define ITEM_PATH_STEPS_MAX         8
#define ITEM_OPERATIONAL_AT_DEFAULT 1.0
#define ITEM_DOWN_BELOW_DEFAULT     0.5

/* Both add {pointer, code, detail} for each thing that is wrong with the state of an item. Values
 * of a wrong type are the schema's to find: here they count as absent. */
void item_rules_common(const json_t *fields, json_t **errors);
void item_rules_propagation(const json_t *fields, json_t **errors);

/* Makes a key of a name: "Login page (EU)" gives login-page-eu; `otherwise` when nothing of it can
 * stand in a key. Leaves room for a number after it. */
void item_key_from_name(struct str name, const char *otherwise, char ret_key[ITEM_KEY_BYTES]);
