/* POST /health/preview/…: what the rules would make of given facts. No context, no state. */
#pragma once

#include <jansson.h>

#include "shared/err.h"

#include "control/api/route.h"

extern const struct route preview_routes[];

/* What stands behind the routes; bodies are as their schemas allow, answers are yours. */
MUST_USE enum err preview_transitions(const json_t *body, json_t **ret_answer);
MUST_USE enum err preview_propagation(const json_t *body, json_t **ret_answer);
MUST_USE enum err preview_locations(const json_t *body, json_t **ret_answer);
