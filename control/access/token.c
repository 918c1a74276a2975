/* Base62 without bias: random bytes from 248 on are thrown away, so each of the 62 characters is as
 * likely. */
#include "control/access/token.h"

#include <assert.h>
#include <stdio.h>

#include "shared/attrs.h"
#include "shared/mem.h"

#define CSRF_LABEL "csrf:"

#define PREFIX_CHARS   (sizeof(API_KEY_PREFIX) - 1)
#define SECRET_CHARS   30
#define CHECKSUM_CHARS 6

static_assert(PREFIX_CHARS + SECRET_CHARS + CHECKSUM_CHARS + 1 == API_KEY_BYTES,
              "the parts fill the key");

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void random_text(char *text, size_t len)
{
    size_t done = 0;

    while (done < len) {
        uint8_t bytes[64];

        random_bytes(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes && done < len; i++)
            if (bytes[i] < 248)
                text[done++] = base62[bytes[i] % 62];
        wipe(bytes, sizeof bytes);
    }
}

static bool is_base62(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(base62, text.ptr[i], sizeof base62 - 1))
            return false;
    return true;
}

void token_new(char ret_token[TOKEN_BYTES])
{
    random_text(ret_token, TOKEN_BYTES - 1);
    ret_token[TOKEN_BYTES - 1] = '\0';
}

bool token_is_sound(struct str token)
{
    return token.len == TOKEN_BYTES - 1 && is_base62(token);
}

/* CRC-32 of IEEE 802.3, bit by bit: it runs over 30 bytes. */
static uint32_t crc32(struct str text)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < text.len; i++) {
        crc ^= (uint8_t)text.ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void write_checksum(const char *secret, char checksum[CHECKSUM_CHARS])
{
    uint32_t crc = crc32(str_n(secret, SECRET_CHARS));

    for (int i = CHECKSUM_CHARS - 1; i >= 0; i--) {
        checksum[i] = base62[crc % 62];
        crc /= 62;
    }
}

void api_key_new(char ret_key[API_KEY_BYTES])
{
    char *secret = ret_key + PREFIX_CHARS;

    memcpy(ret_key, API_KEY_PREFIX, PREFIX_CHARS);
    random_text(secret, SECRET_CHARS);
    write_checksum(secret, secret + SECRET_CHARS);
    ret_key[API_KEY_BYTES - 1] = '\0';
}

bool api_key_is_sound(struct str key)
{
    char checksum[CHECKSUM_CHARS];

    if (key.len != API_KEY_BYTES - 1 || !str_starts_with(key, STR(API_KEY_PREFIX)) ||
        !is_base62(str_sub(key, PREFIX_CHARS, key.len)))
        return false;
    write_checksum(key.ptr + PREFIX_CHARS, checksum);
    return memcmp(key.ptr + PREFIX_CHARS + SECRET_CHARS, checksum, sizeof checksum) == 0;
}

struct token_hash token_hash(struct str secret)
{
    struct token_hash hash;

    sha256(secret, hash.bytes);
    return hash;
}

void token_csrf(struct str session_token, char ret_csrf[2 * SHA256_BYTES + 1])
{
    char labelled[sizeof CSRF_LABEL + TOKEN_BYTES];
    uint8_t digest[SHA256_BYTES];

    snprintf(labelled, sizeof labelled, CSRF_LABEL STR_FMT, STR_ARG(session_token));
    sha256(str_of(labelled), digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(ret_csrf + 2 * i, 3, "%02x", digest[i]);
    wipe(labelled, sizeof labelled);
}
