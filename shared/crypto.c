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
