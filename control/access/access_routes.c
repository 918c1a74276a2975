/* Routes of sessions and API keys. */
#include <stdio.h>

#include "shared/clock.h"
#include "shared/json.h"
#include "shared/log.h"
#include "shared/mem.h"

#include "control/access/access.sql.h"
#include "control/access/access_private.h"
#include "control/access/session.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/write.h"
#include "control/journal/journal.h"
#include "control/journal/journal.sql.h"
#include "control/store/db.h"
#include "control/store/tx.h"

/* --- sessions --- */

/* ["*"], or the words of what the principal may do. */
static json_t *permissions_json(permission_set permissions)
{
    json_t *words = json_array();

    if (permissions == PERMISSION_ALL) {
        json_array_append_new(words, json_string("*"));
        return words;
    }
    for (int i = 0; i < PERMISSION_COUNT; i++)
        if (permissions & PERMISSION_BIT(i) && permission_words[i][0])
            json_array_append_new(words, json_string(permission_words[i]));
    return words;
}

static json_t *time_json(int64_t wall_ms)
{
    char text[TIMESTAMP_BYTES];

    return wall_ms == 0 ? json_null() : json_string(timestamp_format(wall_ms, text));
}

static json_t *session_json(const struct access *access, const struct principal *principal)
{
    char id[UUID_TEXT_BYTES];
    char organisation[UUID_TEXT_BYTES];
    bool has_csrf = principal->by == CREDENTIAL_SESSION;

    return json_pack("{s:{s:s, s:s}, s:s?, s:o, s:s?, s:o, s:{s:s, s:s, s:s}}", "user", "id",
                     uuid_format(&principal->id, id), "name", principal->name, "organisation",
                     uuid_is_nil(&principal->organisation_id)
                         ? NULL
                         : uuid_format(&principal->organisation_id, organisation),
                     "permissions", permissions_json(principal->permissions), "csrf_token",
                     has_csrf ? principal->csrf_token : NULL, "expires_at",
                     time_json(principal->expires_at_ms), "service", "name", "Environment Manager",
                     "version", EM_VERSION, "build",
                     access->options.build ? access->options.build : EM_VERSION);
}

/* One of the two ways in. Both texts are checked by form before the database is asked. */
static enum err open_session(struct access *access, struct request *request,
                             struct session *ret_session)
{
    struct str token = str_of(json_text(request->body, "token", NULL));
    struct str key = str_of(json_text(request->body, "api_key", NULL));

    if (token.ptr && token_is_sound(token))
        return session_open_by_link(access, request->db, token, ret_session);
    if (key.ptr && api_key_is_sound(key))
        return session_open_by_key(access, request->db, key, ret_session);
    return fail(ERR_UNAUTHENTICATED, token.ptr ? "token_unknown" : "key_unknown",
                "The %s is malformed.", token.ptr ? "sign-in token" : "API key");
}

static enum err create_session(struct request *request, struct reply *reply)
{
    struct access *access = request->context;
    struct guard_ops guard = access_guard(access);
    struct session session;
    struct principal principal;
    enum err err;

    db_show_rows(request->db, ALL_ROWS); /* a secret finds its owner, wherever he belongs */
    err = open_session(access, request, &session);
    if (err == ERR_UNAUTHENTICATED)
        log_warning("access.sign_in_refused", "address=%s code=%s", request->address,
                    failure_last()->code);
    TRY(err);
    TRY(guard.authenticate(guard.context, request->db,
                           &(struct credential){CREDENTIAL_SESSION, str_of(session.token)},
                           &principal));
    log_info("access.signed_in", "user=%s address=%s", principal.name, request->address);

    reply_session_cookie(reply, request, session.token, access->options.session_max_s);
    wipe(&session, sizeof session);
    return reply_json_take(reply, session_json(access, &principal));
}

static enum err get_session(const struct request *request, struct reply *reply)
{
    return reply_json_take(reply, session_json(request->context, &request->principal));
}

static enum err delete_session(struct request *request, struct reply *reply)
{
    if (request->principal.by != CREDENTIAL_SESSION)
        return fail(ERR_CONFLICT, "no_session", "The request carries an API key, not a session.");
    TRY(session_end(request->context, request->db, &request->principal.credential_id));
    reply_session_cookie(reply, request, "", 0);
    return OK;
}

