/*
 * What a check says of itself, to a target or to a proxy: user and password (RFC 7617), or a token
 * (RFC 6750). Tokens that have to be fetched first: http_token.h.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>

#include "prober/kinds/http_mask.h"

/* The value of the Authorization header for {"basic"} or {"bearer"}; NULL for anything else. Yours.
 * What must not be shown of it is added to `secrets`. */
char *http_auth_value(const json_t *auth, struct http_secrets *secrets);

/* "Basic …" for a user and a password; yours. */
char *http_auth_basic(const char *user, const char *password, struct http_secrets *secrets);
