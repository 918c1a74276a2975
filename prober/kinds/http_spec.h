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

struct http_header {
    char *name;
    char *value;
};

struct http_spec {
    struct url url;
    struct endpoint_spec endpoint; /* without host and port: those are the URL's */
    char *method;
    VEC(struct http_header) headers;
    char *body; /* NULL: none */
    size_t body_len;
    unsigned follow_redirects;
    uint64_t max_body_bytes;

    struct http_expect expect;
    struct cert_expiry expiry;

    struct buf request; /* the first one, ready to be sent */
};

/* As struct probe_kind says. */
void http_spec_new(struct check *check, const json_t *json, json_t **errors);
void http_spec_free(void *object);

/* What a request after a redirect keeps of the first one. */
struct http_request_options {
    const char *method;
    bool with_body;
    /* Authorization, Cookie and the given Host belong to the first host only */
    bool with_credentials;
};

/* Appends the whole request for `url`. */
void http_request_compose(struct buf *buf, const struct http_spec *spec, const struct url *url,
                          const struct http_request_options *options);
