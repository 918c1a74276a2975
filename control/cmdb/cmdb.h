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

struct router;

/* The schemas of bodies and answers, and those of the specs of checks; each ended by a zero row. */
extern const struct embedded_file cmdb_schemas[];
extern const struct embedded_file check_kind_schemas[];
extern const struct embedded_file check_part_schemas[];

/* Reads the schemas; once, before anything else here. @return ERR_BUG for a mistake in one. */
MUST_USE enum err cmdb_init(void);

/* Adds the schemas and the routes. */
void cmdb_add_routes(struct router *router);

/*
 * Completes a check that check_new.json has accepted with the defaults of what it leaves out, and
 * says what is wrong with it; `component`, `name` and `key` may be missing. What POST /checks does,
 * for a check that is only tried out.
 * @return ERR_INVALID "body_invalid" with a pointer for each wrong field.
 */
MUST_USE enum err cmdb_complete_check(json_t *check);
