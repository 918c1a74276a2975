/* Alerts by name and number (RFC 8446, section 6, and the registry of TLS alerts). */
#include <openssl/err.h>

#include "shared/stream.h"
#include "shared/tls.h"

/* OpenSSL reports alerts of the peer as reasons: this plus the alert's number. */
#define REASON_OFFSET 1000

/* Without close_notify, which is no error. */
static const struct {
    unsigned number;
    const char *name;
} alerts[] = {
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {30, "decompression_failure"},
    {40, "handshake_failure"},
    {41, "no_certificate"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {52, "too_many_cids_requested"},
    {60, "export_restriction"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {111, "certificate_unobtainable"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {114, "bad_certificate_hash_value"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {120, "no_application_protocol"},
};

unsigned tls_alert_number(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
        if (str_equal(str_of(alerts[i].name), name))
            return alerts[i].number;
    }
    return 0;
}

const char *tls_alert_name(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
        if (alerts[i].number == number)
            return alerts[i].name;
    }
    return "unknown";
}

unsigned tls_alert_received(const struct stream *stream)
{
    int reason = ERR_GET_REASON(stream->ssl_error);

    return reason > REASON_OFFSET && reason <= REASON_OFFSET + 255
               ? (unsigned)(reason - REASON_OFFSET)
               : 0;
}
