/*
 * Signatures of Standard Webhooks 1.0.0 (standardwebhooks.com): "v1," and the base64 of HMAC-SHA-256 over
 * "<id>.<seconds>.<body>". A secret is "whsec_" and the base64 of 24 to 64 bytes.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

#define WEBHOOK_SECRET_PREFIX    "whsec_"
#define WEBHOOK_SECRET_BYTES_MIN 24
#define WEBHOOK_SECRET_BYTES_MAX 64

struct webhook_secret {
    uint8_t bytes[WEBHOOK_SECRET_BYTES_MAX];
    size_t len;
};

/* Reads a secret, with or without its prefix; false when it is none. */
bool webhook_secret_read(struct str text, struct webhook_secret *ret_secret);

/* Appends a new secret of 32 random bytes, with its prefix. */
void webhook_secret_make(struct buf *out);

/* Appends one signature; several are separated by blanks. */
void webhook_sign(const struct webhook_secret *secret, struct str id, int64_t at_s, struct str body,
                  struct buf *out);
