/* The limit of an HTTPS check: a full verified TLS 1.3 handshake by OpenSSL, one request, one
 * answer. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/raw_loop.h"

static const char request[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: raw\r\nConnection: close\r\n\r\n";
static const char status[] = "HTTP/1.1 200";
static SSL_CTX *context;

static void start(const char *ca_file)
{
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!ca_file || SSL_CTX_load_verify_locations(context, ca_file, NULL) != 1) {
        fprintf(stderr, "no CA certificate\n");
        exit(2);
    }
}

static SSL *tls_of(struct raw_slot *slot)
{
    if (!slot->protocol) {
        SSL *tls = SSL_new(context);

        SSL_set_fd(tls, slot->fd);
        SSL_set_tlsext_host_name(tls, "localhost");
        SSL_set1_host(tls, "localhost");
        SSL_set_connect_state(tls);
        slot->protocol = tls;
    }
    return slot->protocol;
}

static enum raw waiting(SSL *tls, int result)
{
    int why = SSL_get_error(tls, result);

    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? RAW_WAIT : RAW_FAILED;
}

static enum raw on_ready(struct raw_slot *slot, uint32_t events)
{
    SSL *tls = tls_of(slot);
    char answer[4096];
    int result;

    (void)events;
    if (!slot->sent) {
        result = SSL_do_handshake(tls);
        if (result != 1)
            return waiting(tls, result);
        if (SSL_write(tls, request, sizeof(request) - 1) != sizeof(request) - 1)
            return RAW_FAILED;
        slot->sent = true;
    }
    result = SSL_read(tls, answer, sizeof(answer));
    if (result <= 0)
        return waiting(tls, result);
    if ((size_t)result < sizeof(status) - 1)
        return RAW_FAILED;
    return memcmp(answer, status, sizeof(status) - 1) == 0 ? RAW_DONE : RAW_FAILED;
}

static void on_close(struct raw_slot *slot)
{
    SSL_free(slot->protocol);
}

int main(int argc, char **argv)
{
    static const struct raw_protocol https = {
        .start = start, .on_ready = on_ready, .on_close = on_close};

    return raw_main(argc, argv, &https);
}