/* --- API keys --- */

/* What a key of the organisation can do at most. */
static permission_set reach_of(const struct uuid *organisation_id)
{
    return uuid_is_nil(organisation_id) ? PERMISSION_ALL
                                        : PERMISSION_ALL & ~PERMISSIONS_OF_INSTALLATION;
}

/* A key may not do more than who makes it, and nothing but what its organisation has. */
static void check_scopes(const json_t *scopes, permission_set allowed,
                         const struct uuid *organisation_id, json_t **errors)
{
    permission_set reach = reach_of(organisation_id);
    size_t i;
    json_t *scope;

    json_array_foreach(scopes, i, scope)
    {
        permission_set wanted = permissions_read(str_of(json_string_value(scope)));
        char pointer[32];

        snprintf(pointer, sizeof pointer, "/scopes/%zu", i);
        if (wanted == 0)
            json_add_error(errors, pointer, "unknown", "There is no such permission.");
        else if ((wanted & reach) == 0)
            json_add_error(errors, pointer, "of_installation",
                           "It concerns the installation, and the key is for an organisation.");
        else if (wanted & reach & ~allowed)
            json_add_error(errors, pointer, "denied", "You do not have this permission yourself.");
    }
}

static void check_expiry(const json_t *body, int64_t *ret_expires_at_ms, json_t **errors)
{
    const char *text = json_text(body, "expires_at", NULL);

    *ret_expires_at_ms = MS_NULL;
    if (!text || !timestamp_parse(str_of(text), ret_expires_at_ms))
        return; /* the schema has checked the form */
    if (*ret_expires_at_ms <= clock_wall_ms())
        json_add_error(errors, "/expires_at", "in_the_past", "It must be later than now.");
}

/* The organisation that the key is to belong to; nil: to none. Who belongs to one gives no other:
 * he does not see any other. */
static enum err find_organisation(struct tx *tx, const struct request *request, struct uuid *ret_id,
                                  json_t **errors)
{
    AUTO(rows_free) struct rows *rows = NULL;
    const json_t *field = json_object_get(request->body, "organisation");

    *ret_id = request->principal.organisation_id;
    if (json_is_null(field) && !uuid_is_nil(ret_id))
        json_add_error(errors, "/organisation", "denied",
                       "You belong to an organisation, and so do the keys that you make.");
    if (!json_is_string(field))
        return OK;
    TRY(tx_query(tx, &sql_api_key_organisation, PARAMS(p_text(json_string_value(field))), &rows));
    if (rows_count(rows) == 0)
        json_add_error(errors, "/organisation", "not_found",
                       "There is no organisation of that id or key.");
    else
        *ret_id = row_uuid(rows, 0, 0);
    return OK;
}

#define SCOPES_MAX 64

static enum err insert_key(struct tx *tx, const struct request *request, const struct uuid *id,
                           const char *key)
{
    permission_set own = request->principal.permissions;
    JSON_AUTO json_t *errors = NULL;
    const json_t *scopes = json_object_get(request->body, "scopes");
    struct str words[SCOPES_MAX] = {STR("*")};
    struct token_hash hash = token_hash(str_of(key));
    size_t count = MIN(json_array_size(scopes), (size_t)SCOPES_MAX);
    struct uuid organisation_id;
    int64_t expires_at_ms;

    TRY(find_organisation(tx, request, &organisation_id, &errors));
    if (count > 0)
        check_scopes(scopes, own, &organisation_id, &errors);
    else if (reach_of(&organisation_id) & ~own)
        json_add_error(&errors, "/scopes", "required", "You cannot give all permissions.");
    check_expiry(request->body, &expires_at_ms, &errors);
    if (errors)
        return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", TAKE(errors));

    for (size_t i = 0; i < count; i++)
        words[i] = str_of(json_string_value(json_array_get(scopes, i)));
    return tx_execute(tx, &sql_api_key_insert,
                      PARAMS(p_uuid(id), p_uuid(&request->principal.id), p_uuid(&organisation_id),
                             p_text(json_text(request->body, "name", "")), p_hash(&hash),
                             p_texts(words, MAX(count, (size_t)1)), p_ms(expires_at_ms)),
                      NULL);
}

