/*
 * Steps through a proxy: (dial the proxy) → ask → its reply → (TLS with the target) → then. For the
 * timings all of that is connecting.
 */
#include "prober/kinds/http_way.h"

#include <netdb.h>

#include "shared/http_text.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/http_auth.h"
#include "prober/kinds/http_explain.h"
#include "prober/kinds/http_run.h"

static enum wait name_resolved(struct probe *probe);
static enum wait ask_proxy(struct probe *probe);
static enum wait on_head(struct probe *probe, const struct http_head *head);

static const char ask_name[] = "proxy request";

static const struct probe_step WAY_RESOLVED = {"resolved", name_resolved};
static const struct probe_step WAY_ASK = {ask_name, ask_proxy};

static const struct http_client tunnel = {
    .send = {ask_name, http_exchange_send},
    .receive = {"proxy reply", http_exchange_receive},
    .is_connecting = true,
    .on_head = on_head,
};

/* ---- the spec ---- */

struct http_proxy *http_proxy_new(const json_t *json, struct http_secrets *secrets, json_t **errors)
{
    struct http_proxy *proxy = NEW(struct http_proxy);
    const char *wrong = url_parse(str_of(json_text(json, "url", "")), &proxy->url);
    char *authorization = http_auth_value(json_object_get(json, "auth"), secrets);
    http_headers headers = {0};
    json_t *host;
    size_t i;

    if (wrong)
        json_add_error(errors, "/spec/proxy/url", "url_invalid", "The URL %s.", wrong);
    endpoint_spec_read_tls(&proxy->endpoint, json_object_get(json, "tls"));
    if (authorization)
        buf_printf(&proxy->fields, "Proxy-Authorization: %s\r\n", authorization);
    free(authorization);
    http_headers_read(&headers, json_object_get(json, "headers"));
    for (i = 0; i < headers.len; i++) {
        buf_printf(&proxy->fields, "%s: %s\r\n", headers.items[i].name, headers.items[i].value);
        if (http_is_secret_header(str_of(headers.items[i].name)))
            http_secrets_add(secrets, headers.items[i].value);
    }
    http_headers_clear(&headers);
    proxy->resolves_here = strcmp(json_text(json, "resolve", "proxy"), "here") == 0;
    json_array_foreach(json_object_get(json, "no_proxy"), i, host)
        vec_push(&proxy->without, xstrdup(json_string_value(host)));
    return proxy;
}

void http_proxy_free(struct http_proxy *proxy)
{
    if (!proxy)
        return;
    url_clear(&proxy->url);
    endpoint_spec_clear(&proxy->endpoint);
    buf_clear(&proxy->fields);
    for (size_t i = 0; i < proxy->without.len; i++)
        free(proxy->without.items[i]);
    vec_clear(&proxy->without);
    free(proxy);
}

/* ---- the way ---- */

static enum wait go_straight(struct probe *probe, const struct http_destination *to,
                             const struct probe_step *then)
{
    const struct dial_target target = {
        .host = to->url->host,
        .port = to->url->port,
        .family = to->family,
        .source = to->source,
        .tls = to->url->is_tls ? to->tls : NULL,
        .names = to->names,
    };

    return dial_start(probe, &target, then);
}

/* The proxy would go where this prober must not. Names are the proxy's to resolve. */
static const char *refusal(const char *host)
{
    struct addr addr;

    return addr_parse_ip(str_of(host), 0, &addr) ? dial_refusal(&addr) : NULL;
}

/* Asks it for `host`: the one of the URL, or its address. */
static enum wait go_to_proxy(struct probe *probe, const char *host)
{
    struct http_proxy *proxy = spec_of(probe)->proxy;
    struct http_way *way = &run_of(probe)->way;
    const struct http_destination *to = &way->to;
    const char *why = refusal(host);
    const struct dial_target target = {
        .host = proxy->url.host,
        .port = proxy->url.port,
        .family = to->family,
        .source = to->source,
        .tls = proxy->url.is_tls ? &proxy->endpoint.tls : NULL,
        .names = endpoint_names(&proxy->endpoint),
    };

    if (why)
        return probe_end(probe, OUTCOME_POLICY, "%s %s", host, why);
    way->stage = WAY_TO_PROXY;
    buf_reset(&way->request);
    buf_append_text(&way->request, "CONNECT ");
    http_append_authority(&way->request, host, to->url->port);
    buf_append_text(&way->request, " HTTP/1.1\r\nHost: ");
    http_append_authority(&way->request, host, to->url->port);
    buf_append_text(&way->request, "\r\nUser-Agent: " HTTP_USER_AGENT "\r\n");
    buf_append_str(&way->request, buf_str(&proxy->fields));
    buf_append_text(&way->request, "\r\n");
    return dial_start(probe, &target, &WAY_ASK);
}

/* The name is resolved: its first address is what the proxy is asked for. */
static enum wait name_resolved(struct probe *probe)
{
    char host[ADDR_TEXT_BYTES];

    getnameinfo(&probe->dial.addr.any, addr_len(&probe->dial.addr), host, sizeof host, NULL, 0,
                NI_NUMERICHOST);
    return go_to_proxy(probe, host);
}

static enum wait resolve_here(struct probe *probe, const struct http_destination *to)
{
    const struct dial_target target = {
        .host = to->url->host,
        .port = to->url->port,
        .transport = DIAL_ADDRESS,
        .family = to->family,
    };

    run_of(probe)->way.stage = WAY_TO_NAME;
    return dial_start(probe, &target, &WAY_RESOLVED);
}

