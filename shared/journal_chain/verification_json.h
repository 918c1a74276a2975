/* What a verification found, as JSON: {whole, records, batches, finding_count, heads, findings}. */
#pragma once

#include <jansson.h>

#include "shared/journal_chain/chain_verifier.h"

/* Yours. */
json_t *verification_json(const struct verification *result);
