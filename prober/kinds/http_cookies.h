/*
 * The cookies of one run: what a reply sets goes along to the hops that a redirect leads to, where it
 * belongs there (RFC 6265). Nothing is kept for the next run.
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include <stdbool.h>

#include "shared/buf.h"
#include "shared/url.h"
#include "shared/vec.h"

/* What comes beyond these is left out. */
#define HTTP_COOKIES_MAX       50
#define HTTP_COOKIE_BYTES_MAX  4096 /* of one, with its attributes */
#define HTTP_COOKIES_BYTES_MAX (8 * 1024)

struct http_cookie {
    char *pair; /* "name=value" */
    size_t name_len;
    char *domain; /* host, or what Domain names */
    char *path;
    bool host_only;
    bool tls_only;
};

struct http_cookies {
    VEC(struct http_cookie) items;
    size_t bytes; /* of all pairs */
};

/* Takes the value of one Set-Cookie of a reply from `from`. One that is malformed, too large, already
 * over, or set for a domain that is not the host's, is left out; it takes the place of one of the
 * same name, domain and path. */
void http_cookies_take(struct http_cookies *cookies, const struct url *from, struct str value);

/* Appends "a=1; b=2", those that belong to `to`; longer paths first. */
void http_cookies_append(const struct http_cookies *cookies, const struct url *to,
                         struct buf *text);

void http_cookies_clear(struct http_cookies *cookies);
