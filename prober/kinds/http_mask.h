/*
 * What must not be shown: not in --explain, not in previews, not in messages. Some headers are secret
 * by their name (shared/http_text.h); what proves who asks is, wherever it turns up (a target may
 * send back what it was sent).
 *
 * Thread: any.
 */
#pragma once

#include "shared/buf.h"
#include "shared/str.h"
#include "shared/vec.h"

#define HTTP_MASK "***"

/* Shorter texts would hide too much of everything else. */
#define HTTP_SECRET_BYTES_MIN 4

/* Texts that must not be shown. */
struct http_secrets {
    VEC(char *) texts;
    char *passing; /* the one that is replaced from time to time; NULL: none */
};

/* Adds a copy; NULL is none. */
void http_secrets_add(struct http_secrets *secrets, const char *text);

/* Adds a copy in place of the one that was given here before. */
void http_secrets_pass(struct http_secrets *secrets, const char *text);

/* Wipes them, too. */
void http_secrets_clear(struct http_secrets *secrets);

/* Puts the mask in place of each of them in `text`, also where their end is missing. */
void http_secrets_mask(const struct http_secrets *secrets, struct buf *text);

/* Appends what a target has sent as buf_append_escaped() does, but for `secret` (NULL: none). */
void append_masked(struct buf *buf, struct str bytes, const char *secret, size_t limit);
