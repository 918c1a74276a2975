/*
 * HTTP/1.1 on a fresh connection: begin → (dial) → send → receive → judge, and round again for a
 * redirect. What comes in is parsed where it was read; only what has to stay is copied: an
 * unfinished head, and the body when something is asserted about it.
 */
#include <errno.h>
#include <string.h>

#include "shared/http_parse.h"

#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/http_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"
#include "prober/shard.h"

#define HEAD_BYTES_MAX            (64 * 1024)
#define STATUS_LINE_BYTES_MAX     8192
#define CHUNK_EXTENSION_BYTES_MAX 4096
#define INFORMATIONAL_MAX         100 /* 1xx replies before the real one */
#define READS_PER_STEP            4   /* a fast endless body must not hold up the loop */
#define CHAIN_BYTES_MAX           384 /* of redirects, for the message */
#define QUOTED_BYTES_MAX          64  /* of what is no HTTP */

struct http_state {
    const struct url *url; /* the spec's, or `redirected` */
    struct str request;    /* the spec's, or `composed` */
    size_t sent;
    struct http_request_options options;
    unsigned redirects;
    unsigned informational;
    bool has_head;
    bool is_cut; /* the server did not take the whole request */
    uint64_t body_bytes;
    struct result_tls certificates; /* the earliest ends over all hops */
    struct url redirected;
    struct buf composed;
    struct buf chain; /* " → url" for each redirect */
    struct http_parser parser;
};

static enum wait http_begin(struct probe *probe);
static enum wait http_send(struct probe *probe);
static enum wait http_receive(struct probe *probe);

static const struct probe_step HTTP_BEGIN = {"begin", http_begin};
static const struct probe_step HTTP_SEND = {"request", http_send};
static const struct probe_step HTTP_RECEIVE = {"response", http_receive};

static const struct http_limits limits = {
    .target_bytes = STATUS_LINE_BYTES_MAX,
    .head_bytes = HEAD_BYTES_MAX,
    .fields = HTTP_FIELDS_MAX,
    .chunk_extension_bytes = CHUNK_EXTENSION_BYTES_MAX,
};

static struct http_state *state_of(struct probe *probe)
{
    return (struct http_state *)probe->state;
}

static const struct http_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

/* ---- the request ---- */

static enum wait dial_url(struct probe *probe)
{
    struct http_spec *spec = probe->check->spec;
    struct http_state *state = state_of(probe);
    struct dial_target target;
    bool is_first_host = strcmp(state->url->host, spec->url.host) == 0;

    state->sent = 0;
    state->has_head = false;
    state->is_cut = false;
    state->informational = 0;
    state->body_bytes = 0;
    http_parser_init(&state->parser, HTTP_RESPONSE, &limits);
    state->parser.head_request = strcmp(state->options.method, "HEAD") == 0;
    target = endpoint_target(&spec->endpoint, state->url->is_tls);
    target.host = state->url->host;
    target.port = state->url->port;
    if (!is_first_host)
        target.server_name = NULL;
    return dial_start(probe, &target, &HTTP_SEND);
}

static enum wait http_begin(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_state *state = state_of(probe);

    state->url = &spec->url;
    state->request = buf_str(&spec->request);
    state->options = (struct http_request_options){spec->method, spec->body != NULL, true};
    state->redirects = 0;
    state->certificates = (struct result_tls){0};
    state->redirected = (struct url){0};
    state->composed = (struct buf){0};
    state->chain = (struct buf){0};
    return dial_url(probe);
}

/* The result has the earliest end of all hops. */
static void note_certificates(struct probe *probe)
{
    struct http_state *state = state_of(probe);
    struct result_tls *tls = &probe->result.tls;

    cert_expiry_merge(tls, &state->certificates);
    state->certificates = *tls;
}

static enum wait http_send(struct probe *probe)
{
    struct http_state *state = state_of(probe);

    if (state->sent == 0) {
        probe_enter(probe, PHASE_REQUEST);
        if (state->url->is_tls)
            note_certificates(probe);
    }
    while (state->sent < state->request.len) {
        size_t len = 0;
        enum io io = stream_write(&probe->stream, state->request.ptr + state->sent,
                                  state->request.len - state->sent, &len);
        int error = stream_error(&probe->stream);

        /* A server may answer (or send an alert) and close before it has read everything: that
         * counts. */
        if (io == IO_ERROR && (error == EPIPE || error == ECONNRESET)) {
            state->is_cut = true;
            break;
        }
        if (io != IO_DONE)
            return probe_wait_io(probe, io);
        state->sent += len;
    }
    probe_enter(probe, PHASE_FIRST_BYTE);
    probe->step = &HTTP_RECEIVE;
    return WAIT_READ;
}

