/*
 * Socket addresses: IPv4 or IPv6 with a port, as value and as text.
 *
 * Thread: any.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"

/* "[…%interface]:65535" with its zero byte. */
#define ADDR_TEXT_BYTES 72

struct addr {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* Reads an IP literal (IPv6 without brackets, with an optional %zone); false when it is none. */
bool addr_parse_ip(struct str host, uint16_t port, struct addr *ret_addr);

/* Reads "127.0.0.1:80" or "[::1]:80"; false for anything else. */
bool addr_parse(struct str text, struct addr *ret_addr);

/* The address that `any` points to; `any` is IPv4 or IPv6. */
struct addr addr_of(const struct sockaddr *any);

/* Writes "127.0.0.1:80" or "[::1]:80"; returns `text`. */
const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_BYTES]);

/* Writes "127.0.0.1" or "::1"; returns `text`. */
const char *addr_format_ip(const struct addr *addr, char text[ADDR_TEXT_BYTES]);

static inline socklen_t addr_len(const struct addr *addr)
{
    return addr->any.sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                           : sizeof(struct sockaddr_in);
}

static inline uint16_t addr_port(const struct addr *addr)
{
    return ntohs(addr->any.sa_family == AF_INET6 ? addr->v6.sin6_port : addr->v4.sin_port);
}

void addr_set_port(struct addr *addr, uint16_t port);

/* A network: its first address, and how many bits of that all its addresses share. */
struct addr_network {
    struct addr first;
    unsigned bits;
};

/* Reads "10.0.0.0/8", "fd00::/8" or a single IP literal; false for anything else. */
bool addr_parse_network(struct str text, struct addr_network *ret_network);

/* Whether the address is one of the network's, which is one of the same family. */
bool addr_is_in(const struct addr *addr, const struct addr_network *network);

#define ADDR_NETWORKS_MAX 32

/* A list of networks, as options have it. */
struct addr_networks {
    struct addr_network networks[ADDR_NETWORKS_MAX];
    unsigned count;
};

/* Reads "10.0.0.0/8,::1"; NULL and "" are none.
 * @return ERR_INVALID "networks_invalid". */
MUST_USE enum err addr_networks_read(const char *text, struct addr_networks *ret_networks);

bool addr_networks_have(const struct addr_networks *networks, const struct addr *addr);

/* The 16 bytes of an IPv6 address; an IPv4 one as mapped into it. */
void addr_to_v6(const struct addr *addr, uint8_t ret_bytes[16]);

/* 127.0.0.0/8, ::1 and their IPv4-mapped forms. */
bool addr_is_loopback(const struct addr *addr);
