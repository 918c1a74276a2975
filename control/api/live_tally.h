/*
 * How many live sessions a user or an address has.
 *
 * Thread: the loop.
 */
#pragma once

#include <stdbool.h>

#include "shared/uuid.h"

struct live_tally;

/* Counts one more; false when there are `max` already. A table begins as NULL. */
bool live_tally_add(struct live_tally **table, const struct uuid *who, unsigned max);
void live_tally_remove(struct live_tally **table, const struct uuid *who);
