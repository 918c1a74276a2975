/*
 * Where the service is reached: an address that is bound, and the certificate for it. It is opened
 * before root is given up and before anything else is started: so a port below 1024 and a key that
 * only root may read can be used, and what cannot work is found while nothing has happened yet.
 * Nobody can connect before server_start() listens.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>

#include "shared/addr.h"
#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/tls.h"

#include "control/api/forwarded.h"

struct listener_options {
    const char *listen;   /* "127.0.0.1:8080", "[::]:8443"; port 0 takes a free one */
    const char *tls_cert; /* PEM chain; NULL: plain HTTP */
    const char *tls_key;
    const char *tls_min_version; /* "1.2"; NULL or "1.3": no older one */
    bool insecure_http;          /* allows plain HTTP on an address that is not loopback */
    const char *trusted_proxies; /* "10.0.0.0/8,::1"; NULL: none */
};

/* Which file a certificate was read from: another one of the same name has other marks. */
struct file_marks {
    uint64_t inode;
    int64_t size;
    int64_t changed_ns;
};

struct listener {
    int fd;              /* -1: none */
    struct addr address; /* as bound */
    SSL_CTX *tls;        /* NULL: plain HTTP */
    struct addr_networks proxies;
    struct listener_options options; /* borrowed texts */
    struct file_marks cert_marks;
    struct file_marks key_marks;
};

#define LISTENER_NONE ((struct listener){.fd = -1})

/* Whether listener_open() would find anything wrong, except that the address is in use. */
MUST_USE enum err listener_check(const struct listener_options *options);

/* @return ERR_INVALID for a bad address, certificate or missing TLS; ERR_UNAVAILABLE when the
 * address cannot be bound. */
MUST_USE enum err listener_open(const struct listener_options *options,
                                struct listener *ret_listener);

/* Reads certificate and key again when the files have changed; sessions that are open keep the old
 * one. Says in the log what it did. True when there is a new one. With a pair that cannot be used
 * the old one stays. */
bool listener_renew(struct listener *listener);

/* Gives socket and certificate back; does nothing the second time. */
void listener_close(struct listener *listener);
