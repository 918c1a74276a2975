/*
 * Who asks, and whether they may. The server takes the credentials out of the request;
 * control/access knows what they are worth. Answers come from memory on the loop; only a miss goes
 * to a worker, once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "control/permissions.h"
#include "control/store/row_scope.h"

struct db;

#define PRINCIPAL_NAME_BYTES 128
#define CSRF_TOKEN_BYTES     65 /* with its zero byte */

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_SESSION, CREDENTIAL_KEY };

/* What the request carries; borrowed from it. */
struct credential {
    enum credential_kind kind;
    struct str token; /* value of the session cookie, or what follows "Bearer " */
};

/* Who asks. Copied by value, so that loop and workers share nothing. */
struct principal {
    enum credential_kind by;
    struct uuid id;              /* the user, or the key itself */
    struct uuid credential_id;   /* the session or key */
    struct uuid organisation_id; /* nil: to none, and sees all */
    permission_set permissions;
    int64_t expires_at_ms; /* 0: never */
    char name[PRINCIPAL_NAME_BYTES];
    char csrf_token[CSRF_TOKEN_BYTES]; /* of a session */
};

enum guard_answer {
    GUARD_KNOWN,   /* the principal is filled in */
    GUARD_UNKNOWN, /* the credential is worth nothing */
    GUARD_ASK,     /* not in memory: ask on a worker */
};

/* Filled in by control/access. */
struct guard_ops {
    void *context;

    /* Answers from memory. Thread: the loop. */
    enum guard_answer (*recall)(void *context, const struct credential *credential,
                                struct principal *ret_principal);

    /* Asks the database and keeps the answer for recall(). Thread: a worker.
     * @return ERR_UNAUTHENTICATED when the credential is worth nothing; ERR_UNAVAILABLE without a
     * database. */
    enum err (*authenticate)(void *context, struct db *db, const struct credential *credential,
                             struct principal *ret_principal);
};

/* Whose rows the principal's requests see: nobody's without a credential. */
struct row_scope guard_rows(const struct principal *principal);

/* Whether what belongs to the organisation is the principal's to see. */
bool guard_shows(const struct principal *principal, const struct uuid *organisation_id);

/* Whether the principal holds the permission; PUBLIC is everybody's. */
bool guard_allows(const struct principal *principal, enum permission permission);
