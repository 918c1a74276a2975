/*
 * How a client proves to PostgreSQL who it is: what the server asks for, and the answers. Trust,
 * password in clear text, MD5, SCRAM-SHA-256 and SCRAM-SHA-256-PLUS. With SCRAM the server has to
 * prove that it knows the password, too.
 *
 * Thread: any; a login belongs to one.
 */
#pragma once

#include <stdbool.h>

#include "shared/buf.h"
#include "shared/str.h"

#include "prober/kinds/scram.h"

/* Who logs in; all of it borrowed. */
struct postgres_user {
    const char *name;
    const char *password;          /* NULL: none */
    bool may_say_password;         /* in clear text */
    bool is_tls;                   /* the connection is encrypted */
    struct str certificate_digest; /* of the server; empty: none to bind to */
};

enum postgres_auth_status {
    POSTGRES_AUTH_GO_ON,  /* an answer may have been appended */
    POSTGRES_AUTH_DERIVE, /* call postgres_auth_derive() until it is done */
    POSTGRES_AUTH_DONE,   /* we are in */
    POSTGRES_AUTH_DENIED, /* the server asks for what we do not have or do not give */
    POSTGRES_AUTH_BROKEN, /* the server breaks the rules */
    POSTGRES_AUTH_LACKING /* this machine cannot do it */
};

enum postgres_auth_state {
    POSTGRES_AUTH_FRESH,
    POSTGRES_AUTH_SAID,        /* a password was sent: only the verdict is missing */
    POSTGRES_AUTH_SCRAM_FIRST, /* the server's first message is */
    POSTGRES_AUTH_SCRAM_LAST,
    POSTGRES_AUTH_IN,
};

/* Zeroed is valid. */
struct postgres_auth {
    enum postgres_auth_state state;
    const char *method; /* for people; NULL: nothing was asked for */
    const char *why; /* with DENIED and BROKEN: a clause about the server; with LACKING: about us */
    struct scram scram;
};

/* Takes the body of a message of the type 'R'. */
enum postgres_auth_status postgres_auth_read(struct postgres_auth *auth,
                                             const struct postgres_user *user, struct str body,
                                             struct buf *out);

/* Does at most `rounds_max` rounds; true once the answer has been appended. */
bool postgres_auth_derive(struct postgres_auth *auth, struct scram_keys *keys, uint32_t rounds_max,
                          struct buf *out);

void postgres_auth_clear(struct postgres_auth *auth);
