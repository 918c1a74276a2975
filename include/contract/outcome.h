/*
 * The closed list of what can become of a probe, and the phase it ended in. A failed probe is an
 * outcome, not an error. Words may be added at the end, never renamed; the numbers stand on the
 * wire and in the database.
 */
#pragma once

/*      number, name, word, verdict
 * (SLOW and CERT_EXPIRING are warn or fail by threshold; SCRIPT_EXIT goes by the exit status;
 * REPORTED is warn or fail as the target said itself, by a heartbeat) */
#define OUTCOME_TABLE(ROW)                                                                         \
    ROW(0, OK, "ok", VERDICT_OK)                                                                   \
    ROW(1, DNS_NXDOMAIN, "dns_nxdomain", VERDICT_FAIL)                                             \
    ROW(2, DNS_NODATA, "dns_nodata", VERDICT_FAIL)                                                 \
    ROW(3, DNS_TIMEOUT, "dns_timeout", VERDICT_FAIL)                                               \
    ROW(4, DNS_SERVFAIL, "dns_servfail", VERDICT_FAIL)                                             \
    ROW(5, DNS_REFUSED, "dns_refused", VERDICT_FAIL)                                               \
    ROW(6, DNS_FORMAT, "dns_format", VERDICT_FAIL)                                                 \
    ROW(7, CONNECT_REFUSED, "connect_refused", VERDICT_FAIL)                                       \
    ROW(8, CONNECT_TIMEOUT, "connect_timeout", VERDICT_FAIL)                                       \
    ROW(9, UNREACHABLE, "unreachable", VERDICT_FAIL)                                               \
    ROW(10, RESET, "reset", VERDICT_FAIL)                                                          \
    ROW(11, TLS_HANDSHAKE, "tls_handshake", VERDICT_FAIL)                                          \
    ROW(12, TLS_ALERT, "tls_alert", VERDICT_FAIL)                                                  \
    ROW(13, TLS_UNTRUSTED, "tls_untrusted", VERDICT_FAIL)                                          \
    ROW(14, TLS_SELF_SIGNED, "tls_self_signed", VERDICT_FAIL)                                      \
    ROW(15, TLS_EXPIRED, "tls_expired", VERDICT_FAIL)                                              \
    ROW(16, TLS_NOT_YET_VALID, "tls_not_yet_valid", VERDICT_FAIL)                                  \
    ROW(17, TLS_NAME, "tls_name", VERDICT_FAIL)                                                    \
    ROW(18, PROTO_ERROR, "proto_error", VERDICT_FAIL)                                              \
    ROW(19, STATUS_MISMATCH, "status_mismatch", VERDICT_FAIL)                                      \
    ROW(20, ASSERT_FAILED, "assert_failed", VERDICT_FAIL)                                          \
    ROW(21, SLOW, "slow", VERDICT_FAIL)                                                            \
    ROW(22, TIMEOUT, "timeout", VERDICT_FAIL)                                                      \
    ROW(23, EOF_EARLY, "eof_early", VERDICT_FAIL)                                                  \
    ROW(24, LIMIT_EXCEEDED, "limit_exceeded", VERDICT_FAIL)                                        \
    ROW(25, REDIRECT_LIMIT, "redirect_limit", VERDICT_FAIL)                                        \
    ROW(26, POLICY, "policy", VERDICT_ERROR)                                                       \
    ROW(27, NOT_SERVING, "not_serving", VERDICT_FAIL)                                              \
    ROW(28, ICMP_LOSS, "icmp_loss", VERDICT_FAIL)                                                  \
    ROW(29, SCRIPT_EXIT, "script_exit", VERDICT_FAIL)                                              \
    ROW(30, SCRIPT_TIMEOUT, "script_timeout", VERDICT_FAIL)                                        \
    ROW(31, SCRIPT_SIGNAL, "script_signal", VERDICT_ERROR)                                         \
    ROW(32, CERT_EXPIRING, "cert_expiring", VERDICT_WARN)                                          \
    ROW(33, HEARTBEAT_MISSED, "heartbeat_missed", VERDICT_FAIL)                                    \
    ROW(34, PROBER_ERROR, "prober_error", VERDICT_ERROR)                                           \
    ROW(35, REPORTED, "reported", VERDICT_FAIL)

#define OUTCOME_ENUM(number, name, word, verdict) OUTCOME_##name = (number),

enum outcome { OUTCOME_TABLE(OUTCOME_ENUM) OUTCOME_COUNT };

#define PHASE_TABLE(ROW)                                                                           \
    ROW(0, QUEUE, "queue")                                                                         \
    ROW(1, DNS, "dns")                                                                             \
    ROW(2, CONNECT, "connect")                                                                     \
    ROW(3, TLS, "tls")                                                                             \
    ROW(4, REQUEST, "request")                                                                     \
    ROW(5, FIRST_BYTE, "first_byte")                                                               \
    ROW(6, TRANSFER, "transfer")                                                                   \
    ROW(7, SCRIPT, "script")                                                                       \
    ROW(8, ASSERT, "assert")

#define PHASE_ENUM(number, name, word) PHASE_##name = (number),

enum phase { PHASE_TABLE(PHASE_ENUM) PHASE_COUNT };
