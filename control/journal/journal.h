/*
 * The journal: one ordered log of what was changed, by whom and why. It is the single source of the
 * audit trail and of everything that follows changes. A writer records in the transaction of the
 * change; the row gets its sequence number later, so that no commit waits for another.
 *
 * Thread: a worker, inside its transaction.
 */
#pragma once

#include <stddef.h>

#include "contract/entity.h"

#include "shared/embedded_file.h"
#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"

struct tx;

/* Who changes something, on which request. */
struct journal_author {
    const struct uuid *id;  /* NULL: the service itself */
    const char *name;       /* as people know it */
    const char *request_id; /* NULL: outside of a request */
};

/* The author of a write: who sent the request. */
#define JOURNAL_AUTHOR(request)                                                                    \
    ((struct journal_author){.id = &(request)->principal.id,                                       \
                             .name = (request)->principal.name,                                    \
                             .request_id = (request)->id})

/* One change. Texts are JSON objects; all is borrowed for the call. */
struct journal_entry {
    const char *action; /* "create", "update", "delete", "end" … */
    enum entity_kind kind;
    struct uuid entity_id;
    struct uuid organisation_id; /* nil: the installation as a whole */
    const char *before;          /* NULL: it was not there */
    const char *after;           /* NULL: it is not there any more */
    const char *reason;          /* NULL: none was given */
};

/* Records changes, in order, in one statement. */
MUST_USE enum err journal_record(struct tx *tx, struct journal_author author,
                                 const struct journal_entry *entries, size_t count);

/* Schemas of what the journal shows. */
extern const struct embedded_file journal_schemas[];
