/* Two tables of networks, one per family; the first row that matches decides. */
#include "shared/address_policy.h"

#include <arpa/inet.h>

#include "shared/attrs.h"

enum network_kind { METADATA, LINK_LOCAL, UNSPECIFIED, MULTICAST, BROADCAST, LOOPBACK, PRIVATE };

struct network4 {
    uint8_t bytes[4];
    unsigned bits;
    enum network_kind kind;
};

struct network6 {
    uint8_t bytes[16];
    unsigned bits;
    enum network_kind kind;
};

/* clang-format off */
static const struct network4 networks4[] = {
    {{169, 254, 169, 254}, 32, METADATA},
    {{100, 100, 100, 200}, 32, METADATA}, /* Alibaba */
    {{168,  63, 129,  16}, 32, METADATA}, /* Azure's wire server */
    {{192,   0,   0, 192}, 32, METADATA}, /* Oracle */
    {{169, 254,   0,   0}, 16, LINK_LOCAL},
    {{  0,   0,   0,   0},  8, UNSPECIFIED},
    {{127,   0,   0,   0},  8, LOOPBACK},
    {{ 10,   0,   0,   0},  8, PRIVATE},
    {{172,  16,   0,   0}, 12, PRIVATE},
    {{192, 168,   0,   0}, 16, PRIVATE},
    {{100,  64,   0,   0}, 10, PRIVATE},
    {{224,   0,   0,   0},  4, MULTICAST},
    {{255, 255, 255, 255}, 32, BROADCAST},
};

static const struct network6 networks6[] = {
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}, 128, METADATA}, /* Amazon */
    {{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54}, 128, METADATA}, /* Google */
    {{0xfe, 0x80}, 10, LINK_LOCAL},
    {{0}, 128, UNSPECIFIED},
    {{[15] = 1}, 128, LOOPBACK},
    {{0xfc}, 7, PRIVATE},
    {{0xff}, 8, MULTICAST},
};
/* clang-format on */

static const char *const refusals[] = {
    [METADATA] = "is a metadata address",   [LINK_LOCAL] = "is a link-local address",
    [UNSPECIFIED] = "is no host's address", [MULTICAST] = "is a multicast address",
    [BROADCAST] = "is a broadcast address", [LOOPBACK] = "is a loopback address",
    [PRIVATE] = "is a private address",
};

static bool starts_with_bits(const uint8_t *bytes, const uint8_t *network, unsigned bits)
{
    unsigned rest = bits % 8;

    if (memcmp(bytes, network, bits / 8) != 0)
        return false;
    return rest == 0 || ((bytes[bits / 8] ^ network[bits / 8]) >> (8 - rest)) == 0;
}

static const char *refusal(const struct address_policy *policy, enum network_kind kind)
{
    if (kind == LOOPBACK && policy->allow_loopback)
        return NULL;
    if (kind == PRIVATE && policy->allow_private)
        return NULL;
    return refusals[kind];
}

static const char *refusal4(const struct address_policy *policy, const uint8_t *bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(networks4); i++) {
        if (starts_with_bits(bytes, networks4[i].bytes, networks4[i].bits))
            return refusal(policy, networks4[i].kind);
    }
    return NULL;
}

static const char *refusal6(const struct address_policy *policy, const uint8_t *bytes)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t six_to_four[2] = {0x20, 0x02};

    if (memcmp(bytes, mapped, sizeof mapped) == 0 || memcmp(bytes, nat64, sizeof nat64) == 0)
        return refusal4(policy, bytes + 12);
    if (memcmp(bytes, six_to_four, sizeof six_to_four) == 0)
        return refusal4(policy, bytes + 2);

    for (size_t i = 0; i < ARRAY_LEN(networks6); i++) {
        if (starts_with_bits(bytes, networks6[i].bytes, networks6[i].bits))
            return refusal(policy, networks6[i].kind);
    }
    return NULL;
}

const char *address_policy_refusal(const struct address_policy *policy, const struct addr *addr)
{
    if (addr->any.sa_family == AF_INET)
        return refusal4(policy, (const uint8_t *)&addr->v4.sin_addr);
    return refusal6(policy, addr->v6.sin6_addr.s6_addr);
}
