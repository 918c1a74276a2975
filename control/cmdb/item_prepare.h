/*
 * What is peculiar to some kinds when they are written; called through item_types.c.
 *
 * Thread: a worker, inside its transaction.
 */
#pragma once

#include <jansson.h>

#include "shared/err.h"

struct tx;

/* Its time zone must be one that the database knows. */
MUST_USE enum err prepare_organisation(struct tx *tx, const json_t *earlier, json_t *fields,
                                       json_t **errors);

/* A unit must not come to lie in itself. Moves within one organisation wait for one another. */
MUST_USE enum err prepare_business_unit(struct tx *tx, const json_t *earlier, json_t *fields,
                                        json_t **errors);

/* Gives it a key when it has none, and fills in what depends on other fields. */
MUST_USE enum err prepare_check(struct tx *tx, const json_t *earlier, json_t *fields,
                                json_t **errors);
