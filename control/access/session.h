/*
 * Sessions: opened with a one-time token or an API key, ended by signing out, by age or by disuse.
 *
 * Thread: a worker.
 */
#pragma once

#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "control/access/token.h"

struct access;
struct db;
struct principal;

/* A session that was just opened. */
struct session {
    struct token_hash hash;
    char token[TOKEN_BYTES];
};

/* Opens one for whom a sign-in link is; the link is used up.
 * @return ERR_UNAUTHENTICATED "token_unknown" for a link that is used, too old, or none of ours. */
MUST_USE enum err session_open_by_link(struct access *access, struct db *db, struct str token,
                                       struct session *ret_session);

/* Opens one for the owner of a key. @return ERR_UNAUTHENTICATED "key_unknown". */
MUST_USE enum err session_open_by_key(struct access *access, struct db *db, struct str key,
                                      struct session *ret_session);

/* Ends a session, here at once and elsewhere within seconds. */
MUST_USE enum err session_end(struct access *access, struct db *db, const struct uuid *id);

/* Forgets a session or key that has ended and tells who must know. */
void credential_ended(struct access *access, const struct uuid *credential_id);
