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
    bool resume;          /* keep the last session for the next handshake with the same host */
    uint16_t min_version; /* TLS_1_… ; below 1.2 also allows the weak ciphers of that time */
    uint16_t max_version; /* 0: the newest */
    struct str ca;        /* PEM certificates to trust in place of the system's; empty: these */
    struct str identity;  /* PEM certificate (with its chain) and key to show; empty: none */
    struct str alpn;      /* protocols to offer, "h2,http/1.1"; empty: none */
};

/* A context for client sessions. ERR_INVALID "tls_ca_invalid", "tls_identity_invalid" when a text
 * does not hold what it should. */
MUST_USE enum err tls_client_context_new(const struct tls_client_options *options,
                                         SSL_CTX **ret_context);

/* A context for server sessions of `min_version` (TLS_1_2 or TLS_1_3) and newer. ERR_INVALID
 * "tls_certificate_invalid" when the files cannot be read or do not fit each other. */
MUST_USE enum err tls_server_context_new(const char *certificate_file, const char *key_file,
                                         uint16_t min_version, SSL_CTX **ret_context);

/* When the certificate of a server's context ends, as wall time. */
int64_t tls_server_context_not_after_ms(SSL_CTX *context);

void tls_context_free(SSL_CTX *context);

DEFINE_AUTO(SSL_CTX *, tls_context_free);

/* Whether `pem` holds at least one certificate and nothing that cannot be read. */
bool tls_pem_is_valid(struct str pem);

/* Why `pem` cannot be shown to a server as one's own certificate, as a clause ("has no private
 * key"); NULL when it can. */
const char *tls_identity_wrong(struct str pem);

/* Why a handshake, read or write of this session ended in IO_ERROR without an errno: appends one
 * clause to `text` ("the certificate has expired") and returns the outcome. */
enum outcome tls_failure(const struct stream *stream, struct buf *text);

/* The alert that has ended this session from the peer's side; 0: none has. */
unsigned tls_alert_received(const struct stream *stream);

/* Alerts by their names in RFC 8446, without "_RESERVED": "certificate_required" is 116. There is no
 * close_notify (0), which is no error. @return 0, and "unknown", for what is not there. */
unsigned tls_alert_number(struct str name);
const char *tls_alert_name(unsigned number);

/* Version and expiry of what the peer has shown; zeroes where it showed nothing. */
void tls_read_peer(const struct stream *stream, struct result_tls *ret_tls);

/* The protocol agreed on by ALPN; empty when there is none. A view into the session. */
struct str tls_protocol(const struct stream *stream);

/* What binds a login to this session (tls-server-end-point, RFC 5929): the digest of the peer's
 * certificate, at most TLS_END_POINT_BYTES_MAX bytes. 0 when the certificate's signature has none, as
 * with Ed25519. */
#define TLS_END_POINT_BYTES_MAX 64
size_t tls_server_end_point(const struct stream *stream,
                            uint8_t ret_digest[TLS_END_POINT_BYTES_MAX]);

/* Appends what a session tells of itself as clauses: version, cipher, protocol, and for the leaf
 * subject, issuer, names, serial number and SHA-256. */
void tls_describe(const struct stream *stream, struct buf *text);

/* The contexts of one loop: one for each distinct set of options, all with one copy of the system's
 * trusted certificates. */
struct tls_contexts;

struct tls_contexts *tls_contexts_new(void);
void tls_contexts_free(struct tls_contexts *contexts);

/* One who opens sessions: options, which are borrowed, and what a loop remembers for them. */
struct tls_client {
    struct tls_client_options options;
    SSL_CTX *context;               /* borrowed from the loop's contexts; NULL until first used */
    struct ssl_session_st *session; /* of `session_host`; NULL: none to resume */
    char *session_host;
};

void tls_client_clear(struct tls_client *client);

/* The names of a session: borrowed. */
struct tls_names {
    const char *server; /* sent as SNI, unless it is an address; NULL: none is */
    const char *verify; /* whom the certificate has to be for; NULL: `server` */
};

/* Starts TLS on a connected stream.
 * False when no context can be made of the options (they were checked before: so only memory or the
 * machine's trouble). */
bool tls_client_start(struct tls_client *client, struct tls_contexts *contexts,
                      struct stream *stream, struct tls_names names);