/* Whether a name is `pattern` or lies below it; with a leading dot: only below. */
static bool is_name_of(struct str name, struct str pattern)
{
    struct str end;

    if (pattern.len > 0 && pattern.ptr[0] != '.' && str_equal_nocase(name, pattern))
        return true;
    if (pattern.len > 0 && pattern.ptr[0] == '.')
        pattern = str_sub(pattern, 1, pattern.len);
    if (name.len <= pattern.len + 1)
        return false;
    end = str_sub(name, name.len - pattern.len, pattern.len);
    return str_equal_nocase(end, pattern) && end.ptr[-1] == '.';
}

static bool needs_no_proxy(const struct http_proxy *proxy, const char *host)
{
    struct addr addr;
    bool is_address = addr_parse_ip(str_of(host), 0, &addr);

    for (size_t i = 0; i < proxy->without.len; i++) {
        struct str pattern = str_of(proxy->without.items[i]);
        struct addr_network network;
        bool is_network = addr_parse_network(pattern, &network);

        if (is_address ? is_network && addr_is_in(&addr, &network)
                       : !is_network && is_name_of(str_of(host), pattern))
            return true;
    }
    return false;
}

enum wait http_way_start(struct probe *probe, const struct http_destination *to,
                         const struct probe_step *then)
{
    struct http_way *way = &run_of(probe)->way;
    const struct http_proxy *proxy = spec_of(probe)->proxy;
    struct addr literal;

    if (LIKELY(!proxy))
        return go_straight(probe, to, then);
    if (needs_no_proxy(proxy, to->url->host)) {
        way->stage = WAY_DIRECT;
        return go_straight(probe, to, then);
    }
    way->to = *to;
    way->then = then;
    if (proxy->resolves_here && !addr_parse_ip(str_of(to->url->host), 0, &literal))
        return resolve_here(probe, to);
    return go_to_proxy(probe, to->url->host);
}

static enum wait ask_proxy(struct probe *probe)
{
    struct http_way *way = &run_of(probe)->way;

    /* What TLS with the proxy was like says nothing of the target. */
    probe->result.has &= ~RESULT_HAS_TLS;
    probe->result.tls = (struct result_tls){0};
    way->stage = WAY_ASKED;
    http_explain_request(probe, buf_str(&way->request));
    return http_exchange_start(probe, &tunnel, buf_str(&way->request),
                               (struct http_exchange_options){.is_head_request = true});
}

/* The proxy did not do as asked. */
static enum wait end_for_status(struct probe *probe, unsigned status)
{
    const struct http_proxy *proxy = spec_of(probe)->proxy;
    const struct http_way *way = &run_of(probe)->way;
    CLEANUP(buf_clear_p) struct buf from = {0};
    CLEANUP(buf_clear_p) struct buf to = {0};

    http_append_url(&from, &proxy->url, 0);
    http_append_authority(&to, way->to.url->host, way->to.url->port);
    if (status == 407)
        return probe_end(probe, OUTCOME_PROBER_ERROR,
                         "the proxy %s wants to know who asks: status 407", from.data);
    if (status == 504)
        return probe_end(probe, OUTCOME_CONNECT_TIMEOUT,
                         "the proxy %s got no answer from %s in time: status 504", from.data,
                         to.data);
    if (status >= 500)
        return probe_end(probe, OUTCOME_UNREACHABLE, "the proxy %s cannot connect to %s: status %u",
                         from.data, to.data, status);
    return probe_end(probe, OUTCOME_PROBER_ERROR, "the proxy %s does not connect to %s: status %u",
                     from.data, to.data, status);
}

static enum wait on_head(struct probe *probe, const struct http_head *head)
{
    struct http_way *way = &run_of(probe)->way;

    http_explain_head(probe, head);
    /* Bytes of the target, before it was asked for anything: they would be taken for its reply. */
    if (head->status < 300 && run_of(probe)->exchange.behind > 0)
        return probe_end(probe, OUTCOME_PROTO_ERROR, "it sent something behind its answer");
    way->stage = WAY_OPEN;
    if (head->status >= 300)
        return end_for_status(probe, head->status);
    if (way->to.url->is_tls) {
        struct tls_names names = way->to.names;

        if (!names.server)
            names.server = way->to.url->host;
        return dial_start_tls(probe, way->to.tls, names, way->then);
    }
    probe->step = way->then;
    return WAIT_NONE;
}

/* ---- the end ---- */

void http_way_conclude(struct probe *probe)
{
    const struct http_way *way = &run_of(probe)->way;
    CLEANUP(buf_clear_p) struct buf from = {0};
    CLEANUP(buf_clear_p) struct buf to = {0};

    if (LIKELY(way->stage == WAY_DIRECT || way->stage == WAY_OPEN || way->stage == WAY_TO_NAME))
        return;
    http_append_url(&from, &spec_of(probe)->proxy->url, 0);
    http_append_authority(&to, way->to.url->host, way->to.url->port);
    /* A target that drops packets looks like this. */
    if (way->stage == WAY_ASKED && probe->result.outcome == OUTCOME_CONNECT_TIMEOUT)
        probe_reword(probe, VERDICT_FAIL, OUTCOME_CONNECT_TIMEOUT,
                     "the proxy %s had not connected to %s within %u ms", from.data, to.data,
                     probe->limit_ms);
    else if (probe->result.verdict != VERDICT_ERROR)
        probe_reword(probe, VERDICT_ERROR, OUTCOME_PROBER_ERROR, "the proxy %s: " STR_FMT,
                     from.data, STR_ARG(probe->result.message));
}

void http_way_release(struct http_way *way)
{
    buf_clear(&way->request);
}
