/*
 * Who asks when a proxy stands between: what X-Forwarded-For and X-Forwarded-Proto say is believed
 * only of proxies that the operator has listed, and only as far back as the chain of them goes.
 *
 * Thread: any; the list is constant after it was read.
 */
#pragma once

#include <stdbool.h>

#include "shared/addr.h"
#include "shared/err.h"
#include "shared/str.h"

#define PROXY_NETWORKS_MAX 32

struct http_head;

struct proxy_networks {
    struct addr_network networks[PROXY_NETWORKS_MAX];
    unsigned count;
};

/* Reads "10.0.0.0/8,::1"; NULL and "" are none.
 * @return ERR_INVALID "proxies_invalid". */
MUST_USE enum err proxy_networks_read(const char *text, struct proxy_networks *ret_networks);

bool proxy_networks_have(const struct proxy_networks *networks, const struct addr *addr);

/* What the last proxies of the chain say of a request. */
struct forwarded {
    struct addr client; /* the nearest address that is no listed proxy */
    bool has_scheme;
    bool is_https;
};

/* Reads the fields of a request whose peer is a listed proxy. An address that is none ends the
 * chain: then the proxy before it is the client. */
struct forwarded forwarded_read(const struct proxy_networks *networks, const struct http_head *head,
                                const struct addr *peer);
