/*
 * The few primitives of OpenSSL's libcrypto that are used outside of TLS: random bytes, SHA-256,
 * and comparing secrets without telling by the time taken how much of them was right.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/str.h"

#define SHA256_BYTES 32
#define SHA1_BYTES   20

/* Fills `bytes` from the system's cryptographic random source; aborts when there is none. */
void random_bytes(void *bytes, size_t len);

/* A number that others on the wire will not have by chance; not for secrets. Makes no system call
 * but the first one of a thread. */
uint32_t random_number(void);

void sha256(struct str data, uint8_t ret_digest[SHA256_BYTES]);

/* For the WebSocket handshake, which wants it; nothing is protected by it. */
void sha1(struct str data, uint8_t ret_digest[SHA1_BYTES]);

/* Whether two byte strings of the same length are equal; takes the same time for all of them. */
bool secret_equal(const void *a, const void *b, size_t len);