/* ---- redirects ---- */

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void note_hop(struct http_state *state)
{
    const struct url *url = state->url;
    bool is_v6 = strchr(url->host, ':') != NULL;

    if (state->chain.len > CHAIN_BYTES_MAX)
        return;
    buf_printf(&state->chain, is_v6 ? "%shttp%s://[%s]:%u%.*s" : "%shttp%s://%s:%u%.*s",
               state->chain.len > 0 ? " → " : "", url->is_tls ? "s" : "", url->host, url->port, 100,
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

static enum wait follow_redirect(struct probe *probe, struct str location)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_state *state = state_of(probe);
    unsigned status = state->parser.head.status;
    struct url next;
    const char *wrong;

    note_hop(state);
    if (state->redirects == spec->follow_redirects)
        return probe_end(probe, OUTCOME_REDIRECT_LIMIT, "more than %u redirects: " STR_FMT,
                         spec->follow_redirects, STR_ARG(buf_str(&state->chain)));
    wrong = url_resolve(state->url, location, &next);
    if (wrong) {
        buf_reset(&probe->kept);
        buf_append_escaped(&probe->kept, location, QUOTED_BYTES_MAX);
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the target of the redirect, \"" STR_FMT "\", %s",
                         STR_ARG(buf_str(&probe->kept)), wrong);
    }

    state->redirects++;
    probe->result.http.redirects = (uint8_t)state->redirects;
    probe_note(probe, "status %u leads to %s%s", status, next.host, next.target);
    adapt_method(&state->options, status);
    /* Credentials go no further than to the host they were given for, and never from TLS to plain
     * text. */
    if (strcmp(next.host, spec->url.host) != 0 || (spec->url.is_tls && !next.is_tls))
        state->options.with_credentials = false;
    url_clear(&state->redirected);
    state->redirected = next;
    state->url = &state->redirected;
    buf_reset(&state->composed);
    http_request_compose(&state->composed, spec, state->url, &state->options);
    state->request = buf_str(&state->composed);

    probe_close_stream(probe);
    buf_reset(&probe->in);
    return dial_url(probe);
}

/* ---- the verdict ---- */

static enum wait judge_body(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);
    struct str body = buf_str(&probe->kept);
    const char *cut = probe->result.http.truncated ? " in the part that was read" : "";

    if (spec->body_contains && !memmem(body.ptr ? body.ptr : "", body.len, spec->body_contains,
                                       strlen(spec->body_contains)))
        return probe_end(probe, OUTCOME_ASSERT_FAILED, "the body does not contain \"%s\"%s",
                         spec->body_contains, cut);
    if (!spec->body_regex)
        return WAIT_NONE;
    switch (regex_match(spec->body_regex, body)) {
    case REGEX_MATCH:
        return WAIT_NONE;
    case REGEX_NO_MATCH:
        return probe_end(probe, OUTCOME_ASSERT_FAILED, "the body does not match the expression%s",
                         cut);
    case REGEX_LIMIT:
        break;
    }
    return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the expression takes too long on this body");
}

static enum wait judge(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);
    unsigned status = probe->result.http.status;
    enum wait wait;

    probe_enter(probe, PHASE_ASSERT);
    if (!status_list_has(&spec->status, status))
        return probe_end(probe, OUTCOME_STATUS_MISMATCH, "status %u, expected %s", status,
                         spec->status_text);
    if ((wait = judge_body(probe)) != WAIT_NONE)
        return wait;
    if ((wait = cert_expiry_judge(probe, &spec->expiry)) != WAIT_NONE)
        return wait;
    return probe_succeed(probe, "status %u, %u bytes", status, probe->result.http.body_bytes);
}

/* ---- the reply ---- */

static enum wait on_head(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_state *state = state_of(probe);
    const struct http_head *head = &state->parser.head;

    probe->result.has |= RESULT_HAS_HTTP;
    probe->result.http.status = head->status;
    if (head->status == 101)
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server switched protocols without being asked");
    if (head->status < 200) {
        if (++state->informational > INFORMATIONAL_MAX)
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "more than %d informational replies",
                             INFORMATIONAL_MAX);
        return WAIT_NONE;
    }

    state->has_head = true;
    probe_note(probe, "status %u", head->status);
    if (is_redirect(head->status) && spec->follow_redirects > 0) {
        struct str location = http_head_field(head, STR("location"));

        if (location.ptr)
            return follow_redirect(probe, location);
    }
    if (spec->max_body_bytes == 0 && head->framing != HTTP_NO_BODY)
        return judge(probe);
    return WAIT_NONE;
}

static enum wait on_body(struct probe *probe, struct str data)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_state *state = state_of(probe);
    uint64_t room = spec->max_body_bytes - state->body_bytes;

    if (data.len > room) {
        probe->result.http.truncated = true;
        data.len = room;
    }
    state->body_bytes += data.len;
    probe->result.http.body_bytes = (uint32_t)state->body_bytes;
    if (spec->body_contains || spec->body_regex)
        buf_append_str(&probe->kept, data);
    return probe->result.http.truncated ? judge(probe) : WAIT_NONE;
}

static enum wait end_malformed(struct probe *probe, struct str input)
{
    const struct http_state *state = state_of(probe);
    unsigned char first = input.len > 0 ? (unsigned char)input.ptr[0] : 0;

