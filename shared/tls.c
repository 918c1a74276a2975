/* Contexts of servers, and the reading of what a session tells: errors, certificates. */
#include "shared/tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "shared/mem.h"
#include "shared/stream.h"
#include "shared/tls_private.h"

#define DESCRIBED_BYTES_MAX 512 /* of one name or list of names */

static void *take_memory(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return xmalloc(size);
}

static void *grow_memory(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return xrealloc(block, size);
}

static void give_memory(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

/* Out of memory aborts, here too: OpenSSL would call a certificate unreadable or a peer wrong. */
__attribute__((constructor)) static void use_our_memory(void)
{
    CRYPTO_set_mem_functions(take_memory, grow_memory, give_memory);
}

void tls_context_free(SSL_CTX *context)
{
    SSL_CTX_free(context);
}

int tls_read_certificates(struct str pem, X509_STORE *store)
{
    BIO *source = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *certificate;
    int count = 0;
    bool at_end;

    if (!source)
        out_of_memory(0);
    ERR_clear_error();
    while ((certificate = PEM_read_bio_X509(source, NULL, NULL, NULL))) {
        if (store)
            X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
        count++;
    }
    at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(source);
    return at_end ? count : -1;
}

bool tls_pem_is_valid(struct str pem)
{
    return tls_read_certificates(pem, NULL) > 0;
}

SSL_CTX *tls_context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);

    if (!context)
        out_of_memory(0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

/* The oldest error in the queue, in words. */
static const char *oldest_reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_SYSTEM_ERROR(code) ? strerrordesc_np(ERR_GET_REASON(code))
                                                : ERR_reason_error_string(code);

    return reason ? reason : "unknown reason";
}

/* What a server speaks, as ALPN writes it: each name with its length before it. */
static const struct str server_protocols = {"\x02h2\x08http/1.1", 12};

/* Ours first, of those that the client offers; with none in common HTTP/1.1 is spoken anyway. */
static int choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
                           const unsigned char *offered, unsigned offered_len, void *argument)
{
    const struct str *ours = argument;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, ret_len, (const unsigned char *)ours->ptr,
                              (unsigned)ours->len, offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *ret_name = chosen;
    return SSL_TLSEXT_ERR_OK;
}

enum err tls_server_context_new(const char *certificate_file, const char *key_file,
                                uint16_t min_version, SSL_CTX **ret_context)
{
    AUTO(tls_context_free) SSL_CTX *context = tls_context_new(TLS_server_method());

    SSL_CTX_set_min_proto_version(context, min_version);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, (void *)&server_protocols);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return fail(ERR_INVALID, "tls_certificate_invalid",
                    "The certificate %s and the key %s cannot be used: %s.", certificate_file,
                    key_file, oldest_reason());
    *ret_context = TAKE(context);
    return OK;
}

int64_t tls_server_context_not_after_ms(SSL_CTX *context)
{
    struct tm parts = {0};

    if (!ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &parts))
        return 0;
    return (int64_t)timegm(&parts) * 1000;
}

struct verify_row {
    int error;
    enum outcome outcome;
    const char *clause;
};

/* clang-format off */
static const struct verify_row verify_rows[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED,                     OUTCOME_TLS_EXPIRED,       "the certificate has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID,                   OUTCOME_TLS_NOT_YET_VALID, "the certificate is not valid yet"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,          OUTCOME_TLS_SELF_SIGNED,   "the certificate is self-signed"},
    {X509_V_ERR_HOSTNAME_MISMATCH,                    OUTCOME_TLS_NAME,          "the certificate is for another name"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH,                  OUTCOME_TLS_NAME,          "the certificate is for another address"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,            OUTCOME_TLS_UNTRUSTED,     "the certificate's root is not trusted"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,            OUTCOME_TLS_UNTRUSTED,     "the certificate's issuer is not known"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,    OUTCOME_TLS_UNTRUSTED,     "the certificate's issuer is not known"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,      OUTCOME_TLS_UNTRUSTED,     "the certificate's issuer is not known"},
    {X509_V_ERR_EE_KEY_TOO_SMALL,                     OUTCOME_TLS_HANDSHAKE,     "the certificate's key is too short"},
    {X509_V_ERR_CA_KEY_TOO_SMALL,                     OUTCOME_TLS_HANDSHAKE,     "the key of a certificate in the chain is too short"},
    {X509_V_ERR_CA_MD_TOO_WEAK,                       OUTCOME_TLS_HANDSHAKE,     "the signature of a certificate in the chain is too weak"},
};

