/*
 * The text of requests: the target's, with the check's headers, body and credentials.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/url.h"
#include "shared/vec.h"

struct http_spec;

#define HTTP_USER_AGENT "environment-manager/" EM_VERSION

struct http_header {
    char *name;
    char *value;
};

typedef VEC(struct http_header) http_headers;

/* Reads [["name", "value"], …]; NULL is none. */
void http_headers_read(http_headers *headers, const json_t *pairs);
void http_headers_clear(http_headers *headers);

/* What a request after a redirect keeps of the first one. */
struct http_request_options {
    const char *method;
    bool with_body;
    /* what proves who asks, and the given Host, belong to the first host only */
    bool with_credentials;
    const char *cookies; /* that earlier replies have set; NULL: none */
};

/* Appends the whole request for `url`. */
void http_request_compose(struct buf *buf, const struct http_spec *spec, const struct url *url,
                          const struct http_request_options *options);

/* Appends "host:port", where an IPv6 address has brackets. */
void http_append_authority(struct buf *buf, const char *host, uint16_t port);

/* Appends "Host: …" with its line end, the port where it is not the usual one. */
void http_append_host(struct buf *buf, const struct url *url);

/* Appends the URL as text; of its target at most `target_bytes_max`. */
void http_append_url(struct buf *buf, const struct url *url, size_t target_bytes_max);
