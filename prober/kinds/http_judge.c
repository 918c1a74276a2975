/*
 * The verdict on the last reply: what fails comes before what warns. Expressions may be costly, so
 * they wait for a turn of the loop that has time for them.
 */
#include "shared/clock.h"

#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/http_run.h"
#include "prober/shard.h"

static enum wait judge_in_turn(struct probe *probe);

static const struct probe_step HTTP_JUDGE = {"judge", judge_in_turn};

/* Ends the probe when the reply is a failure. */
static enum wait judge_reply(struct probe *probe)
{
    const struct http_run *run = run_of(probe);
    const struct result *result = &probe->result;
    CLEANUP(buf_clear_p) struct buf why = {0};
    struct str kept = buf_str(&probe->kept);
    const struct http_reply reply = {
        .status = result->http.status,
        .tls_version = run->url->is_tls ? result->tls.version : 0,
        .headers = str_sub(kept, 0, run->kept_head_bytes),
        .body = str_sub(kept, run->kept_head_bytes, kept.len),
        .is_cut = result->http.truncated,
    };
    enum outcome outcome = http_expect_check(&spec_of(probe)->expect, &reply, &why);

    if (outcome == OUTCOME_OK)
        return WAIT_NONE;
    return probe_end(probe, outcome, STR_FMT, STR_ARG(buf_str(&why)));
}

static enum wait judge(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);
    const struct result_http *http = &probe->result.http;
    enum wait wait;

    if ((wait = judge_reply(probe)) != WAIT_NONE ||
        (wait = cert_expiry_judge(probe, &spec->expiry)) != WAIT_NONE)
        return wait;
    if (!probe_is_too_slow(probe) && status_list_has(&spec->expect.degraded, http->status))
        return probe_end_as(probe, VERDICT_WARN, OUTCOME_STATUS_MISMATCH,
                            "status %u counts as degraded", http->status);
    return probe_succeed(probe, "status %u, %u bytes%s", http->status, http->body_bytes,
                         http->truncated ? " of a longer body" : "");
}

static enum wait judge_in_turn(struct probe *probe)
{
    int64_t began_us;
    enum wait wait;

    if (!shard_may_match(probe->shard))
        return WAIT_TURN;
    began_us = clock_monotonic_us();
    wait = judge(probe);
    shard_matched(probe->shard, clock_monotonic_us() - began_us);
    return wait;
}

enum wait http_judge(struct probe *probe)
{
    probe_enter(probe, PHASE_ASSERT);
    if (!http_expect_is_costly(&spec_of(probe)->expect))
        return judge(probe);
    probe->step = &HTTP_JUDGE;
    return WAIT_NONE;
}
