/*
 * Redirects: each hop is a new connection, checked like the first one (scheme, address policy,
 * TLS). What the check says of itself stays with the host it was meant for.
 */
#include <string.h>

#include "prober/kinds/http_run.h"

#define CHAIN_BYTES_MAX  384 /* of redirects, for the message */
#define QUOTED_BYTES_MAX 64

static void note_hop(struct http_run *run)
{
    const struct url *url = run->url;
    bool is_v6 = strchr(url->host, ':') != NULL;

    if (run->chain.len > CHAIN_BYTES_MAX)
        return;
    buf_printf(&run->chain, is_v6 ? "%shttp%s://[%s]:%u%.*s" : "%shttp%s://%s:%u%.*s",
               run->chain.len > 0 ? " → " : "", url->is_tls ? "s" : "", url->host, url->port, 100,
               url->target);
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

static void compose(struct probe *probe)
{
    struct http_run *run = run_of(probe);

    buf_reset(&run->composed);
    http_request_compose(&run->composed, spec_of(probe), run->url, &run->options);
    run->request = buf_str(&run->composed);
}

enum wait http_redirect_follow(struct probe *probe, const struct http_head *head,
                               struct str location)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_run *run = run_of(probe);
    struct url next;
    const char *wrong;

    note_hop(run);
    if (run->redirects == spec->follow_redirects)
        return probe_end(probe, OUTCOME_REDIRECT_LIMIT, "more than %u redirects: " STR_FMT,
                         spec->follow_redirects, STR_ARG(buf_str(&run->chain)));
    wrong = url_resolve(run->url, location, &next);
    if (wrong) {
        buf_reset(&probe->kept);
        buf_append_escaped(&probe->kept, location, QUOTED_BYTES_MAX);
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the target of the redirect, \"" STR_FMT "\", %s",
                         STR_ARG(buf_str(&probe->kept)), wrong);
    }

    run->redirects++;
    probe->result.http.redirects = (uint8_t)run->redirects;
    probe_note(probe, "status %u leads to %s%s", head->status, next.host, next.target);
    adapt_method(&run->options, head->status);
    /* Credentials go no further than to the host they were given for, and never from TLS to plain
     * text. */
    if (strcmp(next.host, spec->url.host) != 0 || (spec->url.is_tls && !next.is_tls))
        run->options.with_credentials = false;
    url_clear(&run->redirected);
    run->redirected = next;
    run->url = &run->redirected;
    compose(probe);

    probe_close_stream(probe);
    return http_ask(probe);
}