/* clang-format on */

/* Whom a certificate should be for. */
static void append_wanted(SSL *ssl, long error, struct buf *text)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
    const char *host = X509_VERIFY_PARAM_get0_host(wanted, 0);
    char *address = X509_VERIFY_PARAM_get1_ip_asc(wanted);

    if (error == X509_V_ERR_HOSTNAME_MISMATCH && host)
        buf_printf(text, " than %s", host);
    if (error == X509_V_ERR_IP_ADDRESS_MISMATCH && address)
        buf_printf(text, " than %s", address);
    OPENSSL_free(address);
}

static enum outcome verify_failure(SSL *ssl, struct buf *text)
{
    long error = SSL_get_verify_result(ssl);

    for (size_t i = 0; i < ARRAY_LEN(verify_rows); i++) {
        if (verify_rows[i].error == error) {
            buf_append_text(text, verify_rows[i].clause);
            append_wanted(ssl, error, text);
            return verify_rows[i].outcome;
        }
    }
    buf_printf(text, "the certificate was refused: %s", X509_verify_cert_error_string(error));
    return OUTCOME_TLS_UNTRUSTED;
}

enum outcome tls_failure(const struct stream *stream, struct buf *text)
{
    int reason = ERR_GET_REASON(stream->ssl_error);
    unsigned alert = tls_alert_received(stream);
    const char *words = ERR_reason_error_string(stream->ssl_error);

    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return verify_failure(stream->ssl, text);
    if (alert != 0) {
        buf_printf(text, "the server sent the alert %s (%u)", tls_alert_name(alert), alert);
        return OUTCOME_TLS_ALERT;
    }
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST) {
        buf_append_text(text, "the server does not speak TLS (it may speak plain HTTP)");
        return OUTCOME_TLS_HANDSHAKE;
    }
    buf_append_text(text, words ? words : "unknown TLS error");
    return OUTCOME_TLS_HANDSHAKE;
}

static int64_t time_ms(const ASN1_TIME *time)
{
    struct tm utc;

    return ASN1_TIME_to_tm(time, &utc) == 1 ? (int64_t)timegm(&utc) * 1000 : 0;
}

/* The first end of validity in a chain; 0 when it is empty. */
static int64_t earliest_end_ms(const STACK_OF(X509) * chain)
{
    int64_t earliest_ms = 0;

    for (int i = 0; chain && i < sk_X509_num(chain); i++) {
        int64_t not_after_ms = time_ms(X509_get0_notAfter(sk_X509_value(chain, i)));

        if (i == 0 || not_after_ms < earliest_ms)
            earliest_ms = not_after_ms;
    }
    return earliest_ms;
}

void tls_read_peer(const struct stream *stream, struct result_tls *ret_tls)
{
    const STACK_OF(X509) *shown = SSL_get_peer_cert_chain(stream->ssl);

    *ret_tls = (struct result_tls){.chain_not_after_ms = earliest_end_ms(shown)};
    if (SSL_is_init_finished(stream->ssl))
        ret_tls->version = (uint16_t)SSL_version(stream->ssl);
    if (shown && sk_X509_num(shown) > 0)
        ret_tls->not_after_ms = time_ms(X509_get0_notAfter(sk_X509_value(shown, 0)));
    if (SSL_get_verify_mode(stream->ssl) == SSL_VERIFY_PEER &&
        SSL_get_verify_result(stream->ssl) == X509_V_OK)
        ret_tls->verified_not_after_ms = earliest_end_ms(SSL_get0_verified_chain(stream->ssl));
}

