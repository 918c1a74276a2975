/*
 * Keeps the history within the settings: drops results, samples and events that are too old, and
 * what belongs to checks and entities that are gone. A little at a time, so that nothing else waits
 * for it.
 *
 * Thread: one of its own, with its own database connection.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"

struct retention;

struct retention *retention_new(const char *database_url);
MUST_USE enum err retention_start(struct retention *retention);
void retention_stop(struct retention *retention);
void retention_free(struct retention *retention);

DEFINE_AUTO(struct retention *, retention_free);
