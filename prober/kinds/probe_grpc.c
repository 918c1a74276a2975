/*
 * gRPC health v1: one Check over HTTP/2, with ALPN where there is TLS and by prior knowledge where
 * there is none. begin → (dial) → send → exchange → judge. The reply is a head, a message and
 * trailers with the status of the call; or a head alone that has the status.
 */
#include <stdio.h>
#include <string.h>

#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/grpc_health.h"
#include "prober/kinds/http2_exchange.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"

#define QUOTED_BYTES_MAX 100
#define STATUS_NONE      (-1)

struct grpc_spec {
    struct endpoint_spec endpoint;
    bool with_tls;
    char *service;
    char *authority;
    struct buf request; /* the body */
};

struct grpc_state {
    struct http2_exchange exchange;
    int64_t status;     /* of the call */
    struct buf message; /* of the status: percent-encoded as it came, and escaped */
};

static enum wait grpc_begin(struct probe *probe);
static enum wait grpc_send(struct probe *probe);
static enum wait grpc_exchange(struct probe *probe);

static const struct probe_step GRPC_BEGIN = {"begin", grpc_begin};
static const struct probe_step GRPC_SEND = {"request", grpc_send};
static const struct probe_step GRPC_EXCHANGE = {"response", grpc_exchange};

static struct grpc_state *state_of(struct probe *probe)
{
    return (struct grpc_state *)probe->state;
}

static struct grpc_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

static enum wait on_news(struct probe *probe, enum http2_status status,
                         const struct http2_news *news);

static enum wait grpc_begin(struct probe *probe)
{
    struct grpc_spec *spec = spec_of(probe);
    const struct dial_target target = endpoint_target(&spec->endpoint, spec->with_tls);

    *state_of(probe) = (struct grpc_state){.exchange.on_news = on_news, .status = STATUS_NONE};
    return dial_start(probe, &target, &GRPC_SEND);
}

static enum wait grpc_send(struct probe *probe)
{
    const struct grpc_spec *spec = spec_of(probe);
    struct grpc_state *state = state_of(probe);
    char timeout[16];
    const struct http_field fields[] = {
        {STR("te"), STR("trailers")},
        {STR("content-type"), STR("application/grpc")},
        {STR("user-agent"), STR("environment-manager/" EM_VERSION)},
        {STR("grpc-timeout"),
         {timeout, (size_t)snprintf(timeout, sizeof timeout, "%um", probe_left_ms(probe))}},
    };
    const struct http2_request request = {
        .method = STR("POST"),
        .scheme = spec->with_tls ? STR("https") : STR("http"),
        .authority = str_of(spec->authority),
        .path = STR("/grpc.health.v1.Health/Check"),
        .fields = fields,
        .field_count = ARRAY_LEN(fields),
        .body = buf_str(&spec->request),
    };

    if (spec->with_tls && !str_equal(tls_protocol(&probe->stream), STR("h2")))
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server does not agree to HTTP/2 in the TLS handshake (ALPN)");
    if (http2_exchange_begin(probe, &state->exchange, &request) != OK)
        return probe_end(probe, OUTCOME_PROBER_ERROR, "%s", failure_last()->detail);
    probe->step = &GRPC_EXCHANGE;
    return WAIT_NONE;
}

static enum wait grpc_exchange(struct probe *probe)
{
    return http2_exchange_run(probe, &state_of(probe)->exchange);
}

/* ---- the verdict ---- */

enum call_status {
    CALL_OK = 0,
    CALL_DEADLINE_EXCEEDED = 4,
    CALL_NOT_FOUND = 5,
    CALL_UNIMPLEMENTED = 12,
};

static const char *const call_status_names[] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

/* A call that did not work. What the server does not know, and what it does not speak, is told
 * apart from a service that is not well. */
static enum wait end_for_status(struct probe *probe)
{
    const struct grpc_state *state = state_of(probe);
    bool is_known = state->status < (int64_t)ARRAY_LEN(call_status_names);
    enum outcome outcome = OUTCOME_STATUS_MISMATCH;
    const char *meaning = "the call failed";

    if (state->status == CALL_NOT_FOUND)
        meaning = "the server does not know the service";
    if (state->status == CALL_UNIMPLEMENTED) {
        outcome = OUTCOME_PROTO_ERROR;
        meaning = "the server has no health service";
    }
    if (state->status == CALL_DEADLINE_EXCEEDED)
        outcome = OUTCOME_TIMEOUT;
    return probe_end(probe, outcome, "%s: gRPC status %lld (%s)%s" STR_FMT, meaning,
                     (long long)state->status,
                     is_known ? call_status_names[state->status] : "unknown",
                     state->message.len > 0 ? ", " : "", STR_ARG(buf_str(&state->message)));
}

static enum wait end_for_serving(struct probe *probe, uint64_t serving)
{
    static const char *const names[] = {[GRPC_UNKNOWN] = "UNKNOWN",
                                        [GRPC_SERVING] = "SERVING",
                                        [GRPC_NOT_SERVING] = "NOT_SERVING",
                                        [GRPC_SERVICE_UNKNOWN] = "SERVICE_UNKNOWN"};
    const struct grpc_spec *spec = spec_of(probe);
    bool is_whole = spec->service[0] == '\0';
    const char *what = is_whole ? "the server" : "the service ";

    if (serving >= ARRAY_LEN(names))
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "%s%s has the serving status %llu, which has no meaning", what,
                         spec->service, (unsigned long long)serving);
    if (serving != GRPC_SERVING)
        return probe_end(probe, OUTCOME_NOT_SERVING, "%s%s is %s", what, spec->service,
                         names[serving]);
    return probe_succeed(probe, "%s%s is SERVING", what, spec->service);
}

