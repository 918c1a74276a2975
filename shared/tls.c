/* OpenSSL contexts and the reading of its errors. */
#include "shared/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <time.h>

#include "shared/map.h"
#include "shared/mem.h"
#include "shared/stream.h"

/* Alerts of the peer are reported as 1000 plus the alert's number. */
#define ALERT_REASON_OFFSET 1000

struct tls_contexts {
    struct context_entry *by_key;
};

struct context_entry {
    char *key; /* verify, min_version and ca as they are */
    size_t key_len;
    SSL_CTX *context;
    UT_hash_handle hh;
};

void tls_context_free(SSL_CTX *context)
{
    SSL_CTX_free(context);
}

/* Adds all certificates of `pem` to `store` (or just reads them when it is NULL); how many there
 * were, or -1. */
static int read_certificates(struct str pem, X509_STORE *store)
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
    return read_certificates(pem, NULL) > 0;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);

    if (!context)
        out_of_memory(0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

enum err tls_client_context_new(const struct tls_client_options *options, SSL_CTX **ret_context)
{
    AUTO(tls_context_free) SSL_CTX *context = context_new(TLS_client_method());

    SSL_CTX_set_min_proto_version(context, options->min_version);
    if (options->min_version < TLS_1_2)
        SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_verify(context, options->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_read_ahead(context, 1); /* one recv() for many records */
    /* Certificates that somebody names as trusted are, also when they are no roots. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);

    if (str_is_empty(options->ca))
        SSL_CTX_set_default_verify_paths(context);
    else if (read_certificates(options->ca, SSL_CTX_get_cert_store(context)) < 1)
        return fail(ERR_INVALID, "tls_ca_invalid",
                    "The CA text holds no readable PEM certificate.");

    *ret_context = TAKE(context);
    return OK;
}

enum err tls_server_context_new(const char *certificate_file, const char *key_file,
                                SSL_CTX **ret_context)
{
    AUTO(tls_context_free) SSL_CTX *context = context_new(TLS_server_method());

    SSL_CTX_set_min_proto_version(context, TLS_1_2);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());

        return fail(ERR_INVALID, "tls_certificate_invalid",
                    "The certificate %s and the key %s cannot be used: %s.", certificate_file,
                    key_file, reason ? reason : "unknown reason");
    }
    *ret_context = TAKE(context);
    return OK;
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
};

/* clang-format on */

static enum outcome verify_failure(long error, struct buf *text)
{
    for (size_t i = 0; i < ARRAY_LEN(verify_rows); i++) {
        if (verify_rows[i].error == error) {
            buf_append_text(text, verify_rows[i].clause);
            return verify_rows[i].outcome;
        }
    }
    buf_printf(text, "the certificate was refused: %s", X509_verify_cert_error_string(error));
    return OUTCOME_TLS_UNTRUSTED;
}

enum outcome tls_failure(const struct stream *stream, struct buf *text)
{
    int reason = ERR_GET_REASON(stream->ssl_error);
    const char *words = ERR_reason_error_string(stream->ssl_error);

    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return verify_failure(SSL_get_verify_result(stream->ssl), text);
    if (reason > ALERT_REASON_OFFSET && reason <= ALERT_REASON_OFFSET + 255) {
        buf_printf(text, "the server sent an alert: %s", words ? words : "unknown");
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

void tls_read_peer(const struct stream *stream, struct result_tls *ret_tls)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(stream->ssl);

    *ret_tls = (struct result_tls){0};
    if (SSL_is_init_finished(stream->ssl))
        ret_tls->version = (uint16_t)SSL_version(stream->ssl);
    for (int i = 0; chain && i < sk_X509_num(chain); i++) {
        int64_t not_after_ms = time_ms(X509_get0_notAfter(sk_X509_value(chain, i)));

        if (i == 0)
            ret_tls->not_after_ms = not_after_ms;
        if (ret_tls->chain_not_after_ms == 0 || not_after_ms < ret_tls->chain_not_after_ms)
            ret_tls->chain_not_after_ms = not_after_ms;
    }
}

struct tls_contexts *tls_contexts_new(void)
{
    return NEW(struct tls_contexts);
}

void tls_contexts_free(struct tls_contexts *contexts)
{
    struct context_entry *entry;
    struct context_entry *next;

    if (!contexts)
        return;
    HASH_ITER (hh, contexts->by_key, entry, next) {
        HASH_DEL(contexts->by_key, entry);
        SSL_CTX_free(entry->context);
        free(entry->key);
        free(entry);
    }
    free(contexts);
}

SSL_CTX *tls_contexts_get(struct tls_contexts *contexts, const struct tls_client_options *options)
{
    CLEANUP(buf_clear_p) struct buf key = {0};
    struct context_entry *entry;
    SSL_CTX *context;

    buf_printf(&key, "%d %u ", options->verify, options->min_version);
    buf_append_str(&key, options->ca);
    HASH_FIND(hh, contexts->by_key, key.data, key.len, entry);
    if (entry)
        return entry->context;

    if (tls_client_context_new(options, &context) != OK) {
        failure_clear();
        return NULL;
    }
    entry = NEW(struct context_entry);
    entry->key_len = key.len;
    entry->key = buf_take_text(&key);
    entry->context = context;
    HASH_ADD_KEYPTR(hh, contexts->by_key, entry->key, entry->key_len, entry);
    return context;
}
