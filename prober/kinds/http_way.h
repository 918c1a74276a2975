/*
 * The way to the host of a URL: straight, or through an HTTP proxy that is asked to connect there
 * (CONNECT, RFC 9110, 9.3.6). The proxy resolves the name, or this prober where the check wants it.
 * What the proxy cannot reach is a failure of the target; everything else that goes wrong with it is
 * this prober's trouble. Only the check names a proxy: the environment has no say.
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include <jansson.h>

#include "shared/buf.h"
#include "shared/url.h"
#include "shared/vec.h"

#include "prober/dial.h"
#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/http_mask.h"

struct probe;
struct probe_step;

struct http_proxy {
    struct url url;
    struct endpoint_spec endpoint; /* TLS to the proxy itself */
    struct buf fields;             /* its headers, as they are sent */
    bool resolves_here;
    VEC(char *) without; /* hosts and networks that need no proxy */
};

/* Where to; all of it is borrowed until the run ends. */
struct http_destination {
    const struct url *url;
    struct tls_client *tls; /* for a URL with TLS */
    struct tls_names names; /* without a server: the URL's host */
    enum address_family family;
    const struct addr *source;
};

enum http_way_stage {
    WAY_DIRECT,
    WAY_TO_NAME,  /* the target's name is resolved here */
    WAY_TO_PROXY, /* until the proxy was asked */
    WAY_ASKED,
    WAY_OPEN, /* it has answered: what happens now is the target's doing */
};

/* Of one run. */
struct http_way {
    enum http_way_stage stage;
    struct http_destination to;
    const struct probe_step *then;
    struct buf request; /* to the proxy */
};

/* Reads a spec's `proxy` object; adds to `errors` what is still wrong. Yours. */
struct http_proxy *http_proxy_new(const json_t *json, struct http_secrets *secrets,
                                  json_t **errors);
void http_proxy_free(struct http_proxy *proxy);

/* Leads a step there; `then` runs when the stream stands, with TLS on it where the URL says so. */
enum wait http_way_start(struct probe *probe, const struct http_destination *to,
                         const struct probe_step *then);

/* The result of a run that ended on the way, in the words of the way. */
void http_way_conclude(struct probe *probe);

void http_way_release(struct http_way *way);
