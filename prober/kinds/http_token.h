/*
 * Access tokens by client credentials (OAuth 2.0, RFC 6749, 4.4): fetched within the deadline of the
 * run that needs one, kept until shortly before they expire, forgotten when the target refuses one.
 * A token that cannot be had is this prober's trouble, not a failure of the target.
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

struct http_run;
struct probe;
enum wait;

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

/* Whether a run needs a token before it can ask the target; not without `oauth`. */
bool http_token_is_wanted(const struct http_oauth *oauth);

/* Fetches one; then the run goes on to http_ask(). */
enum wait http_token_fetch(struct probe *probe);

/* The target did not take it. */
void http_token_refused(struct http_oauth *oauth);

/* The result of a run that ended before it had its token. */
void http_token_conclude(struct probe *probe);

/* Reads the body of an endpoint's reply with status 200. False when it grants nothing that can be
 * used: then `why` has a clause. */
bool http_grant_read(struct str body, struct http_grant *ret_grant, struct buf *why);
