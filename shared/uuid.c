/* UUIDv7 from getrandom(2) and the wall clock, and a stable hash for phases and sharding. */
#include "shared/uuid.h"

#include <stdlib.h>
#include <sys/random.h>

#include "shared/clock.h"

struct uuid uuid_new(void)
{
    struct uuid uuid;
    uint64_t now_ms = (uint64_t)clock_wall_ms();

    if (getrandom(uuid.bytes, sizeof uuid.bytes, 0) != (ssize_t)sizeof uuid.bytes)
        abort(); /* up to 256 bytes never come short on Linux */
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    uuid.bytes[6] = (uint8_t)(0x70 | (uuid.bytes[6] & 0x0f));
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
    return uuid;
}

const char *uuid_format(const struct uuid *uuid, char text[UUID_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    char *at = text;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[uuid->bytes[i] >> 4];
        *at++ = hex[uuid->bytes[i] & 15];
    }
    *at = '\0';
    return text;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool uuid_parse(struct str text, struct uuid *ret_uuid)
{
    struct uuid uuid;
    size_t at = 0;

    if (text.len != UUID_TEXT_BYTES - 1)
        return false;
    for (int i = 0; i < 16; i++) {
        int high;
        int low;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && text.ptr[at++] != '-')
            return false;
        high = hex_value(text.ptr[at]);
        low = hex_value(text.ptr[at + 1]);
        if (high < 0 || low < 0)
            return false;
        uuid.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *ret_uuid = uuid;
    return true;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool uuid_is_nil(const struct uuid *uuid)
{
    static const struct uuid nil;

    return uuid_equal(uuid, &nil);
}

uint64_t text_hash(struct str text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (uint8_t)text.ptr[i]) * 0x100000001b3u;
    /* The final mix of MurmurHash3, so that the low bits of similar ids differ. */
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
    hash *= 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 33;
}

uint64_t uuid_hash(const struct uuid *uuid)
{
    return text_hash(str_n((const char *)uuid->bytes, sizeof uuid->bytes));
}
