/*
 * Where our programs may connect to on behalf of others: checked on the address that is really
 * connected to, after names are resolved. Cloud metadata services and link-local, unspecified,
 * multicast and broadcast addresses are refused always; loopback and private networks by what the
 * policy says. IPv4 inside of IPv6 (mapped, NAT64, 6to4) counts as the IPv4 address.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>

#include "shared/addr.h"

struct address_policy {
    bool allow_loopback;
    bool allow_private; /* RFC 1918, RFC 6598, unique local */
};

/* Why the address is refused, to follow it in a sentence ("is a metadata address"); NULL when it is
 * allowed. */
const char *address_policy_refusal(const struct address_policy *policy, const struct addr *addr);
