/*
 * The socket below a TLS session. OpenSSL goes on reading inside one call for as long as messages
 * come that are no data (session tickets, key updates, renegotiations), so a peer that sends them
 * without pause would hold up the loop for ever. Here each call may take so much and no more from
 * the socket, then it is told to wait; and a peer that has sent a lot of them without any data is
 * given up.
 *
 * Thread: the loop that owns the stream.
 */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>

/* What may come between two pieces of data; OpenSSL takes 100 KiB of certificates at most. */
#define TLS_SOCKET_BYTES_WITHOUT_DATA_MAX (256 * 1024)

/* A BIO for both directions of `fd`, which stays the caller's. */
BIO *tls_socket_new(int fd);

/* The next call of OpenSSL begins. */
void tls_socket_begin(BIO *bio);

/* Data has come. */
void tls_socket_got_data(BIO *bio);

/* Whether reading has ended because the peer sent too much without data. */
bool tls_socket_is_flooded(BIO *bio);
