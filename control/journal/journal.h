/*
 * The journal: one ordered log of what was changed, by whom and why. It is the single source of the
 * audit trail and of everything that follows changes. A writer records in the transaction of the
 * change; the row gets its sequence number later, so that no commit waits for another.
 *
 * Thread: a worker, inside its transaction.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "contract/entity.h"

#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"

struct tx;

/* Who changes something, on which request. */
struct journal_author {
    const struct uuid *id;  /* NULL: the service itself */
    const char *name;       /* as people know it */
    const char *request_id; /* NULL: outside of a request */
    /* the key or session that acts on behalf of them; NULL: none */
    const struct uuid *credential_id;
    const char *address; /* where the request came from; NULL: nowhere */
    const char *reason;  /* of all entries that have none of their own; NULL: none was given */
};

/* The author of a write: who sent the request. */
#define JOURNAL_AUTHOR(request)                                                                    \
    ((struct journal_author){.id = &(request)->principal.id,                                       \
                             .name = (request)->principal.name,                                    \
                             .request_id = (request)->id,                                          \
                             .credential_id = &(request)->principal.credential_id,                 \
                             .address = (request)->address,                                        \
                             .reason = (request)->reason})

/* One change. Texts are JSON objects; all is borrowed for the call. */
struct journal_entry {
    struct uuid id;     /* nil: a new one */
    const char *action; /* "create", "update", "delete", "end" … */
    enum entity_kind kind;
    struct uuid entity_id;
    struct uuid organisation_id; /* nil: the installation as a whole */
    const char *before;          /* NULL: it was not there */
    const char *after;           /* NULL: it is not there any more */
    const char *reason;          /* NULL: the author's */
};

/* Records changes, in order, in one statement. */
MUST_USE enum err journal_record(struct tx *tx, struct journal_author author,
                                 const struct journal_entry *entries, size_t count);

#define JOURNAL_KEY_BYTES         32
#define JOURNAL_SECRET_HASH_BYTES 77 /* "hmac-sha256:", 64 digits and a zero byte */

/* The key of this installation for hashes of secrets; wipe it after use. */
MUST_USE enum err journal_key(struct tx *tx, uint8_t ret_key[JOURNAL_KEY_BYTES]);

/* What stands in the journal for a secret of an entity: the same for the same secret of the same
 * entity, and nothing to be learnt from without the key. Pure. */
void journal_secret_hash(const uint8_t key[JOURNAL_KEY_BYTES], const struct uuid *entity_id,
                         struct str secret, char ret_hash[JOURNAL_SECRET_HASH_BYTES]);
