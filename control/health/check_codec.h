/*
 * struct check_state as bytes, as it lies in the table check_state: about 45 of them for a check
 * with fall 3.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>

#include "shared/buf.h"
#include "shared/str.h"

#include "control/health/judge_rules.h"

/* Appends the state. */
void check_state_write(struct buf *buf, const struct check_state *state);

/* Reads a state; false, and nothing written, when the bytes are none of a format that is known. */
bool check_state_read(struct str bytes, struct check_state *ret_state);
