/* What clients and servers of TLS share. Thread: as shared/tls.h. */
#pragma once

#include <openssl/types.h>

#include "shared/str.h"

/* A context without sessions that are kept. */
SSL_CTX *tls_context_new(const SSL_METHOD *method);

/* Adds all certificates of `pem` to `store` (or just reads them when it is NULL); how many there
 * were, or -1 when something in between cannot be read. */
int tls_read_certificates(struct str pem, X509_STORE *store);