static enum err record_key(struct tx *tx, const struct request *request, const char *action,
                           const struct uuid *id, const struct uuid *organisation_id,
                           const char *before, const char *after)
{
    return journal_record(tx, JOURNAL_AUTHOR(request),
                          &(struct journal_entry){
                              .action = action,
                              .kind = ENTITY_API_KEY,
                              .entity_id = *id,
                              .organisation_id = *organisation_id,
                              .before = before,
                              .after = after,
                          },
                          1);
}

static enum err create_api_key(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid id = uuid_new();
    struct uuid organisation_id;
    char text[UUID_TEXT_BYTES];
    char key[API_KEY_BYTES];
    json_t *object = NULL;

    api_key_new(key);
    TRY(write_begin(request, reply, &tx));
    TRY(insert_key(tx, request, &id, key));
    TRY(tx_query_one(tx, &sql_api_key_get, PARAMS(p_uuid(&id)), &rows));
    organisation_id = row_uuid(rows, 0, 1); /* nil when it is NULL */
    TRY(record_key(tx, request, "create", &id, &organisation_id, NULL, row_text(rows, 0, 0).ptr));
    TRY(json_parse(row_text(rows, 0, 0), &object));
    json_object_set_new(object, "key", json_string(key));
    wipe(key, sizeof key);
    reply_header(reply, "Location", "/api/v1/api-keys/%s", uuid_format(&id, text));
    TRY(reply_json_take(reply, object));
    return write_commit(request, reply, TAKE(tx));
}

static enum err delete_api_key(struct request *request, struct reply *reply)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *key = NULL;
    AUTO(rows_free) struct rows *sessions = NULL;
    struct access *access = request->context;
    struct uuid organisation_id;
    struct uuid id;

    TRY(request_uuid(request, "id", &id));
    TRY(write_begin(request, reply, &tx));
    TRY(tx_query(tx, &sql_api_key_get, PARAMS(p_uuid(&id)), &key));
    if (rows_count(key) == 0)
        return fail(ERR_NOT_FOUND, "key_missing", "There is no such API key.");
    organisation_id = row_uuid(key, 0, 1);
    TRY(tx_execute(tx, &sql_api_key_revoke, PARAMS(p_uuid(&id)), NULL));
    TRY(tx_query(tx, &sql_session_delete_of_key, PARAMS(p_uuid(&id)), &sessions));
    TRY(record_key(tx, request, "revoke", &id, &organisation_id, row_text(key, 0, 0).ptr, NULL));
    TRY(write_commit(request, reply, TAKE(tx)));
    if (write_is_dry_run(request))
        return OK;

    credential_ended(access, &id);
    for (int row = 0; row < rows_count(sessions); row++) {
        struct uuid session_id = row_uuid(sessions, row, 0);

        credential_ended(access, &session_id);
    }
    return OK;
}

/* clang-format off */
const struct route access_routes[] = {
    HANDLER(POST,   "/api/v1/session",       create_session,     "create_session", PUBLIC,       SIGN_IN, session_new, 200, session,         "Sign in"),
    MEMORY (GET,    "/api/v1/session",       get_session,        "get_session",    SIGNED_IN,    BROWSE,  none,        200, session,         "Who is signed in"),
    HANDLER(DELETE, "/api/v1/session",       delete_session,     "delete_session", SIGNED_IN,    CHANGE,  none,        204, none,            "Sign out"),
    READ   (        "/api/v1/api-keys",      sql_api_keys_page,  "list_api_keys",  ACCESS_READ,  BROWSE,  none,        200, api_key_page,    "List API keys"),
    WRITE  (POST,   "/api/v1/api-keys",      create_api_key,     "create_api_key", ACCESS_WRITE, CHANGE,  api_key_new, 201, api_key_created, "Create an API key"),
    WRITE  (DELETE, "/api/v1/api-keys/{id}", delete_api_key,     "delete_api_key", ACCESS_WRITE, CHANGE,  none,        204, none,            "Revoke an API key"),
    READ   (        "/api/v1/api-keys/{id}/history", sql_change_page, "get_api_key_history", JOURNAL_READ, BROWSE, none,  200, change_page,     "What happened to an API key"),
    { 0 },
};
/* clang-format on */
