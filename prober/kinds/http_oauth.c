/* Texts out and in; what comes in is bounded by who reads it and by shared/json.h. */
#include "prober/kinds/http_oauth.h"

#include <ctype.h>

#include "shared/http_text.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/http_auth.h"
#include "prober/kinds/http_request.h"

#define TOKEN_BYTES_MAX    (16 * 1024)
#define LIFETIME_S_DEFAULT 300 /* when the endpoint does not say */
#define LIFETIME_S_MAX     86400
#define QUOTED_BYTES_MAX   200 /* of what the endpoint says is wrong */

/* ---- the request ---- */

/* As application/x-www-form-urlencoded has it. */
static void append_form(struct buf *form, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (isalnum((unsigned char)*c) || strchr("-._~", *c))
            buf_append_char(form, *c);
        else
            buf_printf(form, "%%%02X", (unsigned char)*c);
    }
}

static char *form_text(const char *text)
{
    struct buf form = {0};

    append_form(&form, text);
    return buf_take_text(&form);
}

/* The request never changes. The client names itself in the header, or in the body where the
 * endpoint wants it so (RFC 6749, 2.3.1). */
static void compose(struct http_oauth *oauth, const json_t *json, struct http_secrets *secrets)
{
    char *id = form_text(json_text(json, "client_id", ""));
    char *secret = form_text(json_text(json, "client_secret", ""));
    bool in_body = strcmp(json_text(json, "client_auth", "header"), "body") == 0;
    CLEANUP(buf_clear_p) struct buf body = {0};
    struct buf *request = &oauth->request;

    buf_append_text(&body, "grant_type=client_credentials");
    if (json_has(json, "scope")) {
        buf_append_text(&body, "&scope=");
        append_form(&body, json_text(json, "scope", ""));
    }
    if (in_body)
        buf_printf(&body, "&client_id=%s&client_secret=%s", id, secret);

    buf_printf(request, "POST %s HTTP/1.1\r\n", oauth->url.target);
    http_append_host(request, &oauth->url);
    buf_append_text(request, "User-Agent: " HTTP_USER_AGENT "\r\nAccept: application/json\r\n"
                             "Connection: close\r\n");
    if (!in_body) {
        char *authorization = http_auth_basic(id, secret, secrets);

        buf_printf(request, "Authorization: %s\r\n", authorization);
        free(authorization);
    }
    buf_printf(request,
               "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
               body.len);
    buf_append_str(request, buf_str(&body));
    http_secrets_add(secrets, secret);
    free(id);
    free(secret);
}

struct http_oauth *http_oauth_new(const json_t *json, struct http_secrets *secrets, json_t **errors)
{
    struct http_oauth *oauth = NEW(struct http_oauth);
    const char *wrong = url_parse(str_of(json_text(json, "token_url", "")), &oauth->url);

    endpoint_spec_read_tls(&oauth->endpoint, json_object_get(json, "tls"));
    http_secrets_add(secrets, json_text(json, "client_secret", NULL));
    if (wrong)
        json_add_error(errors, "/spec/auth/oauth2/token_url", "url_invalid", "The URL %s.", wrong);
    else
        compose(oauth, json, secrets);
    return oauth;
}

void http_oauth_free(struct http_oauth *oauth)
{
    if (!oauth)
        return;
    url_clear(&oauth->url);
    endpoint_spec_clear(&oauth->endpoint);
    buf_clear(&oauth->request);
    free(oauth);
}

/* ---- the reply ---- */

/* "expires_in" is a number of seconds; some endpoints send it as text. */
static int64_t lifetime_of(const json_t *reply)
{
    const json_t *value = json_object_get(reply, "expires_in");
    uint64_t seconds = LIFETIME_S_DEFAULT;

    if (json_is_string(value))
        str_to_u64(str_of(json_string_value(value)), LIFETIME_S_MAX, &seconds);
    else if (json_is_number(value))
        return (int64_t)MAX(0., MIN(json_number_value(value), (double)LIFETIME_S_MAX));
    return (int64_t)seconds;
}

static bool is_bearer(const json_t *reply)
{
    const char *type = json_loose_text(reply, "token_type", "Bearer");

    return str_equal_nocase(str_of(type), STR("bearer"));
}

bool http_grant_read(struct str body, struct http_grant *ret_grant, struct buf *why)
{
    JSON_AUTO json_t *reply = NULL;
    const char *token;

    if (json_parse(body, &reply) != OK) {
        buf_printf(why, "the reply is no JSON that can be read: %s", failure_last()->detail);
        failure_clear();
        return false;
    }
    token = json_loose_text(reply, "access_token", "");
    if (token[0] == '\0' || strlen(token) > TOKEN_BYTES_MAX) {
        buf_append_text(why, token[0] ? "the access_token is too long"
                                      : "the reply has no access_token");
        return false;
    }
    if (!http_is_field_value(str_of(token)) || !is_bearer(reply)) {
        buf_append_text(why, "the access_token is none that can be sent as a bearer's");
        return false;
    }
    *ret_grant = (struct http_grant){.token = xstrdup(token), .lifetime_s = lifetime_of(reply)};
    return true;
}

void http_refusal_append(struct str body, struct buf *text)
{
    static const char *const keys[] = {"error", "error_description"};
    JSON_AUTO json_t *reply = NULL;
    const char *before = ": ";

    if (json_parse(body, &reply) != OK) {
        failure_clear();
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *said = json_loose_text(reply, keys[i], NULL);

        if (!said)
            continue;
        buf_append_text(text, before);
        buf_append_escaped(text, str_of(said), QUOTED_BYTES_MAX);
        before = ", ";
    }
}
