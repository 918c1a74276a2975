/*
 * TCP: connects, and goes through a dialogue where the spec has one; or connects half-open and leaves
 * before the target has a connection to accept.
 */
#include "shared/dialogue.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/dialogue_run.h"
#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"

struct tcp_spec {
    struct endpoint_spec endpoint;
    bool with_tls; /* from the start */
    bool half_open;
    struct cert_expiry expiry;
    struct dialogue *dialogue; /* NULL: connecting is all */
};

static enum wait tcp_begin(struct probe *probe);
static enum wait tcp_connected(struct probe *probe);
static enum wait tcp_done(struct probe *probe);

static const struct probe_step TCP_BEGIN = {"begin", tcp_begin};
static const struct probe_step TCP_CONNECTED = {"connected", tcp_connected};
static const struct probe_step TCP_DONE = {"done", tcp_done};

static enum wait tcp_begin(struct probe *probe)
{
    struct tcp_spec *spec = probe->check->spec;
    struct dial_target target = endpoint_target(&spec->endpoint, spec->with_tls);

    if (spec->half_open)
        target.transport = DIAL_TCP_HALF_OPEN;
    dialogue_run_init(probe, &(struct dialogue_run){
                                 .dialogue = spec->dialogue,
                                 .tls = &spec->endpoint.tls,
                                 .names = endpoint_names(&spec->endpoint),
                                 .then = &TCP_DONE,
                             });
    return dial_start(probe, &target, &TCP_CONNECTED);
}

static enum wait tcp_connected(struct probe *probe)
{
    const struct tcp_spec *spec = probe->check->spec;

    return spec->dialogue ? dialogue_run_start(probe) : tcp_done(probe);
}

static enum wait tcp_done(struct probe *probe)
{
    const struct tcp_spec *spec = probe->check->spec;
    char address[ADDR_TEXT_BYTES];
    enum wait wait = cert_expiry_judge(probe, &spec->expiry);

    if (wait != WAIT_NONE)
        return wait;
    addr_format(&probe->dial.addr, address);
    if (spec->half_open)
        return probe_succeed(probe, "%s agrees to connect", address);
    if (!spec->dialogue)
        return probe_succeed(probe, "connected to %s", address);
    return probe_succeed(probe, "%s goes through all %zu steps", address,
                         spec->dialogue->steps.len);
}

/* send and expect_regex are short for two steps. */
static struct dialogue *short_dialogue(const json_t *json)
{
    struct dialogue *dialogue = dialogue_new_empty();
    const char *send = json_text(json, "send", NULL);

    if (send)
        dialogue_add_send(dialogue, str_of(send));
    if (json_has(json, "expect_regex"))
        dialogue_add_expect(dialogue, &(struct dialogue_expectation){
                                          .what = "the reply",
                                          .expected = json_text(json, "expect_regex", NULL),
                                          .mismatch = OUTCOME_ASSERT_FAILED,
                                      });
    return dialogue;
}

static void tcp_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct tcp_spec *spec = NEW(struct tcp_spec);

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0);
    spec->half_open = json_boolean_or(json, "half_open", false);
    spec->expiry = cert_expiry_read(json_object_get(json, "expect"));
    if (json_has(json, "steps"))
        spec->dialogue = dialogue_new(json_object_get(json, "steps"), "/spec/steps", errors);
    else if (json_has(json, "send") || json_has(json, "expect_regex"))
        spec->dialogue = short_dialogue(json);
    spec->with_tls = json_has(json, "tls") && !(spec->dialogue && spec->dialogue->has_start_tls);
}

static void tcp_spec_free(void *object)
{
    struct tcp_spec *spec = object;

    if (!spec)
        return;
    dialogue_free(spec->dialogue);
    endpoint_spec_clear(&spec->endpoint);
    free(spec);
}

const struct probe_kind probe_tcp = {
    .name = "tcp",
    .first = &TCP_BEGIN,
    .state_bytes = sizeof(struct dialogue_run),
    .spec_new = tcp_spec_new,
    .spec_free = tcp_spec_free,
    .timed_out = dialogue_run_timed_out,
    .release = dialogue_run_release,
};