static enum wait end_malformed(struct probe *probe, const char *wrong)
{
    return probe_end(probe, OUTCOME_PROTO_ERROR, "the reply breaks the rules of gRPC: %s", wrong);
}

static enum wait judge(struct probe *probe)
{
    const struct grpc_state *state = state_of(probe);
    const char *wrong = NULL;
    uint64_t serving = 0;

    probe_enter(probe, PHASE_ASSERT);
    if (state->status == STATUS_NONE)
        return end_malformed(probe, "it has no grpc-status");
    if (state->status != CALL_OK)
        return end_for_status(probe);
    switch (grpc_health_read(buf_str(&probe->kept), &serving, &wrong)) {
    case GRPC_READ_DONE:
        return end_for_serving(probe, serving);
    case GRPC_READ_MORE:
        return end_malformed(probe, "its message is not whole");
    case GRPC_READ_MALFORMED:
    case GRPC_READ_TOO_LARGE:
        break;
    }
    return end_malformed(probe, wrong);
}

/* ---- the reply ---- */

static enum wait take_status(struct probe *probe, const struct http_head *head)
{
    struct grpc_state *state = state_of(probe);
    struct str status = http_head_field(head, STR("grpc-status"));
    uint64_t number;

    if (!status.ptr)
        return WAIT_NONE;
    if (!str_to_u64(status, 999, &number))
        return end_malformed(probe, "its grpc-status is no number");
    state->status = (int64_t)number;
    buf_reset(&state->message);
    buf_append_escaped(&state->message, http_head_field(head, STR("grpc-message")),
                       QUOTED_BYTES_MAX);
    return WAIT_NONE;
}

/* "application/grpc", with a format ("+proto") or a parameter; not grpc-web. */
static bool is_grpc(struct str type)
{
    struct str name = STR("application/grpc");
    char next = type.len > name.len ? type.ptr[name.len] : ';';

    return str_starts_with(type, name) && (next == '+' || next == ';');
}

static enum wait on_head(struct probe *probe, const struct http_head *head)
{
    struct str type = http_head_field(head, STR("content-type"));

    if (head->status < 200)
        return WAIT_NONE;
    probe_note(probe, "status %u", head->status);
    if (head->status != 200)
        return probe_end(probe, OUTCOME_STATUS_MISMATCH,
                         "HTTP status %u: a gRPC server always says 200", head->status);
    if (!is_grpc(type)) {
        buf_reset(&probe->kept);
        buf_append_escaped(&probe->kept, type, QUOTED_BYTES_MAX);
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the reply is no gRPC: its content type is \"" STR_FMT "\"",
                         STR_ARG(buf_str(&probe->kept)));
    }
    return take_status(probe, head);
}

static enum wait on_data(struct probe *probe, struct str data)
{
    const char *wrong = NULL;
    uint64_t serving;

    /* More than this is malformed, or too large. */
    buf_append_str(&probe->kept, str_sub(data, 0, 2 * GRPC_REPLY_BYTES_MAX));
    switch (grpc_health_read(buf_str(&probe->kept), &serving, &wrong)) {
    case GRPC_READ_MORE:
    case GRPC_READ_DONE:
        return WAIT_NONE;
    case GRPC_READ_TOO_LARGE:
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the message is larger than %d bytes",
                         GRPC_REPLY_BYTES_MAX);
    case GRPC_READ_MALFORMED:
        break;
    }
    return end_malformed(probe, wrong);
}

static enum wait on_news(struct probe *probe, enum http2_status status,
                         const struct http2_news *news)
{
    switch (status) {
    case HTTP2_HEAD:
        return on_head(probe, news->head);
    case HTTP2_DATA:
        return on_data(probe, news->data);
    case HTTP2_TRAILERS:
        return take_status(probe, news->head);
    case HTTP2_END:
        return judge(probe);
    case HTTP2_NEED_MORE:
    case HTTP2_RESET:
    case HTTP2_FAILED:
        break;
    }
    return http2_exchange_end_for(probe, news);
}

static void grpc_release(struct probe *probe)
{
    struct grpc_state *state = state_of(probe);

    http2_exchange_clear(&state->exchange);
    buf_clear(&state->message);
}

/* ---- the spec ---- */

static char *authority_of(const struct endpoint_spec *endpoint)
{
    if (endpoint->server_name)
        return xstrdup(endpoint->server_name);
    return xasprintf(strchr(endpoint->host, ':') ? "[%s]:%u" : "%s:%u", endpoint->host,
                     endpoint->port);
}

static void grpc_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct grpc_spec *spec = NEW(struct grpc_spec);

    (void)errors;
    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0);
    spec->with_tls = json_has(json, "tls");
    spec->endpoint.tls.options.alpn = STR("h2");
    spec->service = xstrdup(json_text(json, "service", ""));
    spec->authority = authority_of(&spec->endpoint);
    grpc_health_request(&spec->request, str_of(spec->service));
}

static void grpc_spec_free(void *object)
{
    struct grpc_spec *spec = object;

    if (!spec)
        return;
    endpoint_spec_clear(&spec->endpoint);
    buf_clear(&spec->request);
    free(spec->service);
    free(spec->authority);
    free(spec);
}

const struct probe_kind probe_grpc = {
    .name = "grpc",
    .first = &GRPC_BEGIN,
    .state_bytes = sizeof(struct grpc_state),
    .spec_new = grpc_spec_new,
    .spec_free = grpc_spec_free,
    .release = grpc_release,
};
