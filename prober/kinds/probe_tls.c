/*
 * TLS: the handshake is the check. An alert that is expected may come in the handshake or, in TLS 1.3,
 * after it: then it is waited for until the deadline.
 */
#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"
#include "prober/shard.h"

struct tls_spec {
    struct endpoint_spec endpoint;
    struct cert_expiry expiry;
    unsigned alert; /* 0: none is expected */
};

static enum wait tls_begin(struct probe *probe);
static enum wait tls_stands(struct probe *probe);
static enum wait tls_await_alert(struct probe *probe);

static const struct probe_step TLS_BEGIN = {"begin", tls_begin};
static const struct probe_step TLS_STANDS = {"stands", tls_stands};
static const struct probe_step TLS_AWAIT_ALERT = {"alert", tls_await_alert};

static const struct tls_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

static enum wait succeed(struct probe *probe)
{
    const struct tls_spec *spec = spec_of(probe);
    char address[ADDR_TEXT_BYTES];
    enum wait wait = cert_expiry_judge(probe, &spec->expiry);

    if (wait != WAIT_NONE)
        return wait;
    addr_format(&probe->dial.addr, address);
    if (spec->alert)
        return probe_succeed(probe, "%s sent the alert %s (%u)", address,
                             tls_alert_name(spec->alert), spec->alert);
    return probe_succeed(probe, "TLS 1.%u with %s", probe->result.tls.version - TLS_1_0, address);
}

/* What ended the session: the alert that is expected, another, or no alert at all. */
static enum wait session_failed(struct probe *probe, enum io io)
{
    const struct tls_spec *spec = spec_of(probe);
    unsigned alert = io == IO_ERROR ? tls_alert_received(&probe->stream) : 0;

    if (!spec->alert || !alert)
        return probe_end_io(probe, io);
    if (alert == spec->alert)
        return succeed(probe);
    return probe_end(probe, OUTCOME_ASSERT_FAILED,
                     "the server sent the alert %s (%u), expected %s (%u)", tls_alert_name(alert),
                     alert, tls_alert_name(spec->alert), spec->alert);
}

static enum wait tls_begin(struct probe *probe)
{
    struct tls_spec *spec = probe->check->spec;
    struct dial_target target = endpoint_target(&spec->endpoint, true);

    target.handshake_failed = session_failed;
    return dial_start(probe, &target, &TLS_STANDS);
}

static enum wait tls_stands(struct probe *probe)
{
    if (!spec_of(probe)->alert)
        return succeed(probe);
    probe_enter(probe, PHASE_FIRST_BYTE);
    probe->step = &TLS_AWAIT_ALERT;
    return WAIT_NONE;
}

static enum wait end_without_alert(struct probe *probe, const char *what)
{
    unsigned alert = spec_of(probe)->alert;

    return probe_end(probe, OUTCOME_ASSERT_FAILED,
                     "the server %s without the expected alert %s (%u)", what,
                     tls_alert_name(alert), alert);
}

static enum wait tls_await_alert(struct probe *probe)
{
    size_t len;
    enum io io =
        stream_read(&probe->stream, shard_scratch(probe->shard), SHARD_SCRATCH_BYTES, &len);

    switch (io) {
    case IO_DONE:
        return end_without_alert(probe, "went on to send data");
    case IO_EOF:
        return end_without_alert(probe, "closed the connection");
    case IO_ERROR:
        return session_failed(probe, io);
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        break;
    }
    return probe_wait_io(probe, io);
}

static enum wait tls_timed_out(struct probe *probe)
{
    CLEANUP(buf_clear_p) struct buf what = {0};

    if (probe->step != &TLS_AWAIT_ALERT)
        return WAIT_NONE;
    buf_printf(&what, "was silent for %u ms", probe->limit_ms);
    return end_without_alert(probe, what.data);
}

static void tls_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct tls_spec *spec = NEW(struct tls_spec);
    const json_t *expect = json_object_get(json, "expect");
    const json_t *alert = json_object_get(expect, "alert");

    (void)errors;
    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0);
    spec->expiry = cert_expiry_read(expect);
    spec->alert = json_is_string(alert) ? tls_alert_number(str_of(json_string_value(alert)))
                                        : (unsigned)json_integer_value(alert);
}

static void tls_spec_free(void *object)
{
    struct tls_spec *spec = object;

    if (!spec)
        return;
    endpoint_spec_clear(&spec->endpoint);
    free(spec);
}

const struct probe_kind probe_tls = {
    .name = "tls",
    .first = &TLS_BEGIN,
    .spec_new = tls_spec_new,
    .spec_free = tls_spec_free,
    .timed_out = tls_timed_out,
};
