/*
 * Maintenance windows as the engine sees them: which nodes have one open at a given moment, and
 * when that changes next.
 *
 * Thread: the engine's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/uuid.h"
#include "shared/vec.h"

/* Half-open: [starts, ends). */
struct window {
    struct uuid id;
    struct uuid scope_id;
    int64_t starts_ms;
    int64_t ends_ms; /* the earlier of planned and early end */
};

typedef VEC(struct window) window_vec;

/* Whether a window of that very scope is open at `now_ms`. */
bool windows_are_open(const window_vec *windows, const struct uuid *scope_id, int64_t now_ms);

/* The next moment after `now_ms` at which a window opens or closes; INT64_MAX when there is
 * none. */
int64_t windows_next_ms(const window_vec *windows, int64_t now_ms);
