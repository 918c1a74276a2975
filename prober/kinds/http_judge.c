/* The verdict on the last reply: what fails comes before what warns. */
#include <string.h>

#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/http_run.h"

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

enum wait http_judge(struct probe *probe)
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
