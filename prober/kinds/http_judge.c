/*
 * The verdict on the last reply: what fails comes before what warns. Expressions may be costly, so
 * they wait for a turn of the loop that has time for them.
 */
#include "shared/clock.h"

#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/http_explain.h"
#include "prober/kinds/http_run.h"
#include "prober/shard.h"

static enum wait judge_in_turn(struct probe *probe);
static enum wait judge_rest(struct probe *probe);

static const struct probe_step HTTP_JUDGE = {"judge", judge_in_turn};
static const struct probe_step HTTP_JUDGE_REST = {"verdict", judge_rest};

/* Ends the probe when the reply is a failure. */
static enum wait judge_reply(struct probe *probe)
{
    const struct http_run *run = run_of(probe);
    const struct result *result = &probe->result;
    CLEANUP(buf_clear_p) struct buf why = {0};
    struct str kept = buf_str(&probe->kept);
    const struct http_reply reply = {
        .status = result->http.status,
        .http_version = run->version,
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

/* What is odd of a reply that is fine. */
static void append_remarks(struct probe *probe, struct buf *remarks)
{
    const struct http_run *run = run_of(probe);

    if (UNLIKELY(probe->result.http.truncated))
        buf_append_text(remarks, " of a longer body");
    else if (UNLIKELY(run->exchange.behind > 0))
        buf_printf(remarks, ", extra_bytes: %zu or more came after the reply",
                   run->exchange.behind);
    if (UNLIKELY(run->has_left_tls))
        buf_append_text(remarks, ", insecure_redirect: from TLS to plain text");
}

/* Ends the probe when the reply, which is no failure, is to be warned of. */
static enum wait judge_warnings(struct probe *probe)
{
    unsigned status = probe->result.http.status;

    if (status_list_has(&spec_of(probe)->expect.degraded, status))
        return probe_end_as(probe, VERDICT_WARN, OUTCOME_STATUS_MISMATCH,
                            "status %u counts as degraded", status);
    if (UNLIKELY(run_of(probe)->has_both_lengths))
        return probe_end_as(probe, VERDICT_WARN, OUTCOME_PROTO_ERROR,
                            "the reply has both Content-Length and Transfer-Encoding");
    return WAIT_NONE;
}

/* All that fails for what the reply says is done. */
static enum wait judge_rest(struct probe *probe)
{
    const struct http_spec *spec = spec_of(probe);
    const struct result_http *http = &probe->result.http;
    CLEANUP(buf_clear_p) struct buf remarks = {0};
    enum wait wait;

    if ((wait = cert_expiry_judge(probe, &spec->expiry)) != WAIT_NONE)
        return wait;
    if (!probe_is_too_slow(probe) && (wait = judge_warnings(probe)) != WAIT_NONE)
        return wait;
    append_remarks(probe, &remarks);
    return probe_succeed(probe, "status %u, %u byte%s" STR_FMT, http->status, http->body_bytes,
                         http->body_bytes == 1 ? "" : "s", STR_ARG(buf_str(&remarks)));
}

static enum wait judge(struct probe *probe)
{
    enum wait wait;

    http_explain_hop(probe);
    http_explain_body(probe,
                      str_sub(buf_str(&probe->kept), run_of(probe)->kept_head_bytes, SIZE_MAX));
    if ((wait = judge_reply(probe)) != WAIT_NONE)
        return wait;
    if (UNLIKELY(spec_of(probe)->expect.json))
        return http_json_judge(probe, &HTTP_JUDGE_REST);
    return judge_rest(probe);
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
