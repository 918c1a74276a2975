/*
 * What a check has to be, beyond the types of its fields: the spec fits its kind, and the numbers
 * fit each other. The documents are the API's check objects. Pure: no database, no clock.
 *
 * Thread: any after check_rules_init().
 */
#pragma once

#include <jansson.h>

#include "shared/err.h"

struct json_schema;

/* Compiles the specs' schemas, include/contract/checks. @return ERR_BUG for a mistake in one. */
MUST_USE enum err check_rules_init(void);

/* The schema of a kind's specs; NULL when there is no such kind. */
const struct json_schema *check_rules_schema(const char *kind);

/* Fills in what has another default in this kind than check_new.json says. */
void check_rules_defaults(json_t *check);

/* Fills in what depends on other fields: retry_interval_s, stale_after_s, and so on. */
void check_rules_complete(json_t *check);

/* Before a change is completed: a value that was the default of the earlier state becomes that of
 * the new one, unless the change gives it another one. */
void check_rules_follow(const json_t *earlier, json_t *check);

/* Adds {pointer, code, detail} for each thing that is wrong with the spec and the numbers of a
 * check. Values of a wrong type are check_new.json's to find: here they count as absent. */
void check_rules_check(const json_t *check, json_t **errors);
