/*
 * The guard: from a credential to a principal. On the loop only memory is asked, and the form of
 * the secret; on a worker the database, by the secret's hash. What comes back is kept for a few
 * seconds.
 */
#include "control/access/access.h"

#include <stdio.h>

#include "shared/clock.h"
#include "shared/mem.h"

#include "control/access/access.sql.h"
#include "control/access/access_private.h"

struct access *access_new(const struct access_options *options)
{
    struct access *access = NEW(struct access);

    access->options = *options;
    if (access->options.session_idle_s == 0)
        access->options.session_idle_s = SESSION_IDLE_S_DEFAULT;
    if (access->options.session_max_s == 0)
        access->options.session_max_s = SESSION_MAX_S_DEFAULT;
    access->cache = principal_cache_new();
    return access;
}

void access_free(struct access *access)
{
    if (!access)
        return;
    principal_cache_free(access->cache);
    free(access);
}

permission_set permissions_read(struct str words)
{
    permission_set set = 0;

    while (words.len > 0) {
        struct str word = str_cut(&words, ' ');

        if (str_equal(word, STR("*")))
            return PERMISSION_ALL;
        for (int i = 0; i < PERMISSION_COUNT; i++)
            if (word.len > 0 && str_equal(word, str_of(permission_words[i])))
                set |= PERMISSION_BIT(i);
    }
    return set;
}

permission_set permissions_of(struct str owner, struct str key, const struct uuid *organisation_id)
{
    permission_set both = permissions_read(owner) & permissions_read(key);

    return uuid_is_nil(organisation_id) ? both : both & ~PERMISSIONS_OF_INSTALLATION;
}

/* A secret that cannot be one of ours is refused without asking anybody. */
static bool is_sound(const struct credential *credential)
{
    switch (credential->kind) {
    case CREDENTIAL_SESSION:
        return token_is_sound(credential->token);
    case CREDENTIAL_KEY:
        return api_key_is_sound(credential->token);
    case CREDENTIAL_NONE:
        break;
    }
    return false;
}

static bool has_expired(const struct principal *principal)
{
    return principal->expires_at_ms != 0 && clock_wall_ms() >= principal->expires_at_ms;
}

static enum guard_answer recall(void *context, const struct credential *credential,
                                struct principal *ret_principal)
{
    struct access *access = context;
    struct token_hash hash;

    if (credential->token.len >= (size_t)MAX(TOKEN_BYTES, API_KEY_BYTES))
        return GUARD_UNKNOWN;
    hash = token_hash(credential->token);
    if (!principal_cache_find(access->cache, &hash, clock_monotonic_us(), ret_principal))
        return is_sound(credential) ? GUARD_ASK : GUARD_UNKNOWN;
    if (ret_principal->by != credential->kind || has_expired(ret_principal))
        return GUARD_UNKNOWN;
    return GUARD_KNOWN;
}

static void read_principal(const struct rows *rows, enum credential_kind by,
                           struct principal *ret_principal)
{
    int64_t expires_at_ms = row_ms(rows, 0, 4);
    struct uuid organisation_id = row_uuid(rows, 0, 6); /* nil when it is NULL */

    *ret_principal = (struct principal){
        .by = by,
        .id = row_uuid(rows, 0, 0),
        .credential_id = row_uuid(rows, 0, 2),
        .organisation_id = organisation_id,
        .permissions = permissions_of(row_text(rows, 0, 3), row_text(rows, 0, 5), &organisation_id),
        .expires_at_ms = expires_at_ms == MS_NULL ? 0 : expires_at_ms,
    };
    snprintf(ret_principal->name, sizeof ret_principal->name, STR_FMT,
             STR_ARG(row_text(rows, 0, 1)));
}

static enum err find_session(struct access *access, struct db *db, struct str token,
                             const struct token_hash *hash, struct principal *ret_principal)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(db, &sql_session_find, PARAMS(p_hash(hash), p_int(access->options.session_idle_s)),
                 &rows));
    if (rows_count(rows) == 0)
        return fail(ERR_UNAUTHENTICATED, "session_ended", "The session has ended: sign in again.");
    read_principal(rows, CREDENTIAL_SESSION, ret_principal);
    token_csrf(token, ret_principal->csrf_token);
    return OK;
}

static enum err find_key(struct db *db, const struct token_hash *hash,
                         struct principal *ret_principal)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_query(db, &sql_api_key_find, PARAMS(p_hash(hash)), &rows));
    if (rows_count(rows) == 0)
        return fail(ERR_UNAUTHENTICATED, "key_unknown", "The API key is not valid.");
    read_principal(rows, CREDENTIAL_KEY, ret_principal);
    return OK;
}

static enum err authenticate(void *context, struct db *db, const struct credential *credential,
                             struct principal *ret_principal)
{
    struct access *access = context;
    uint64_t generation = principal_cache_generation(access->cache);
    struct token_hash hash;

    if (!is_sound(credential))
        return fail(ERR_UNAUTHENTICATED, "credential_malformed", "The credential is malformed.");
    hash = token_hash(credential->token);
    if (credential->kind == CREDENTIAL_SESSION)
        TRY(find_session(access, db, credential->token, &hash, ret_principal));
    else
        TRY(find_key(db, &hash, ret_principal));
    principal_cache_keep(access->cache, &hash, ret_principal, clock_monotonic_us(), generation);
    return OK;
}

struct guard_ops access_guard(struct access *access)
{
    return (struct guard_ops){
        .context = access,
        .recall = recall,
        .authenticate = authenticate,
    };
}
