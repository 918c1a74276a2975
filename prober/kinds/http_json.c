/*
 * Assertions about a body as JSON. The usual ones about a body of usual size are evaluated at once;
 * all others go to jq, in a process of its own, while the loop does something else.
 */
#include "shared/jq.h"

#include "prober/kinds/http_run.h"
#include "prober/shard.h"

static enum wait await_jq(struct probe *probe);

static const struct probe_step HTTP_JSON = {"jq", await_jq};

static struct str body_of(struct probe *probe)
{
    return str_sub(buf_str(&probe->kept), run_of(probe)->kept_head_bytes, probe->kept.len);
}

/* Ends the probe unless the assertion holds. `reason` is jq's, or ours in its manner. */
static enum wait judge_answer(struct probe *probe, enum json_answer answer, struct str reason)
{
    struct str program = json_assert_program(spec_of(probe)->expect.json);
    const char *cut = probe->result.http.truncated ? " in the part that was read" : "";

    switch (answer) {
    case JSON_ANSWER_TRUE:
        return WAIT_NONE;
    case JSON_ANSWER_FALSE:
        return probe_end(probe, OUTCOME_ASSERT_FAILED, STR_FMT " does not hold%s: " STR_FMT,
                         STR_ARG(program), cut, STR_ARG(reason));
    case JSON_ANSWER_ERROR:
        return probe_end(probe, OUTCOME_ASSERT_FAILED, STR_FMT " has no answer%s: " STR_FMT,
                         STR_ARG(program), cut, STR_ARG(reason));
    case JSON_ANSWER_LIMIT:
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, STR_FMT " is beyond a bound: " STR_FMT,
                         STR_ARG(program), STR_ARG(reason));
    case JSON_ANSWER_LOST:
        break;
    }
    return probe_end(probe, OUTCOME_PROBER_ERROR, "this prober could not ask jq: " STR_FMT,
                     STR_ARG(reason));
}

/* ---- by jq ---- */

/* jq answers by advancing the probe itself: this step only waits, or sees that it is over. */
static enum wait await_jq(struct probe *probe)
{
    return probe->ended ? WAIT_END : WAIT_CALL;
}

static void on_answer(void *argument, enum json_answer answer, struct str reason)
{
    struct probe *probe = argument;
    struct http_run *run = run_of(probe);

    run->jq_request = NULL;
    if (judge_answer(probe, answer, reason) == WAIT_NONE)
        probe->step = run->after_json;
    probe_advance(probe);
}

static enum wait ask_jq(struct probe *probe)
{
    struct http_run *run = run_of(probe);
    struct jq *jq = shard_jq(probe->shard);

    if (!jq)
        return probe_end(probe, OUTCOME_PROBER_ERROR, "this prober has no process for jq");
    if (jq_ask(jq, spec_of(probe)->expect.json, body_of(probe), probe->due_us, on_answer, probe,
               &run->jq_request) != OK) {
        enum wait wait = probe_end(probe, OUTCOME_PROBER_ERROR, "%s", failure_last()->detail);

        failure_clear();
        return wait;
    }
    probe->step = &HTTP_JSON;
    return WAIT_CALL;
}

enum wait http_json_judge(struct probe *probe, const struct probe_step *then)
{
    const struct json_assert *assertion = spec_of(probe)->expect.json;
    CLEANUP(buf_clear_p) struct buf reason = {0};
    enum json_answer answer;
    enum wait wait;

    run_of(probe)->after_json = then;
    if (!json_assert_is_quick(assertion, body_of(probe)))
        return ask_jq(probe);
    answer = json_assert_holds(assertion, body_of(probe), &reason);
    wait = judge_answer(probe, answer, buf_str(&reason));
    if (wait == WAIT_NONE)
        probe->step = then;
    return wait;
}

void http_json_release(struct probe *probe)
{
    struct http_run *run = run_of(probe);

    if (run->jq_request)
        jq_cancel(shard_jq(probe->shard), TAKE(run->jq_request));
}
