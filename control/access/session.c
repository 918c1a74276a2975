/* Rows of the table `session`; those that are over are swept out with each new one. */
#include "control/access/session.h"

#include "shared/mem.h"

#include "control/access/access.sql.h"
#include "control/access/access_private.h"
#include "control/store/tx.h"

static enum err open_session(struct access *access, struct tx *tx, const struct uuid *principal_id,
                             const struct uuid *api_key_id, struct session *ret_session)
{
    struct uuid id = uuid_new();

    token_new(ret_session->token);
    ret_session->hash = token_hash(str_of(ret_session->token));
    TRY(tx_execute(tx, &sql_session_purge, NO_PARAMS, NULL));
    return tx_execute(tx, &sql_session_insert,
                      PARAMS(p_uuid(&id), p_uuid(principal_id), p_uuid(api_key_id),
                             p_hash(&ret_session->hash), p_int(access->options.session_max_s)),
                      NULL);
}

enum err session_open_by_link(struct access *access, struct db *db, struct str token,
                              struct session *ret_session)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *rows = NULL;
    struct token_hash hash = token_hash(token);
    struct uuid principal_id;

    TRY(tx_begin(db, &tx));
    TRY(tx_query(tx, &sql_sign_in_link_use, PARAMS(p_hash(&hash)), &rows));
    if (rows_count(rows) == 0)
        return fail(ERR_UNAUTHENTICATED, "token_unknown",
                    "The sign-in link is used up, too old or not one of ours.");
    principal_id = row_uuid(rows, 0, 0);
    TRY(open_session(access, tx, &principal_id, NULL, ret_session));
    return tx_commit(TAKE(tx));
}

enum err session_open_by_key(struct access *access, struct db *db, struct str key,
                             struct session *ret_session)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *rows = NULL;
    struct token_hash hash = token_hash(key);
    struct uuid principal_id;
    struct uuid api_key_id;

    TRY(tx_begin(db, &tx));
    TRY(tx_query(tx, &sql_api_key_find, PARAMS(p_hash(&hash)), &rows));
    if (rows_count(rows) == 0)
        return fail(ERR_UNAUTHENTICATED, "key_unknown", "The API key is not valid.");
    principal_id = row_uuid(rows, 0, 0);
    api_key_id = row_uuid(rows, 0, 2);
    TRY(open_session(access, tx, &principal_id, &api_key_id, ret_session));
    return tx_commit(TAKE(tx));
}

void credential_ended(struct access *access, const struct uuid *credential_id)
{
    principal_cache_drop(access->cache, credential_id);
    if (access->options.ended)
        access->options.ended(access->options.ended_context, credential_id);
}

enum err session_end(struct access *access, struct db *db, const struct uuid *id)
{
    TRY(db_execute(db, &sql_session_delete, PARAMS(p_uuid(id)), NULL));
    credential_ended(access, id);
    return OK;
}
