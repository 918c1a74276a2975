/* Socket addresses as text and back; only numbers, names are the resolver's. */
#include "shared/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

static bool parse_v6(struct str host, struct sockaddr_in6 *v6)
{
    char text[INET6_ADDRSTRLEN];
    char zone[IF_NAMESIZE];
    struct str rest = host;
    struct str ip = str_cut(&rest, '%');

    if (ip.len >= sizeof text || rest.len >= sizeof zone)
        return false;
    memcpy(text, ip.ptr, ip.len);
    text[ip.len] = '\0';
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
        return false;
    if (!rest.ptr)
        return true;

    memcpy(zone, rest.ptr, rest.len);
    zone[rest.len] = '\0';
    v6->sin6_scope_id = if_nametoindex(zone);
    return v6->sin6_scope_id != 0;
}

bool addr_parse_ip(struct str host, uint16_t port, struct addr *ret_addr)
{
    char text[INET_ADDRSTRLEN];
    struct addr addr = {0};

    if (memchr(host.ptr, ':', host.len)) {
        addr.v6.sin6_family = AF_INET6;
        addr.v6.sin6_port = htons(port);
        if (!parse_v6(host, &addr.v6))
            return false;
    } else {
        if (host.len >= sizeof text)
            return false;
        memcpy(text, host.ptr, host.len);
        text[host.len] = '\0';
        addr.v4.sin_family = AF_INET;
        addr.v4.sin_port = htons(port);
        if (inet_pton(AF_INET, text, &addr.v4.sin_addr) != 1)
            return false;
    }
    *ret_addr = addr;
    return true;
}

bool addr_parse(struct str text, struct addr *ret_addr)
{
    const char *colon = text.len > 0 ? memrchr(text.ptr, ':', text.len) : NULL;
    struct str host;
    uint64_t port;

    if (!colon)
        return false;
    host = str_n(text.ptr, (size_t)(colon - text.ptr));
    if (!str_to_u64(str_sub(text, host.len + 1, text.len), UINT16_MAX, &port))
        return false;
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = str_sub(host, 1, host.len - 2);
    else if (memchr(host.ptr, ':', host.len))
        return false;
    return addr_parse_ip(host, (uint16_t)port, ret_addr);
}

struct addr addr_of(const struct sockaddr *any)
{
    struct addr addr = {0};

    memcpy(&addr, any, any->sa_family == AF_INET6 ? sizeof addr.v6 : sizeof addr.v4);
    return addr;
}

const char *addr_format_ip(const struct addr *addr, char text[ADDR_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN];
    char zone[IF_NAMESIZE + 1] = "";

    if (addr->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &addr->v4.sin_addr, text, ADDR_TEXT_BYTES);
        return text;
    }
    inet_ntop(AF_INET6, &addr->v6.sin6_addr, ip, sizeof ip);
    if (addr->v6.sin6_scope_id && if_indextoname(addr->v6.sin6_scope_id, zone + 1))
        zone[0] = '%';
    snprintf(text, ADDR_TEXT_BYTES, "%s%s", ip, zone);
    return text;
}

const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_BYTES])
{
    bool is_v4 = addr->any.sa_family == AF_INET;
    char ip[ADDR_TEXT_BYTES - sizeof "[]:65535"];

    snprintf(ip, sizeof ip, "%s", addr_format_ip(addr, text));
    snprintf(text, ADDR_TEXT_BYTES, is_v4 ? "%s:%u" : "[%s]:%u", ip, addr_port(addr));
    return text;
}

void addr_set_port(struct addr *addr, uint16_t port)
{
    if (addr->any.sa_family == AF_INET6)
        addr->v6.sin6_port = htons(port);
    else
        addr->v4.sin_port = htons(port);
}

bool addr_parse_network(struct str text, struct addr_network *ret_network)
{
    struct str rest = text;
    struct str first = str_cut(&rest, '/');
    uint64_t bits;

    if (!addr_parse_ip(first, 0, &ret_network->first))
        return false;
    bits = ret_network->first.any.sa_family == AF_INET6 ? 128 : 32;
    if (rest.ptr && !str_to_u64(rest, bits, &bits))
        return false;
    ret_network->bits = (unsigned)bits;
    return true;
}

static const uint8_t *bytes_of(const struct addr *addr)
{
    return addr->any.sa_family == AF_INET6 ? addr->v6.sin6_addr.s6_addr
                                           : (const uint8_t *)&addr->v4.sin_addr;
}

bool addr_is_in(const struct addr *addr, const struct addr_network *network)
{
    const uint8_t *bytes = bytes_of(addr);
    const uint8_t *first = bytes_of(&network->first);
    unsigned whole = network->bits / 8;
    unsigned rest = network->bits % 8;

    if (addr->any.sa_family != network->first.any.sa_family)
        return false;
    return memcmp(bytes, first, whole) == 0 &&
           (rest == 0 || (bytes[whole] ^ first[whole]) >> (8 - rest) == 0);
}

enum err addr_networks_read(const char *text, struct addr_networks *ret_networks)
{
    struct addr_networks networks = {0};
    struct str rest = text && *text ? str_of(text) : (struct str){0};

    while (rest.ptr) {
        struct str name = str_trim(str_cut(&rest, ','));

        if (networks.count == ADDR_NETWORKS_MAX)
            return fail(ERR_INVALID, "networks_invalid", "there may be at most %d networks",
                        ADDR_NETWORKS_MAX);
        if (!addr_parse_network(name, &networks.networks[networks.count++]))
            return fail(ERR_INVALID, "networks_invalid",
                        "\"" STR_FMT "\" is not an address or network such as 10.0.0.0/8",
                        STR_ARG(name));
    }
    *ret_networks = networks;
    return OK;
}

bool addr_networks_have(const struct addr_networks *networks, const struct addr *addr)
{
    for (unsigned i = 0; i < networks->count; i++) {
        if (addr_is_in(addr, &networks->networks[i]))
            return true;
    }
    return false;
}

void addr_to_v6(const struct addr *addr, uint8_t ret_bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (addr->any.sa_family == AF_INET6) {
        memcpy(ret_bytes, addr->v6.sin6_addr.s6_addr, 16);
        return;
    }
    memcpy(ret_bytes, mapped, sizeof mapped);
    memcpy(ret_bytes + sizeof mapped, &addr->v4.sin_addr, 4);
}

bool addr_is_loopback(const struct addr *addr)
{
    if (addr->any.sa_family == AF_INET)
        return (ntohl(addr->v4.sin_addr.s_addr) >> 24) == 127;
    if (IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr))
        return addr->v6.sin6_addr.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&addr->v6.sin6_addr);
}
