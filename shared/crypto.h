/*
 * The few primitives of OpenSSL's libcrypto that are used outside of TLS: random bytes, digests,
 * keys from passwords, sealing texts, and comparing secrets without telling by the time taken how much of them was
 * right.
 *
 * Thread: any.
 */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/err.h"
#include "shared/str.h"

#define SHA256_BYTES 32
#define SHA1_BYTES   20
#define MD5_BYTES    16

#define SEAL_KEY_BYTES 32

/* Fills `bytes` from the system's cryptographic random source; aborts when there is none. */
void random_bytes(void *bytes, size_t len);

/* A number that others on the wire will not have by chance; not for secrets. Makes no system call
 * but the first one of a thread. */
uint32_t random_number(void);

void sha256(struct str data, uint8_t ret_digest[SHA256_BYTES]);

/* For the WebSocket handshake, which wants it; nothing is protected by it. */
void sha1(struct str data, uint8_t ret_digest[SHA1_BYTES]);

/* For passwords of old servers, who know nothing better; false where this machine's policy has no
 * MD5. */
bool md5(struct str data, uint8_t ret_digest[MD5_BYTES]);

void hmac_sha256(struct str key, struct str data, uint8_t ret_code[SHA256_BYTES]);

/*
 * A key from a password by PBKDF2 with HMAC-SHA-256 (RFC 8018), in parts, so that nobody has to
 * wait for all of it: a round takes about 0.35 microseconds. Begin, run until it says that it is
 * done, take `key`, clear; clearing is harmless at any time.
 */
struct pbkdf2 {
    EVP_MAC_CTX *mac; /* NULL: not begun */
    uint32_t rounds_left;
    uint8_t last[SHA256_BYTES];
    uint8_t key[SHA256_BYTES];
};

/* @param rounds at least 1. */
void pbkdf2_begin(struct pbkdf2 *pbkdf2, struct str password, struct str salt, uint32_t rounds);
bool pbkdf2_run(struct pbkdf2 *pbkdf2, uint32_t rounds_max);
void pbkdf2_clear(struct pbkdf2 *pbkdf2);

/* Appends `plain` encrypted by AES-256-GCM (NIST SP 800-38D): a random nonce of 12 bytes, the cipher
 * text, the tag of 16 bytes. A key is good for 2^32 texts. */
void seal(const uint8_t key[SEAL_KEY_BYTES], struct str plain, struct buf *out);

/* Appends what was sealed; false, and appends nothing, when it was not sealed with this key or has
 * been altered. */
MUST_USE bool unseal(const uint8_t key[SEAL_KEY_BYTES], struct str sealed, struct buf *out);

/* Whether two byte strings of the same length are equal; takes the same time for all of them. */
bool secret_equal(const void *a, const void *b, size_t len);