/* Description --------------------------------------------------------------------------------- */

static void append_bio(struct buf *text, BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);

    buf_append_escaped(text, str_n(data, len > 0 ? (size_t)len : 0), DESCRIBED_BYTES_MAX);
    BIO_reset(bio);
}

static void describe_certificate(X509 *certificate, struct buf *text)
{
    const int names_at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    BIO *bio = BIO_new(BIO_s_mem());

    if (!bio)
        out_of_memory(0);
    X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    buf_append_text(text, "; certificate of \"");
    append_bio(text, bio);
    X509_NAME_print_ex(bio, X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253);
    buf_append_text(text, "\" by \"");
    append_bio(text, bio);
    buf_append_text(text, "\"");
    if (names_at >= 0 && X509V3_EXT_print(bio, X509_get_ext(certificate, names_at), 0, 0) == 1) {
        buf_append_text(text, " for ");
        append_bio(text, bio);
    }
    i2a_ASN1_INTEGER(bio, X509_get0_serialNumber(certificate));
    buf_append_text(text, "; serial ");
    append_bio(text, bio);
    ASN1_TIME_print(bio, X509_get0_notBefore(certificate));
    buf_append_text(text, "; valid from ");
    append_bio(text, bio);
    ASN1_TIME_print(bio, X509_get0_notAfter(certificate));
    buf_append_text(text, " to ");
    append_bio(text, bio);
    BIO_free(bio);

    if (X509_digest(certificate, EVP_sha256(), digest, &digest_len) == 1) {
        buf_append_text(text, "; SHA-256 ");
        for (unsigned i = 0; i < digest_len; i++)
            buf_printf(text, "%02x", digest[i]);
    }
}

void tls_describe(const struct stream *stream, struct buf *text)
{
    const STACK_OF(X509) *shown = SSL_get_peer_cert_chain(stream->ssl);
    struct str protocol = tls_protocol(stream);

    if (SSL_is_init_finished(stream->ssl))
        buf_printf(text, "%s, %s%s", SSL_get_version(stream->ssl), SSL_get_cipher(stream->ssl),
                   SSL_session_reused(stream->ssl) ? ", resumed" : "");
    else
        buf_append_text(text, "handshake not complete");
    if (!str_is_empty(protocol))
        buf_printf(text, ", " STR_FMT, STR_ARG(protocol));
    if (shown && sk_X509_num(shown) > 0)
        describe_certificate(sk_X509_value(shown, 0), text);
    if (shown && sk_X509_num(shown) > 1)
        buf_printf(text, "; and %d more of its chain", sk_X509_num(shown) - 1);
}

size_t tls_server_end_point(const struct stream *stream,
                            uint8_t ret_digest[TLS_END_POINT_BYTES_MAX])
{
    const X509 *certificate = SSL_get0_peer_certificate(stream->ssl);
    const EVP_MD *digest;
    unsigned len = 0;
    int nid = NID_undef;

    if (!certificate || X509_get_signature_info((X509 *)certificate, &nid, NULL, NULL, NULL) != 1)
        return 0;
    if (nid == NID_md5 || nid == NID_sha1)
        nid = NID_sha256;
    digest = EVP_get_digestbynid(nid);
    if (!digest || X509_digest(certificate, digest, ret_digest, &len) != 1)
        return 0;
    return len;
}

struct str tls_protocol(const struct stream *stream)
{
    const unsigned char *name = NULL;
    unsigned len = 0;

    if (stream->ssl)
        SSL_get0_alpn_selected(stream->ssl, &name, &len);
    return str_n((const char *)name, len);
}
