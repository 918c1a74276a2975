/*
 * Steps: (the way to the endpoint) → ask → its reply → the target. The token is the check's, so
 * that runs to come have it, too.
 */
#include "prober/kinds/http_token.h"

#include "shared/clock.h"
#include "shared/mem.h"

#include "prober/kinds/http_explain.h"
#include "prober/kinds/http_run.h"

#define REPLY_BYTES_MAX  (64 * 1024)
#define SKEW_S           30
#define TARGET_BYTES_MAX 200 /* of the endpoint's URL, in messages */
#define SECOND_US        INT64_C(1000000)

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

bool http_token_is_wanted(const struct http_oauth *oauth)
{
    return UNLIKELY(oauth) && clock_monotonic_us() >= oauth->good_until_us;
}

void http_token_refused(struct http_oauth *oauth)
{
    oauth->good_until_us = 0;
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

enum wait http_token_fetch(struct probe *probe)
{
    struct http_oauth *oauth = spec_of(probe)->oauth;
    const struct http_destination to = {
        .url = &oauth->url,
        .tls = &oauth->endpoint.tls,
        .names = endpoint_names(&oauth->endpoint),
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

static enum wait end_refused(struct probe *probe)
{
    CLEANUP(buf_clear_p) struct buf said = {0};

    http_refusal_append(buf_str(&probe->kept), &said);
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
    http_append_url(&from, &spec_of(probe)->oauth->url, TARGET_BYTES_MAX);
    /* No facts of the endpoint are facts of the target. */
    probe->result.has = 0;
    probe_reword(probe, VERDICT_ERROR, OUTCOME_PROBER_ERROR, "no token from %s: " STR_FMT,
                 from.data, STR_ARG(probe->result.message));
}
