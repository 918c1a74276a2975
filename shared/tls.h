/*
 * TLS settings: contexts for clients and servers, and what a session tells: why it failed, which
 * certificates the peer showed. The bytes themselves go through shared/stream.h.
 *
 * Thread: a context belongs to one loop; the rest: any.
 */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/outcome.h"

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/err.h"
#include "shared/result.h"
#include "shared/str.h"

struct stream;

#define TLS_1_0 0x0301
#define TLS_1_1 0x0302
#define TLS_1_2 0x0303
#define TLS_1_3 0x0304

struct tls_client_options {
    bool verify;
    uint16_t min_version; /* TLS_1_… ; below 1.2 also allows the weak ciphers of that time */
    struct str ca; /* PEM certificates to trust in place of the system's; empty: the system's */
};

/* A context for client sessions without any session cache. ERR_INVALID "tls_ca_invalid" when `ca`
 * holds no certificate. */
MUST_USE enum err tls_client_context_new(const struct tls_client_options *options,
                                         SSL_CTX **ret_context);

/* A context for server sessions (TLS 1.2 and 1.3). ERR_INVALID "tls_certificate_invalid" when the
 * files cannot be read or do not fit each other. */
MUST_USE enum err tls_server_context_new(const char *certificate_file, const char *key_file,
                                         SSL_CTX **ret_context);

void tls_context_free(SSL_CTX *context);

DEFINE_AUTO(SSL_CTX *, tls_context_free);

/* Whether `pem` holds at least one certificate and nothing that cannot be read. */
bool tls_pem_is_valid(struct str pem);

/* Why a handshake, read or write of this session ended in IO_ERROR without an errno: appends one
 * clause to `text` ("the certificate has expired") and returns the outcome. */
enum outcome tls_failure(const struct stream *stream, struct buf *text);

/* Version and expiry of what the peer has shown; zeroes where it showed nothing. */
void tls_read_peer(const struct stream *stream, struct result_tls *ret_tls);

/* The contexts of one loop, one for each distinct set of options. */
struct tls_contexts;

struct tls_contexts *tls_contexts_new(void);
void tls_contexts_free(struct tls_contexts *contexts);

/* The context for these options, made when it is the first of its kind; NULL when it cannot be made
 * (checked before with tls_pem_is_valid(), so only memory or the machine's trouble). Borrowed,
 * stays as long as `contexts`. */
SSL_CTX *tls_contexts_get(struct tls_contexts *contexts, const struct tls_client_options *options);
