/*
 * Who asks when a proxy stands between: what X-Forwarded-For and X-Forwarded-Proto say is believed
 * only of proxies that the operator has listed, and only as far back as the chain of them goes.
 *
 * Thread: any; the list is constant after it was read.
 */
#pragma once

#include <stdbool.h>

#include "shared/addr.h"
#include "shared/str.h"

struct http_head;

/* What the last proxies of the chain say of a request. */
struct forwarded {
    struct addr client; /* the nearest address that is no listed proxy */
    bool has_scheme;
    bool is_https;
};

/* Reads the fields of a request whose peer is a listed proxy. An address that is none ends the
 * chain: then the proxy before it is the client. */
struct forwarded forwarded_read(const struct addr_networks *networks, const struct http_head *head,
                                const struct addr *peer);
