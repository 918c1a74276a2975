/*
 * Names to addresses by c-ares: A and AAAA at the same time, hosts file first, nothing cached, so
 * that trouble with DNS shows. A resolv.conf that changes, goes or comes is noticed within a second.
 * IP literals are the caller's (addr_parse_ip()).
 *
 * Thread: the loop it was made for.
 */
#pragma once

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/addr.h"
#include "shared/attrs.h"

#define RESOLVER_ADDRS_MAX 16 /* of one answer; what is over it is left out */

enum dns_status {
    DNS_OK,
    DNS_NXDOMAIN,
    DNS_NODATA, /* the name exists, without an address of the wanted family */
    DNS_TIMEOUT,
    DNS_SERVFAIL,
    DNS_REFUSED,
    DNS_FORMAT,     /* an answer that cannot be read, or a name that cannot be asked */
    DNS_UNAVAILABLE /* nobody to ask: no resolv.conf, no descriptors */
};

struct resolver;
struct resolver_query;

/* `addrs` (port 0, IPv6 and IPv4 mixed) are borrowed for the call; none unless DNS_OK. The query is
 * over. */
typedef void (*resolver_fn)(void *context, enum dns_status status, const struct addr *addrs,
                            size_t count);

/* @param servers "addr:port,…" in place of those of resolv.conf, or NULL; borrowed for good. */
struct resolver *resolver_new(struct ev_loop *ev, const char *servers);

/* Frees it; queries that are still open end without their callback. */
void resolver_free(struct resolver *resolver);

DEFINE_AUTO(struct resolver *, resolver_free);

/* Asks for `name`; `family` is AF_INET, AF_INET6 or AF_UNSPEC for both. `on_answer` is called once,
 * never from inside this call, unless the query is cancelled first. Retries are spread over
 * `timeout_ms`; the caller keeps the exact deadline by cancelling. With both families the second
 * one is waited for 50 ms once the first is there. */
struct resolver_query *resolver_ask(struct resolver *resolver, const char *name, int family,
                                    uint32_t timeout_ms, resolver_fn on_answer, void *context);

/* The servers that are asked, at most `max` of them; the port is 0 where it is the usual one. */
size_t resolver_servers(struct resolver *resolver, struct addr *ret_servers, size_t max);

/* The callback is not called any more; an answer that comes late is dropped. */
void resolver_cancel(struct resolver_query *query);
