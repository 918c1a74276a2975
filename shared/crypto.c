/* libcrypto behind a few functions. */
#include "shared/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

void random_bytes(void *bytes, size_t len)
{
    if (RAND_bytes(bytes, (int)len) != 1)
        abort(); /* a predictable secret is worse than none */
}

/* SplitMix64 (Steele, Lea, Flood 2014), seeded once. */
uint32_t random_number(void)
{
    static _Thread_local uint64_t state;
    uint64_t mixed;

    if (state == 0)
        random_bytes(&state, sizeof state);
    state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(mixed >> 32);
}

void sha256(struct str data, uint8_t ret_digest[SHA256_BYTES])
{
    unsigned len = SHA256_BYTES;

    if (EVP_Digest(data.ptr ? data.ptr : "", data.len, ret_digest, &len, EVP_sha256(), NULL) != 1)
        abort(); /* SHA-256 is always there */
}

void sha1(struct str data, uint8_t ret_digest[SHA1_BYTES])
{
    unsigned len = SHA1_BYTES;

    if (EVP_Digest(data.ptr ? data.ptr : "", data.len, ret_digest, &len, EVP_sha1(), NULL) != 1)
        abort(); /* our providers have it */
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
