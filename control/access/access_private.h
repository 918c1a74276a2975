/* What the files of this folder share. */
#pragma once

#include "control/access/access.h"
#include "control/access/principal_cache.h"
#include "control/access/token.h"
#include "control/store/query.h"

struct access {
    struct access_options options;
    struct principal_cache *cache;
};

static inline struct param p_hash(const struct token_hash *hash)
{
    return p_bytes(str_n((const char *)hash->bytes, sizeof hash->bytes));
}

/* Reads "inventory.read check.write" or "*"; words of other versions are ignored. */
permission_set permissions_read(struct str words);

/* What a credential may do: what the owner and the key both may, and nothing of the installation's
 * for who belongs to an organisation (nil: to none). */
permission_set permissions_of(struct str owner, struct str key, const struct uuid *organisation_id);
