/*
 * What webhooks can hear of: the types of events, and what filters may ask of one.
 *
 * Thread: any; constant data.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "shared/buf.h"
#include "shared/str.h"

#include "control/api/listing.h"
#include "control/permissions.h"

#define WEBHOOK_STATUS_EVENT "health.status_changed"
#define WEBHOOK_HEAD_EVENT   "journal.head" /* delivery.sql names it, too */

/* The fields of an event; only for filters (control/api/listing_filter.h). */
extern const struct listing webhook_event_listing;

/* All types: [{type, description}]; yours. */
json_t *webhook_event_types(void);

/* Whether a pattern, "system.created", "system.*" or "*", fits any type. */
bool webhook_pattern_is_known(struct str pattern);

/* What somebody must be allowed who asks for the pattern's events. */
permission_set webhook_pattern_permissions(struct str pattern);

/* Appends the pattern as LIKE has it. */
void webhook_pattern_append_like(struct buf *out, struct str pattern);
