/*
 * UDP: one datagram out, one in. Nobody has to answer; what can be known without an answer is that the
 * datagram was refused: on a connected socket ICMP "port unreachable" is ECONNREFUSED.
 */
#include <errno.h>

#include "shared/json.h"
#include "shared/mem.h"
#include "shared/regex.h"

#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"
#include "prober/shard.h"

#define REFUSAL_GRACE_MS 250 /* udp.json tells of it */
#define QUOTED_BYTES_MAX 64

struct udp_spec {
    struct endpoint_spec endpoint;
    struct buf datagram;
    struct regex *expect_regex; /* NULL: no answer is needed */
};

static enum wait udp_begin(struct probe *probe);
static enum wait udp_send(struct probe *probe);
static enum wait udp_await(struct probe *probe);

static const struct probe_step UDP_BEGIN = {"begin", udp_begin};
static const struct probe_step UDP_SEND = {"send", udp_send};
static const struct probe_step UDP_AWAIT = {"answer", udp_await};

static const struct udp_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

static enum wait udp_begin(struct probe *probe)
{
    struct udp_spec *spec = probe->check->spec;
    struct dial_target target = endpoint_target(&spec->endpoint, false);

    target.transport = DIAL_UDP;
    return dial_start(probe, &target, &UDP_SEND);
}

static enum wait end_io(struct probe *probe, enum io io)
{
    char address[ADDR_TEXT_BYTES];

    if (io == IO_ERROR && stream_error(&probe->stream) == ECONNREFUSED)
        return probe_end(probe, OUTCOME_CONNECT_REFUSED,
                         "refused by %s: nobody listens there (ICMP port unreachable)",
                         addr_format(&probe->dial.addr, address));
    return probe_wait_io(probe, io);
}

static enum wait udp_send(struct probe *probe)
{
    const struct udp_spec *spec = spec_of(probe);
    size_t len;
    enum io io;

    if (probe->result.phase != PHASE_REQUEST)
        probe_enter(probe, PHASE_REQUEST);
    io = stream_write(&probe->stream, spec->datagram.data, spec->datagram.len, &len);
    if (io != IO_DONE)
        return end_io(probe, io);

    probe_enter(probe, PHASE_FIRST_BYTE);
    if (!spec->expect_regex)
        probe_limit(probe, REFUSAL_GRACE_MS);
    probe->step = &UDP_AWAIT;
    return WAIT_READ;
}

static enum wait judge(struct probe *probe, struct str answer)
{
    const struct udp_spec *spec = spec_of(probe);
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    if (!spec->expect_regex)
        return probe_succeed(probe, "answered with %zu bytes", answer.len);
    buf_append_char(&quoted, '"');
    buf_append_escaped(&quoted, answer, QUOTED_BYTES_MAX);
    buf_append_char(&quoted, '"');
    probe_note(probe, STR_FMT, STR_ARG(buf_str(&quoted)));
    switch (regex_match(spec->expect_regex, answer)) {
    case REGEX_MATCH:
        return probe_succeed(probe, "the answer matches, %zu bytes", answer.len);
    case REGEX_NO_MATCH:
        return probe_end(probe, OUTCOME_ASSERT_FAILED,
                         "the answer does not match: %zu bytes, " STR_FMT, answer.len,
                         STR_ARG(buf_str(&quoted)));
    case REGEX_LIMIT:
        break;
    }
    return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the expression takes too long on this answer");
}

static enum wait udp_await(struct probe *probe)
{
    char *into = shard_scratch(probe->shard);
    size_t len = 0;
    enum io io = stream_read(&probe->stream, into, SHARD_SCRATCH_BYTES, &len);

    if (io == IO_DONE || io == IO_EOF) /* the end of a datagram: an empty one has come */
        return judge(probe, str_n(into, len));
    return end_io(probe, io);
}

static enum wait udp_timed_out(struct probe *probe)
{
    const struct udp_spec *spec = spec_of(probe);

    if (probe->step != &UDP_AWAIT || spec->expect_regex)
        return WAIT_NONE;
    return probe_succeed(probe, "%zu bytes sent, and not refused within %u ms", spec->datagram.len,
                         probe->limit_ms);
}

static void udp_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct udp_spec *spec = NEW(struct udp_spec);
    const char *regex = json_text(json, "expect_regex", NULL);

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0);
    buf_append_text(&spec->datagram, json_text(json, "send", ""));
    buf_append_hex(&spec->datagram, json_text(json, "send_hex", ""));
    if (regex && regex_new(str_of(regex), &spec->expect_regex) != OK) {
        json_add_error(errors, "/spec/expect_regex", "regex_invalid", "%s", failure_last()->detail);
        failure_clear();
    }
}

static void udp_spec_free(void *object)
{
    struct udp_spec *spec = object;

    if (!spec)
        return;
    regex_free(spec->expect_regex);
    buf_clear(&spec->datagram);
    endpoint_spec_clear(&spec->endpoint);
    free(spec);
}

const struct probe_kind probe_udp = {
    .name = "udp",
    .first = &UDP_BEGIN,
    .spec_new = udp_spec_new,
    .spec_free = udp_spec_free,
    .timed_out = udp_timed_out,
};
