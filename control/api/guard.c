/*
 * Credentials and forgery. A browser sends the session cookie along with whatever another site
 * makes it send, so a write by cookie has to prove that it comes from our pages: by its Origin and
 * by a token that only they can read. Keys are never sent by a browser on its own, so they need no
 * such proof.
 */
#include "control/api/guard.h"

#include "shared/crypto.h"
#include "shared/http_parse.h"

#include "control/api/guard_cookie.h"
#include "control/api/request.h"

struct row_scope guard_rows(const struct principal *principal)
{
    if (principal->by == CREDENTIAL_NONE)
        return (struct row_scope){0};
    if (uuid_is_nil(&principal->organisation_id))
        return ALL_ROWS;
    return (struct row_scope){ROWS_OF_ONE, principal->organisation_id};
}

bool guard_shows(const struct principal *principal, const struct uuid *organisation_id)
{
    if (principal->by == CREDENTIAL_NONE)
        return false;
    return uuid_is_nil(&principal->organisation_id) ||
           uuid_equal(&principal->organisation_id, organisation_id);
}

bool guard_allows(const struct principal *principal, enum permission permission)
{
    if (permission == PERMISSION_PUBLIC)
        return true;
    if (permission == PERMISSION_SIGNED_IN)
        return principal->by != CREDENTIAL_NONE;
    return principal->by != CREDENTIAL_NONE &&
           (principal->permissions & PERMISSION_BIT(permission));
}

const char *session_cookie_name(bool secure)
{
    return secure ? "__Host-em_session" : "em_session";
}

static struct str cookie_value(struct str cookies, struct str name)
{
    while (cookies.ptr) {
        struct str pair = str_trim(str_cut(&cookies, ';'));
        struct str found = str_cut(&pair, '=');

        if (pair.ptr && str_equal(found, name))
            return pair;
    }
    return (struct str){0};
}

struct credential credential_of(const struct http_head *head, bool secure)
{
    struct str authorization = http_head_field(head, STR("authorization"));
    struct str cookies;

    if (authorization.len > 7 && str_equal_nocase(str_sub(authorization, 0, 7), STR("Bearer ")))
        return (struct credential){CREDENTIAL_KEY,
                                   str_trim(str_sub(authorization, 7, authorization.len))};

    cookies =
        cookie_value(http_head_field(head, STR("cookie")), str_of(session_cookie_name(secure)));
    if (cookies.len > 0)
        return (struct credential){CREDENTIAL_SESSION, cookies};
    return (struct credential){0};
}

bool origin_is_own(const struct http_head *head, bool secure)
{
    struct str origin = http_head_field(head, STR("origin"));
    struct str host = http_head_field(head, STR("host"));

    if (!origin.ptr)
        return true;
    if (str_starts_with(origin, STR("https://")))
        origin = str_sub(origin, 8, origin.len);
    else if (!secure && str_starts_with(origin, STR("http://")))
        origin = str_sub(origin, 7, origin.len);
    else
        return false;
    return origin.len > 0 && str_equal_nocase(origin, host);
}

enum err guard_against_forgery(const struct request *request)
{
    struct str token;
    size_t len;

    if (request->method == METHOD_GET || request->method == METHOD_HEAD ||
        request->principal.by == CREDENTIAL_KEY)
        return OK;
    if (!origin_is_own(request->head, request->secure))
        return fail(ERR_DENIED, "origin_refused", "This request comes from another site.");
    /* Signing in acts for who is named in the body, not for the cookie that happens to be there. */
    if (request->principal.by == CREDENTIAL_NONE || request->route->permission == PERMISSION_PUBLIC)
        return OK;

    token = http_head_field(request->head, STR("x-csrf-token"));
    len = strlen(request->principal.csrf_token);
    if (len == 0 || token.len != len ||
        !secret_equal(token.ptr, request->principal.csrf_token, len))
        return fail(ERR_DENIED, "csrf_refused",
                    "The header X-CSRF-Token has to carry the session's csrf_token.");
    return OK;
}
