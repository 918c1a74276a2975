/*
 * The inventory: organisations, business units, systems, environment groups, instances, component
 * definitions, components and their checks. Other domains read its tables; what they need of its
 * rules is here.
 *
 * Thread: any after cmdb_init().
 */
#pragma once

#include <jansson.h>

#include "shared/embedded_file.h"
#include "shared/err.h"

struct db;
struct router;
struct uuid;

/* The schemas of bodies and answers, and those of the specs of checks; each ended by a zero row. */
extern const struct embedded_file cmdb_schemas[];
extern const struct embedded_file check_kind_schemas[];
extern const struct embedded_file check_part_schemas[];

/* Reads the schemas; once, before anything else here. @return ERR_BUG for a mistake in one. */
MUST_USE enum err cmdb_init(void);

/* Adds the schemas and the routes. */
void cmdb_add_routes(struct router *router);

/* Puts the secrets of a check that is there in place of the masks in the spec of one that is only
 * tried out. Nothing happens when there is no such check, or it is of another kind. */
MUST_USE enum err cmdb_restore_secrets(struct db *db, const struct uuid *id, json_t *check);

/* What POST /checks does, for a check that is only tried out; `component`, `name` and `key` may be
 * missing. The first adds {pointer, code, detail} for what a schema does not say, and takes any
 * document; the second fills in the defaults of what a right one leaves out. */
void cmdb_review_check(const json_t *check, json_t **errors);
void cmdb_complete_check(json_t *check);
