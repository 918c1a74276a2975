/* TCP: connects, then sends and waits for what has to match, where the spec says so. */
#include <string.h>

#include "shared/json.h"
#include "shared/mem.h"
#include "shared/regex.h"

#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"
#include "prober/shard.h"

/* Matched again with each part that comes, so it is kept small. */
#define RECEIVED_BYTES_MAX (16 * 1024)
#define QUOTED_BYTES_MAX   64

struct tcp_spec {
    struct endpoint_spec endpoint;
    bool with_tls;
    char *send; /* NULL: nothing */
    size_t send_len;
    struct regex *expect_regex; /* NULL: nothing is expected */
};

struct tcp_state {
    size_t sent;
};

static enum wait tcp_begin(struct probe *probe);
static enum wait tcp_connected(struct probe *probe);
static enum wait tcp_send(struct probe *probe);
static enum wait tcp_expect(struct probe *probe);

static const struct probe_step TCP_BEGIN = {"begin", tcp_begin};
static const struct probe_step TCP_CONNECTED = {"connected", tcp_connected};
static const struct probe_step TCP_SEND = {"send", tcp_send};
static const struct probe_step TCP_EXPECT = {"expect", tcp_expect};

static struct tcp_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

static enum wait tcp_begin(struct probe *probe)
{
    struct tcp_spec *spec = spec_of(probe);
    const struct dial_target target = endpoint_target(&spec->endpoint, spec->with_tls);

    return dial_start(probe, &target, &TCP_CONNECTED);
}

static enum wait succeed(struct probe *probe)
{
    char address[ADDR_TEXT_BYTES];

    return probe_succeed(probe, "connected to %s", addr_format(&probe->dial.addr, address));
}

static enum wait begin_to_expect(struct probe *probe)
{
    probe_enter(probe, PHASE_FIRST_BYTE);
    probe->step = &TCP_EXPECT;
    return WAIT_READ;
}

static enum wait tcp_connected(struct probe *probe)
{
    const struct tcp_spec *spec = spec_of(probe);
    struct tcp_state *state = (struct tcp_state *)probe->state;

    if (spec->send_len > 0) {
        state->sent = 0;
        probe_enter(probe, PHASE_REQUEST);
        probe->step = &TCP_SEND;
        return WAIT_NONE;
    }
    return spec->expect_regex ? begin_to_expect(probe) : succeed(probe);
}

static enum wait tcp_send(struct probe *probe)
{
    const struct tcp_spec *spec = spec_of(probe);
    struct tcp_state *state = (struct tcp_state *)probe->state;

    while (state->sent < spec->send_len) {
        size_t len = 0;
        enum io io = stream_write(&probe->stream, spec->send + state->sent,
                                  spec->send_len - state->sent, &len);

        if (io != IO_DONE)
            return probe_wait_io(probe, io);
        state->sent += len;
    }
    return spec->expect_regex ? begin_to_expect(probe) : succeed(probe);
}

static enum wait end_unmatched(struct probe *probe, const char *format)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    buf_append_escaped(&quoted, buf_str(&probe->in), QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_ASSERT_FAILED, "%s; it begins with \"" STR_FMT "\"", format,
                     STR_ARG(buf_str(&quoted)));
}

static enum wait tcp_expect(struct probe *probe)
{
    const struct tcp_spec *spec = spec_of(probe);
    size_t room = RECEIVED_BYTES_MAX - probe->in.len;
    size_t len = 0;
    enum io io = stream_read(&probe->stream, buf_reserve(&probe->in, room), room, &len);

    if (io == IO_EOF && probe->in.len > 0)
        return end_unmatched(probe, "the server closed the connection before its reply matched");
    if (io != IO_DONE)
        return probe_wait_io(probe, io);
    if (probe->result.phase == PHASE_FIRST_BYTE)
        probe_enter(probe, PHASE_TRANSFER);

    probe->in.len += len;
    switch (regex_match(spec->expect_regex, buf_str(&probe->in))) {
    case REGEX_MATCH:
        return probe_succeed(probe, "the reply matches, %zu bytes", probe->in.len);
    case REGEX_LIMIT:
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                         "the expression takes too long on this reply");
    case REGEX_NO_MATCH:
        break;
    }
    if (probe->in.len == RECEIVED_BYTES_MAX)
        return end_unmatched(probe, "the first 16384 bytes of the reply do not match");
    return WAIT_READ;
}

static void tcp_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct tcp_spec *spec = NEW(struct tcp_spec);
    const char *send = json_text(json, "send", NULL);
    const char *regex = json_text(json, "expect_regex", NULL);

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0, errors);
    spec->with_tls = json_has(json, "tls");
    if (send) {
        spec->send = xstrdup(send);
        spec->send_len = strlen(send);
    }
    if (regex && regex_new(str_of(regex), &spec->expect_regex) != OK) {
        json_add_error(errors, "/spec/expect_regex", "regex_invalid", "%s", failure_last()->detail);
        failure_clear();
    }
}

static void tcp_spec_free(void *object)
{
    struct tcp_spec *spec = object;

    if (!spec)
        return;
    regex_free(spec->expect_regex);
    endpoint_spec_clear(&spec->endpoint);
    free(spec->send);
    free(spec);
}

const struct probe_kind probe_tcp = {
    .name = "tcp",
    .first = &TCP_BEGIN,
    .state_bytes = sizeof(struct tcp_state),
    .spec_new = tcp_spec_new,
    .spec_free = tcp_spec_free,
};
