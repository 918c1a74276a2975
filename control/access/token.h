/*
 * The secrets that let somebody in. All are base62 text from the cryptographic random source, and
 * only their SHA-256 is ever stored.
 *
 *   API key         em_key_ + 30 characters (178 bits) + 6 characters of their CRC-32, so that a
 *                   mistyped or cut key is seen without asking the database, and a leaked one is
 *                   found by search
 *   session, link   43 characters (256 bits)
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/crypto.h"
#include "shared/str.h"

#define TOKEN_BYTES    44 /* with its zero byte */
#define API_KEY_PREFIX "em_key_"
#define API_KEY_BYTES  44 /* 7 + 30 + 6, with its zero byte */

struct token_hash {
    uint8_t bytes[SHA256_BYTES];
};

/* Makes a new session or link token. */
void token_new(char ret_token[TOKEN_BYTES]);

/* Whether a text has the form of one. */
bool token_is_sound(struct str token);

/* Makes a new API key. */
void api_key_new(char ret_key[API_KEY_BYTES]);

/* Whether a text has the form of one, its checksum included. */
bool api_key_is_sound(struct str key);

/* What is stored of a secret. */
struct token_hash token_hash(struct str secret);

/* The CSRF token of a session: follows from its token, which scripts cannot read, and does not lead
 * back to it. */
void token_csrf(struct str session_token, char ret_csrf[2 * SHA256_BYTES + 1]);
