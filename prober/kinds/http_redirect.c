/*
 * Redirects: each hop is a new connection, checked like the first one (scheme, address policy,
 * TLS). What the check says of itself stays with the host it was meant for.
 */
#include <string.h>

#include "prober/kinds/http_explain.h"
#include "prober/kinds/http_run.h"

#define CHAIN_BYTES_MAX        384 /* of redirects, for the message */
#define CHAIN_TARGET_BYTES_MAX 100
#define QUOTED_BYTES_MAX       64

static void add_to_chain(struct http_run *run)
{
    if (run->chain.len > CHAIN_BYTES_MAX)
        return;
    if (run->chain.len > 0)
        buf_append_text(&run->chain, " → ");
    http_append_url(&run->chain, run->url, CHAIN_TARGET_BYTES_MAX);
}

/* 303 always, and 301 and 302 after a POST, mean: get the other thing. */
static void adapt_method(struct http_request_options *options, unsigned status)
{
    bool was_post = strcmp(options->method, "POST") == 0;

    if ((status == 303 && strcmp(options->method, "HEAD") != 0) ||
        ((status == 301 || status == 302) && was_post)) {
        options->method = "GET";
        options->with_body = false;
    }
}

/* Whether what was meant for `home` may go along to `next`: to the same host, and never from TLS to
 * plain text. Another port is another service, unless the redirect leads to TLS. */
static bool may_take_credentials(const struct url *home, const struct url *next)
{
    if (strcmp(home->host, next->host) != 0)
        return false;
    return home->is_tls == next->is_tls ? home->port == next->port : next->is_tls;
}

static enum wait end_unusable(struct probe *probe, enum outcome outcome, struct str location,
                              const char *wrong)
{
    buf_reset(&probe->kept);
    buf_append_escaped(&probe->kept, location, QUOTED_BYTES_MAX);
    return probe_end(probe, outcome, "the target of the redirect, \"" STR_FMT "\", %s",
                     STR_ARG(buf_str(&probe->kept)), wrong);
}

/* The run is at `next_take` from now on. */
static enum wait go_on(struct probe *probe, unsigned status, struct url *next_take)
{
    struct http_run *run = run_of(probe);

    run->redirects++;
    probe->result.http.redirects = (uint8_t)run->redirects;
    adapt_method(&run->options, status);
    if (!may_take_credentials(&spec_of(probe)->url, next_take))
        run->options.with_credentials = false;
    if (run->url->is_tls && !next_take->is_tls) {
        run->has_left_tls = true;
        probe_note(probe, "insecure_redirect: from TLS to plain text");
    }
    url_clear(&run->redirected);
    run->redirected = *next_take;
    run->url = &run->redirected;

    probe_enter(probe, PHASE_ASSERT); /* so that the hop has its times */
    http_explain_hop(probe);
    probe_close_stream(probe);
    return http_ask_anew(probe);
}

static void take_cookies(struct http_run *run, const struct http_head *head)
{
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (str_equal_nocase(head->fields[i].name, STR("set-cookie")))
            http_cookies_take(&run->cookies, run->url, head->fields[i].value);
    }
}

enum wait http_redirect_follow(struct probe *probe, const struct http_head *head,
                               struct str location)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_run *run = run_of(probe);
    struct url next;
    const char *wrong;

    add_to_chain(run);
    if (spec->keeps_cookies)
        take_cookies(run, head);
    if (run->redirects == spec->follow_redirects)
        return probe_end(probe, OUTCOME_REDIRECT_LIMIT, "more than %u redirects: " STR_FMT,
                         spec->follow_redirects, STR_ARG(buf_str(&run->chain)));
    wrong = url_resolve(run->url, location, &next);
    if (wrong)
        return end_unusable(probe, OUTCOME_PROTO_ERROR, location, wrong);
    if (spec->require_tls && !next.is_tls) {
        url_clear(&next);
        return end_unusable(probe, OUTCOME_ASSERT_FAILED, location, "leads away from TLS");
    }
    return go_on(probe, head->status, &next);
}
