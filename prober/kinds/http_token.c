/*
 * Steps: (the way to the endpoint) → ask → its reply → the target. The token is the check's, so
 * that runs to come have it, too.
 */
#include "prober/kinds/http_token.h"

#include <ctype.h>

#include "shared/clock.h"
#include "shared/http_text.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/http_auth.h"
#include "prober/kinds/http_explain.h"
#include "prober/kinds/http_run.h"

#define REPLY_BYTES_MAX    (64 * 1024)
#define TOKEN_BYTES_MAX    (16 * 1024)
#define LIFETIME_S_DEFAULT 300 /* when the endpoint does not say */
#define LIFETIME_S_MAX     86400
#define SKEW_S             30
#define QUOTED_BYTES_MAX   200 /* of what the endpoint says is wrong */
#define SECOND_US          INT64_C(1000000)

static enum wait ask_for_token(struct probe *probe);
static enum wait on_head(struct probe *probe, const struct http_head *head);
static enum wait on_body(struct probe *probe, struct str data);
static enum wait on_end(struct probe *probe);

static const char ask_name[] = "token request";

static const struct probe_step TOKEN_ASK = {ask_name, ask_for_token};

static const struct http_client endpoint = {
    .send = {ask_name, http_exchange_send},
    .receive = {"token reply", http_exchange_receive},
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
};

/* ---- the spec ---- */

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

    endpoint_spec_read_tls(&oauth->endpoint, json_object_get(json, "tls"), "/spec/auth/oauth2/tls",
                           errors);
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

/* ---- the token ---- */

bool http_token_is_wanted(const struct http_oauth *oauth)
{
    return UNLIKELY(oauth) && clock_monotonic_us() >= oauth->good_until_us;
}

void http_token_refused(struct http_oauth *oauth)
{
    oauth->good_until_us = 0;
}

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

/* The check has the token from now on. */
static void take_grant(struct http_spec *spec, struct http_grant *grant_take)
{
    int64_t lifetime_s = grant_take->lifetime_s;
    int64_t skew_s = MIN((int64_t)SKEW_S, lifetime_s / 2);

    free(spec->authorization);
    spec->authorization = xasprintf("Bearer %s", grant_take->token);
    spec->oauth->good_until_us = clock_monotonic_us() + (lifetime_s - skew_s) * SECOND_US;
    http_secrets_pass(&spec->secrets, grant_take->token);
    wipe(grant_take->token, strlen(grant_take->token));
    free(TAKE(grant_take->token));
}

/* ---- the steps ---- */

enum wait http_token_fetch(struct probe *probe)
{
    struct http_oauth *oauth = spec_of(probe)->oauth;
    const struct http_destination to = {
        .url = &oauth->url,
        .tls = &oauth->endpoint.tls,
        .server_name = oauth->endpoint.server_name,
        .family = FAMILY_HAPPY,
    };

    run_of(probe)->is_fetching_token = true;
    return http_way_start(probe, &to, &TOKEN_ASK);
}

static enum wait ask_for_token(struct probe *probe)
{
    struct str request = buf_str(&spec_of(probe)->oauth->request);

    buf_reset(&probe->kept);
    http_explain_request(probe, request);
    return http_exchange_start(probe, &endpoint, request, (struct http_exchange_options){0});
}

static enum wait on_head(struct probe *probe, const struct http_head *head)
{
    run_of(probe)->token_status = head->status;
    http_explain_head(probe, head);
    return WAIT_NONE;
}

static enum wait on_body(struct probe *probe, struct str data)
{
    if (data.len > REPLY_BYTES_MAX - probe->kept.len)
        return probe_end(probe, OUTCOME_PROBER_ERROR, "the reply is longer than %d bytes",
                         REPLY_BYTES_MAX);
    buf_append_str(&probe->kept, data);
    return WAIT_NONE;
}

/* Says what the endpoint says (RFC 6749, 5.2). */
static enum wait end_refused(struct probe *probe)
{
    CLEANUP(buf_clear_p) struct buf said = {0};
    JSON_AUTO json_t *reply = NULL;

    if (json_parse(buf_str(&probe->kept), &reply) != OK)
        failure_clear();
    for (size_t i = 0; i < 2; i++) {
        const char *text = json_loose_text(reply, i ? "error_description" : "error", NULL);

        if (text)
            buf_append_text(&said, said.len > 0 ? ", " : ": ");
        if (text)
            buf_append_escaped(&said, str_of(text), QUOTED_BYTES_MAX);
    }
    return probe_end(probe, OUTCOME_PROBER_ERROR, "status %u" STR_FMT, run_of(probe)->token_status,
                     STR_ARG(buf_str(&said)));
}

static enum wait on_end(struct probe *probe)
{
    CLEANUP(buf_clear_p) struct buf why = {0};
    struct http_run *run = run_of(probe);
    struct http_grant grant;

    if (run->token_status != 200)
        return end_refused(probe);
    if (!http_grant_read(buf_str(&probe->kept), &grant, &why))
        return probe_end(probe, OUTCOME_PROBER_ERROR, STR_FMT, STR_ARG(buf_str(&why)));
    probe_note(probe, "a token for %lld s", (long long)grant.lifetime_s);
    take_grant(spec_of(probe), &grant);
    wipe(probe->kept.data, probe->kept.len);
    buf_reset(&probe->kept);

    run->is_fetching_token = false;
    probe_close_stream(probe);
    probe_restart_result(probe);
    return http_ask(probe);
}

void http_token_conclude(struct probe *probe)
{
    CLEANUP(buf_clear_p) struct buf from = {0};

    if (LIKELY(!run_of(probe)->is_fetching_token))
        return;
    http_append_url(&from, &spec_of(probe)->oauth->url, QUOTED_BYTES_MAX);
    /* No facts of the endpoint are facts of the target. */
    probe->result.has = 0;
    probe_reword(probe, VERDICT_ERROR, OUTCOME_PROBER_ERROR, "no token from %s: " STR_FMT,
                 from.data, STR_ARG(probe->result.message));
}