    if (state->has_head || state->informational > 0)
        return probe_end(probe, OUTCOME_PROTO_ERROR, "the reply breaks the rules of HTTP: %s",
                         state->parser.reason);
    buf_reset(&probe->kept);
    buf_append_escaped(&probe->kept, input, QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_PROTO_ERROR,
                     "the reply is no HTTP%s: it begins with \"" STR_FMT "\" (%s)",
                     first == 0x15 || first == 0x16 ? " but looks like TLS" : "",
                     STR_ARG(buf_str(&probe->kept)), state->parser.reason);
}

static enum wait on_end(struct probe *probe)
{
    struct http_state *state = state_of(probe);

    if (state->has_head)
        return judge(probe);
    http_parser_init(&state->parser, HTTP_RESPONSE,
                     &limits); /* it was a 1xx: the reply comes next */
    state->parser.head_request = strcmp(state->options.method, "HEAD") == 0;
    return WAIT_NONE;
}

/* Parses as far as it goes. WAIT_NONE: more is needed, `ret_used` bytes are done with; anything
 * else: the step is over, and `input` must not be looked at any more. */
static enum wait parse(struct probe *probe, struct str input, size_t *ret_used)
{
    struct http_state *state = state_of(probe);
    const struct probe_step *step = probe->step;

    *ret_used = 0;
    for (;;) {
        struct str rest = str_sub(input, *ret_used, input.len);
        enum wait wait = WAIT_NONE;
        size_t used = 0;

        switch (http_parse(&state->parser, rest, &used)) {
        case HTTP_NEED_MORE:
            *ret_used += used;
            return WAIT_NONE;
        case HTTP_HEAD:
            wait = on_head(probe);
            break;
        case HTTP_DATA:
            wait = on_body(probe, state->parser.data);
            break;
        case HTTP_END:
            wait = on_end(probe);
            break;
        case HTTP_MALFORMED:
            return end_malformed(probe, rest);
        case HTTP_TOO_LARGE:
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the reply is over a limit: %s",
                             state->parser.reason);
        }
        *ret_used += used;
        if (wait != WAIT_NONE || probe->step != step)
            return wait;
    }
}

static enum wait on_closed(struct probe *probe)
{
    struct http_state *state = state_of(probe);

    if (state->has_head && http_parse_eof(&state->parser) == HTTP_END)
        return judge(probe);
    if (probe->result.phase == PHASE_FIRST_BYTE && state->is_cut) {
        probe_enter(probe, PHASE_REQUEST);
        return probe_end_io(probe, IO_ERROR); /* the write's own error */
    }
    if (probe->result.phase == PHASE_FIRST_BYTE)
        return probe_end_io(probe, IO_EOF);
    return probe_end(probe, OUTCOME_EOF_EARLY,
                     "the server closed the connection before the reply was complete, "
                     "after %llu bytes of the body",
                     (unsigned long long)state->body_bytes);
}

/* Reads once; where to depends on whether something unfinished lies there already. */
static enum wait read_and_parse(struct probe *probe)
{
    bool has_rest = probe->in.len > 0;
    char *into =
        has_rest ? buf_reserve(&probe->in, SHARD_SCRATCH_BYTES) : shard_scratch(probe->shard);
    struct str input;
    enum wait wait;
    size_t len = 0;
    size_t used;
    enum io io = stream_read(&probe->stream, into, SHARD_SCRATCH_BYTES, &len);

    if (io == IO_EOF)
        return on_closed(probe);
    if (io != IO_DONE)
        return probe_wait_io(probe, io);
    if (probe->result.phase == PHASE_FIRST_BYTE)
        probe_enter(probe, PHASE_TRANSFER);

    if (has_rest)
        probe->in.len += len;
    input = has_rest ? buf_str(&probe->in) : str_n(into, len);
    wait = parse(probe, input, &used);
    if (wait != WAIT_NONE || probe->step != &HTTP_RECEIVE)
        return wait;
    if (has_rest)
        buf_drop(&probe->in, used);
    else if (used < len)
        buf_append(&probe->in, into + used, len - used);
    return WAIT_NONE;
}

static enum wait http_receive(struct probe *probe)
{
    for (unsigned reads = 0; reads < READS_PER_STEP; reads++) {
        enum wait wait = read_and_parse(probe);

        if (wait != WAIT_NONE || probe->step != &HTTP_RECEIVE)
            return wait;
    }
    return WAIT_TURN;
}

static void http_release(struct probe *probe)
{
    struct http_state *state = state_of(probe);

    url_clear(&state->redirected);
    buf_clear(&state->composed);
    buf_clear(&state->chain);
}

const struct probe_kind probe_http = {
    .name = "http",
    .first = &HTTP_BEGIN,
    .state_bytes = sizeof(struct http_state),
    .spec_new = http_spec_new,
    .spec_free = http_spec_free,
    .release = http_release,
};
