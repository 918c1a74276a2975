/*
 * http, https, ws and wss URLs, and how a Location header leads from one to the next (RFC 3986, section 5,
 * without what HTTP has no use for). Strict in what it takes: user names, control bytes, spaces and
 * hosts beyond ASCII are refused; a fragment is dropped.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/str.h"

#define URL_BYTES_MAX      8192
#define URL_HOST_BYTES_MAX 255

struct url {
    bool is_tls;
    char *host; /* lower case; an IP literal without brackets */
    uint16_t port;
    char *target; /* path and query, begins with "/" */
};

/* NULL when `text` is a URL that can be probed, else why not, as a clause ("has no host"). On
 * success `ret_url` holds what url_clear() releases. */
const char *url_parse(struct str text, struct url *ret_url);

/* The same for ws:// and wss://. */
const char *url_parse_websocket(struct str text, struct url *ret_url);

/* The same for a reference that stands in a reply from `base`: absolute, "//host/…", "/path",
 * "path", "?query". Bytes beyond ASCII and spaces are percent-encoded, since servers send them. */
const char *url_resolve(const struct url *base, struct str reference, struct url *ret_url);

/* NULL when `host` is a name that DNS can be asked for, else why not, as a clause. */
const char *url_check_host(struct str host);

void url_clear(struct url *url);

static inline void url_clear_p(struct url *url)
{
    url_clear(url);
}

/* Scheme, host and port are the same. */
bool url_same_origin(const struct url *a, const struct url *b);
