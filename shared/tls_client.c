/*
 * Clients of TLS: contexts, one for each distinct set of options, and sessions kept for resuming.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "shared/map.h"
#include "shared/stream.h"
#include "shared/tls.h"
#include "shared/tls_private.h"

struct context_entry {
    char *key; /* all options, as they are */
    size_t key_len;
    SSL_CTX *context;
    UT_hash_handle hh;
};

struct tls_contexts {
    struct context_entry *by_key;
    X509_STORE *trusted; /* the system's; NULL until first wanted */
};

/* Keys that want a password cannot be used: nobody is there to ask. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's */
static int no_password(char *into, int size, int for_writing, void *context)
{
    (void)into;
    (void)size;
    (void)for_writing;
    (void)context;
    return -1;
}

/* Reads the leaf, the further certificates of its chain and the key into `context`. NULL when all
 * are there and fit, else why not. */
static const char *read_identity(SSL_CTX *context, struct str pem)
{
    BIO *source = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    BIO *again = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    const char *wrong = NULL;
    X509 *certificate;
    EVP_PKEY *key;

    if (!source || !again)
        out_of_memory(0);
    ERR_clear_error();
    certificate = PEM_read_bio_X509(source, NULL, NULL, NULL);
    key = PEM_read_bio_PrivateKey(again, NULL, no_password, NULL);
    if (!certificate)
        wrong = "has no readable certificate";
    else if (!key)
        wrong = "has no readable private key without a password";
    else if (X509_check_private_key(certificate, key) != 1)
        wrong = "has a private key that does not belong to its first certificate";
    else if (context && (SSL_CTX_use_certificate(context, certificate) != 1 ||
                         SSL_CTX_use_PrivateKey(context, key) != 1))
        wrong = "has a certificate that OpenSSL does not accept here";
    X509_free(certificate);
    EVP_PKEY_free(key);

    while (context && !wrong && (certificate = PEM_read_bio_X509(source, NULL, NULL, NULL))) {
        if (SSL_CTX_add0_chain_cert(context, certificate) != 1)
            X509_free(certificate);
    }
    ERR_clear_error();
    BIO_free(source);
    BIO_free(again);
    return wrong;
}

const char *tls_identity_wrong(struct str pem)
{
    return read_identity(NULL, pem);
}

/* The wire form of "h2,http/1.1": each name after its length. */
static void offer_protocols(SSL_CTX *context, struct str names)
{
    CLEANUP(buf_clear_p) struct buf wire = {0};

    while (names.ptr && names.len > 0) {
        struct str name = str_cut(&names, ',');

        buf_append_char(&wire, (char)name.len);
        buf_append_str(&wire, name);
    }
    if (SSL_CTX_set_alpn_protos(context, (const unsigned char *)wire.data, (unsigned)wire.len) != 0)
        out_of_memory(0);
}

/* The session that came after a handshake is the client's now. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *client = SSL_get_app_data(ssl);

    if (!client)
        return 0;
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1;
}

static SSL_CTX *client_context_new(const struct tls_client_options *options)
{
    SSL_CTX *context = tls_context_new(TLS_client_method());

    SSL_CTX_set_min_proto_version(context, options->min_version);
    SSL_CTX_set_max_proto_version(context, options->max_version);
    if (options->min_version < TLS_1_2)
        SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_verify(context, options->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_read_ahead(context, 1); /* one recv() for many records */
    /* Certificates that somebody names as trusted are, also when they are no roots. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (!str_is_empty(options->alpn))
        offer_protocols(context, options->alpn);
    if (options->resume) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, on_session);
    }
    return context;
}

/* @param trusted the system's certificates where they are at hand; NULL: read them. */
static enum err make_client_context(const struct tls_client_options *options, X509_STORE *trusted,
                                    SSL_CTX **ret_context)
{
    AUTO(tls_context_free) SSL_CTX *context = client_context_new(options);
    const char *wrong;

    if (!str_is_empty(options->ca)) {
        if (tls_read_certificates(options->ca, SSL_CTX_get_cert_store(context)) < 1)
            return fail(ERR_INVALID, "tls_ca_invalid",
                        "The CA text holds no readable PEM certificate.");
    } else if (trusted) {
        SSL_CTX_set1_cert_store(context, trusted);
    } else {
        SSL_CTX_set_default_verify_paths(context);
    }
    if (!str_is_empty(options->identity) && (wrong = read_identity(context, options->identity)))
        return fail(ERR_INVALID, "tls_identity_invalid", "The client's certificate %s.", wrong);

    *ret_context = TAKE(context);
    return OK;
}

enum err tls_client_context_new(const struct tls_client_options *options, SSL_CTX **ret_context)
{
    return make_client_context(options, NULL, ret_context);
}

/* Contexts ------------------------------------------------------------------------------------ */

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
    X509_STORE_free(contexts->trusted);
    free(contexts);
}

static void append_key_text(struct buf *key, struct str text)
{
    buf_printf(key, " %zu:", text.len);
    buf_append_str(key, text);
}

static X509_STORE *trusted_of(struct tls_contexts *contexts)
{
    if (contexts->trusted)
        return contexts->trusted;
    contexts->trusted = X509_STORE_new();
    if (!contexts->trusted)
        out_of_memory(0);
    X509_STORE_set_default_paths(contexts->trusted);
    ERR_clear_error();
    return contexts->trusted;
}

/* The context for these options, made when it is the first of its kind; NULL when it cannot be. */
static SSL_CTX *context_for(struct tls_contexts *contexts, const struct tls_client_options *options)
{
    CLEANUP(buf_clear_p) struct buf key = {0};
    struct context_entry *entry;
    SSL_CTX *context;

    buf_printf(&key, "%d %d %u %u", options->verify, options->resume, options->min_version,
               options->max_version);
    append_key_text(&key, options->ca);
    append_key_text(&key, options->identity);
    append_key_text(&key, options->alpn);
    HASH_FIND(hh, contexts->by_key, key.data, key.len, entry);
    if (entry)
        return entry->context;

    if (make_client_context(options, trusted_of(contexts), &context) != OK) {
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

/* A session goes to the host it came from only: on resuming, no certificate is looked at. */
static void resume(struct tls_client *client, struct stream *stream, const char *server_name)
{
    const char *host = server_name ? server_name : "";

    if (client->session_host && strcmp(client->session_host, host) != 0) {
        SSL_SESSION_free(TAKE(client->session));
        free(TAKE(client->session_host));
    }
    if (!client->session_host)
        client->session_host = xstrdup(host);
    SSL_set_app_data(stream->ssl, client);
    if (client->session)
        SSL_set_session(stream->ssl, client->session);
}

bool tls_client_start(struct tls_client *client, struct tls_contexts *contexts,
                      struct stream *stream, struct tls_names names)
{
    if (!client->context)
        client->context = context_for(contexts, &client->options);
    if (!client->context)
        return false;
    stream_start_tls_client(stream, client->context, names.server);
    if (names.verify)
        stream_verify_name(stream, names.verify);
    if (client->options.resume)
        resume(client, stream, names.server);
    return true;
}

void tls_client_clear(struct tls_client *client)
{
    SSL_SESSION_free(client->session);
    free(client->session_host);
    *client = (struct tls_client){0};
}
