/*
 * How long the certificates that a handshake has shown will last, judged by a check's two limits.
 * Where the chain was verified, it is the verified chain that counts: what the server shows beside
 * it (an old cross-signed root, say) does no harm. Without verification the presented one counts.
 *
 * Thread: the loop of the probe's shard.
 */
#pragma once

#include <jansson.h>

struct probe;
struct result_tls;
enum wait;

/* Days before the end of validity from which on a result warns and fails; -1: never. */
struct cert_expiry {
    int warn_days;
    int fail_days;
};

/* Reads cert_warn_days and cert_fail_days of a spec's `expect` (or NULL). */
struct cert_expiry cert_expiry_read(const json_t *expect);

/* Keeps in `ret_earliest` the earlier end of each of the two, where 0 is none. */
void cert_expiry_merge(struct result_tls *ret_earliest, const struct result_tls *other);

/* Ends the probe when a certificate of its result expires too soon; else WAIT_NONE. A warning is
 * left out when probe_succeed() is going to fail for being slow. */
enum wait cert_expiry_judge(struct probe *probe, const struct cert_expiry *limits);
