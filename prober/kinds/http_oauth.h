/*
 * OAuth 2.0 by client credentials (RFC 6749, 4.4): what is sent to a token's endpoint, and what its
 * replies grant. The fetching: http_token.h.
 *
 * Thread: made on any, then the loop of its check.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/url.h"

#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/http_mask.h"

struct http_oauth {
    struct url url;
    struct endpoint_spec endpoint; /* TLS to the token's endpoint */
    struct buf request;
    int64_t good_until_us; /* of the token in the spec's `authorization`; 0: there is none */
};

/* What an endpoint has granted. */
struct http_grant {
    char *token; /* yours */
    int64_t lifetime_s;
};

/* Reads a spec's `oauth2` object; adds to `errors` what is still wrong. Yours. */
struct http_oauth *http_oauth_new(const json_t *json, struct http_secrets *secrets,
                                  json_t **errors);
void http_oauth_free(struct http_oauth *oauth);

/* Reads the body of an endpoint's reply with status 200. False when it grants nothing that can be
 * used: then `why` has a clause. */
bool http_grant_read(struct str body, struct http_grant *ret_grant, struct buf *why);

/* Appends what the body of another reply says is wrong, when it does (RFC 6749, 5.2). */
void http_refusal_append(struct str body, struct buf *text);
