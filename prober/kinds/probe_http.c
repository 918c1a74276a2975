/*
 * HTTP on a fresh connection: begin → (token) → (way) → exchange → judge, and round again for a
 * redirect. Of the body only that is kept which something is asserted about.
 */
#include <string.h>

#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/http_explain.h"
#include "prober/kinds/http_over_2.h"
#include "prober/kinds/http_run.h"
#include "prober/kinds/http_token.h"
#include "prober/kinds/probe_kinds.h"

static enum wait http_begin(struct probe *probe);
static enum wait http_connected(struct probe *probe);
static enum wait on_head(struct probe *probe, const struct http_head *head);
static enum wait on_end(struct probe *probe);

static const char request_name[] = "request"; /* two steps that are one for --explain */

static const struct probe_step HTTP_BEGIN = {"begin", http_begin};
static const struct probe_step HTTP_CONNECTED = {request_name, http_connected};

static const struct http_client target = {
    .send = {request_name, http_exchange_send},
    .receive = {"response", http_exchange_receive},
    .on_head = on_head,
    .on_body = http_decode,
    .on_end = on_end,
};

static enum wait http_begin(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_run *run = run_of(probe);

    memset(run, 0, offsetof(struct http_run, exchange));
    http_exchange_init(&run->exchange);
    run->url = &spec->url;
    run->options = (struct http_request_options){spec->method, spec->body != NULL, true, NULL};
    if (http_token_is_wanted(spec->oauth))
        return http_token_fetch(probe);
    return http_ask(probe);
}

static enum wait go_to_target(struct probe *probe)
{
    struct http_spec *spec = spec_of(probe);
    struct http_run *run = run_of(probe);
    struct endpoint_spec *endpoint = &spec->endpoint;
    bool is_at_home = strcmp(run->url->host, spec->url.host) == 0;
    bool as_stranger = spec->stranger && !run->options.with_credentials;
    const struct http_destination to = {
        .url = run->url,
        .tls = as_stranger ? spec->stranger : &endpoint->tls,
        .names = is_at_home ? endpoint_names(endpoint) : (struct tls_names){0},
        .family = endpoint->family,
        .source = endpoint->has_source ? &endpoint->source : NULL,
    };

    return http_way_start(probe, &to, &HTTP_CONNECTED);
}

enum wait http_ask_anew(struct probe *probe)
{
    struct http_run *run = run_of(probe);
    CLEANUP(buf_clear_p) struct buf cookies = {0};

    http_cookies_append(&run->cookies, run->url, &cookies);
    run->options.cookies = cookies.len > 0 ? cookies.data : NULL;
    buf_reset(&run->composed);
    http_request_compose(&run->composed, spec_of(probe), run->url, &run->options);
    run->options.cookies = NULL;
    run->request = buf_str(&run->composed);
    return go_to_target(probe);
}

enum wait http_ask(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);

    if (UNLIKELY(spec->oauth))
        return http_ask_anew(probe);
    run_of(probe)->request = buf_str(&spec->request);
    return go_to_target(probe);
}

/* The result has the earliest end of all hops. */
static void note_certificates(struct probe *probe)
{
    struct http_run *run = run_of(probe);
    struct result_tls *tls = &probe->result.tls;

    cert_expiry_merge(tls, &run->certificates);
    run->certificates = *tls;
}

/* With TLS the handshake has said so; without there is nothing to ask, so only a check that wants
 * HTTP/2 gets it. */
static bool speaks_http_2(const struct probe *probe, bool is_tls)
{
    enum http_choice choice = spec_of(probe)->version;

    if (LIKELY(choice == HTTP_CHOICE_1_1))
        return false;
    return is_tls ? str_equal(tls_protocol(&probe->stream), STR("h2")) : choice == HTTP_CHOICE_2;
}

static enum wait http_connected(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_run *run = run_of(probe);

    if (run->url->is_tls)
        note_certificates(probe);
    http_explain_request(probe, run->request);
    if (speaks_http_2(probe, run->url->is_tls)) {
        probe_note(probe, "over HTTP/2");
        return http_over_2_start(probe, &target, run->request, run->url->is_tls);
    }
    if (spec->version == HTTP_CHOICE_2)
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server does not agree to HTTP/2 in the TLS handshake (ALPN)");
    return http_exchange_start(probe, &target, run->request,
                               (struct http_exchange_options){
                                   .is_head_request = strcmp(run->options.method, "HEAD") == 0,
                                   .allows_both_lengths = spec->allows_both_lengths,
                               });
}

/* ---- the reply ---- */

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum wait on_head(struct probe *probe, const struct http_head *head)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_run *run = run_of(probe);
    enum wait wait;

    run->version = head->major_version == 2   ? HTTP_2
                   : head->minor_version == 0 ? HTTP_1_0
                                              : HTTP_1_1;
    probe->result.has |= RESULT_HAS_HTTP;
    probe->result.http.status = head->status;
    probe->result.http.body_bytes = 0;
    http_explain_head(probe, head);
    if (UNLIKELY(spec->oauth) && head->status == 401 && run->options.with_credentials)
        http_token_refused(spec->oauth);
    if (is_redirect(head->status) && spec->follow_redirects > 0) {
        struct str location = http_head_field(head, STR("location"));

        if (location.ptr)
            return http_redirect_follow(probe, head, location);
    }
    run->has_both_lengths = head->has_both_lengths;
    buf_reset(&probe->kept);
    http_expect_keep_headers(&spec->expect, head, &probe->kept);
    run->kept_head_bytes = probe->kept.len;
    if ((wait = http_decode_begin(probe, head)) != WAIT_NONE)
        return wait;
    if (spec->max_body_bytes == 0 && head->framing != HTTP_NO_BODY)
        return http_judge(probe);
    return WAIT_NONE;
}

static enum wait on_end(struct probe *probe)
{
    enum wait wait = http_decode_end(probe);

    return wait == WAIT_NONE ? http_judge(probe) : wait;
}

enum wait http_take_body(struct probe *probe, struct str data)
{
    const struct http_spec *spec = spec_of(probe);
    struct result_http *http = &probe->result.http;
    uint64_t room = spec->max_body_bytes - http->body_bytes;

    if (data.len > room) {
        http->truncated = true;
        data.len = room;
    }
    http->body_bytes += (uint32_t)data.len;
    if (http_expect_wants_body(&spec->expect))
        buf_append_str(&probe->kept, data);
    return http->truncated ? http_judge(probe) : WAIT_NONE;
}

static void http_conclude(struct probe *probe)
{
    http_way_conclude(probe);
    http_token_conclude(probe);
    http_mask_message(probe);
}

static void http_release(struct probe *probe)
{
    struct http_run *run = run_of(probe);

    http_json_release(probe);
    url_clear(&run->redirected);
    buf_clear(&run->composed);
    buf_clear(&run->chain);
    http_cookies_clear(&run->cookies);
    http_way_release(&run->way);
    inflater_free(TAKE(run->inflater));
    http_exchange_clear(&run->exchange);
}

const struct probe_kind probe_http = {
    .name = "http",
    .first = &HTTP_BEGIN,
    .state_bytes = sizeof(struct http_run),
    .spec_new = http_spec_new,
    .spec_free = http_spec_free,
    .release = http_release,
    .conclude = http_conclude,
};
