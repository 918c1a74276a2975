/*
 * Who is behind a credential, in memory: the SHA-256 of a session token or API key → principal. An
 * entry is believed for CACHE_FRESH_US, then the database is asked again: so what was ended by
 * another process ends here too within that time. What is ended here is dropped at once.
 *
 * Thread: any; one mutex, held for the length of a look-up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/access/token.h"
#include "control/api/guard.h"

#define CACHE_ENTRIES_MAX 10000
#define CACHE_FRESH_US    5000000

struct principal_cache;

struct principal_cache *principal_cache_new(void);
void principal_cache_free(struct principal_cache *cache);

/* False when the credential is not known, or not known freshly enough. */
bool principal_cache_find(struct principal_cache *cache, const struct token_hash *hash,
                          int64_t now_us, struct principal *ret_principal);

/* The number of what was dropped so far: read it before asking the database, and give it to
 * principal_cache_keep(). */
uint64_t principal_cache_generation(struct principal_cache *cache);

/* Keeps what the database said, unless something was dropped since then: it may have been just
 * that. The oldest entry makes room when the cache is full. */
void principal_cache_keep(struct principal_cache *cache, const struct token_hash *hash,
                          const struct principal *principal, int64_t now_us, uint64_t generation);

/* Forgets a session or key. */
void principal_cache_drop(struct principal_cache *cache, const struct uuid *credential_id);
