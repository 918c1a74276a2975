/* Pure comparison of times; the reading of certificates is shared/tls.h. */
#include "prober/kinds/cert_expiry.h"

#include <stdint.h>

#include "shared/clock.h"
#include "shared/json.h"

#include "prober/probe.h"

#define DAY_MS INT64_C(86400000)

struct cert_expiry cert_expiry_read(const json_t *expect)
{
    return (struct cert_expiry){
        .warn_days = (int)json_integer_or(expect, "cert_warn_days", -1),
        .fail_days = (int)json_integer_or(expect, "cert_fail_days", -1),
    };
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    if (a_ms == 0 || b_ms == 0)
        return a_ms + b_ms;
    return MIN(a_ms, b_ms);
}

void cert_expiry_merge(struct result_tls *ret_earliest, const struct result_tls *other)
{
    ret_earliest->not_after_ms = earlier(ret_earliest->not_after_ms, other->not_after_ms);
    ret_earliest->chain_not_after_ms =
        earlier(ret_earliest->chain_not_after_ms, other->chain_not_after_ms);
    ret_earliest->verified_not_after_ms =
        earlier(ret_earliest->verified_not_after_ms, other->verified_not_after_ms);
}

static enum wait end_for_expiry(struct probe *probe, enum verdict verdict, const char *what,
                                int64_t left_ms)
{
    long long days = (left_ms < 0 ? -left_ms : left_ms) / DAY_MS;
    const char *plural = days == 1 ? "" : "s";

    if (left_ms < 0)
        return probe_end_as(probe, verdict, OUTCOME_CERT_EXPIRING, "%s expired %lld day%s ago",
                            what, days, plural);
    return probe_end_as(probe, verdict, OUTCOME_CERT_EXPIRING, "%s expires in %lld day%s", what,
                        days, plural);
}

/* Whether `days` or fewer are left; never when they are -1. */
static bool is_within(int64_t left_ms, int days)
{
    return days >= 0 && left_ms <= days * DAY_MS;
}

enum wait cert_expiry_judge(struct probe *probe, const struct cert_expiry *limits)
{
    const struct result_tls *tls = &probe->result.tls;
    bool is_verified = tls->verified_not_after_ms != 0;
    int64_t end_ms = is_verified ? tls->verified_not_after_ms : tls->chain_not_after_ms;
    int64_t left_ms = end_ms - clock_wall_ms();
    const char *what = end_ms == tls->not_after_ms ? "the certificate"
                       : is_verified               ? "a certificate of the verified chain"
                                                   : "a certificate of the presented chain";

    if (end_ms == 0)
        return WAIT_NONE;
    if (is_within(left_ms, limits->fail_days))
        return end_for_expiry(probe, VERDICT_FAIL, what, left_ms);
    if (is_within(left_ms, limits->warn_days) && !probe_is_too_slow(probe))
        return end_for_expiry(probe, VERDICT_WARN, what, left_ms);
    return WAIT_NONE;
}
