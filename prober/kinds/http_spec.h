/*
 * The spec of an HTTP check, compiled: the URL taken apart, the first request composed, the
 * expressions ready.
 *
 * Thread: made on any, then read by one loop.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/url.h"
#include "shared/vec.h"

#include "prober/check.h"
#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/http_expect.h"
#include "prober/kinds/http_mask.h"
#include "prober/kinds/http_oauth.h"
#include "prober/kinds/http_request.h"
#include "prober/kinds/http_way.h"

/* Which versions of HTTP a check speaks. */
enum http_choice { HTTP_CHOICE_1_1, HTTP_CHOICE_2, HTTP_CHOICE_AUTO };

struct http_spec {
    struct url url;
    struct endpoint_spec endpoint; /* without host and port: those are the URL's */
    struct tls_client *stranger;   /* TLS with other hosts, for an identity to be hidden; NULL */
    char *method;
    http_headers headers;
    char *body; /* NULL: none */
    size_t body_len;
    unsigned follow_redirects;
    bool keeps_cookies;       /* from one hop to the next */
    bool require_tls;         /* of every hop */
    bool allows_both_lengths; /* a reply with both is a warning */
    uint64_t max_body_bytes;
    enum http_choice version;
    bool with_compression;
    struct http_proxy *proxy; /* NULL: none */

    char *authorization;      /* the header's value; NULL: none, or no token yet */
    struct http_oauth *oauth; /* NULL: none; where the tokens come from */
    struct http_secrets secrets;

    struct http_expect expect;
    struct cert_expiry expiry;

    struct buf request; /* the first one, ready to be sent; empty with oauth */
};

/* As struct probe_kind says. */
void http_spec_new(struct check *check, const json_t *json, json_t **errors);
void http_spec_free(void *object);
