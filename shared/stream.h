/*
 * A non-blocking byte stream: a TCP socket, with TLS on it when a session was started; or a
 * connected UDP socket, where one read is one datagram. It knows no event loop: each call does what
 * can be done now and says what to wait for. Prober and server use it alike.
 *
 * Thread: the loop that owns it.
 */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "shared/addr.h"
#include "shared/attrs.h"

enum io {
    IO_DONE,       /* done; for read and write at least one byte moved */
    IO_WANT_READ,  /* call again when the socket is readable */
    IO_WANT_WRITE, /* call again when the socket is writable */
    IO_EOF,        /* the peer has ended its side (with TLS: also without close_notify) */
    IO_ERROR,      /* over; stream_error() has the errno, stream->ssl_error the OpenSSL code */
};

struct stream {
    int fd; /* -1: closed */
    int error;
    bool is_datagram; /* there is no connection to be reset */
    unsigned long ssl_error;
    SSL *ssl;        /* NULL: plain */
    BIO *tls_socket; /* below the session, and the session's; NULL: plain */
};

/* A closed stream. */
#define STREAM_CLOSED ((struct stream){.fd = -1})

enum stream_transport {
    STREAM_TCP,
    STREAM_UDP,

    /* TCP whose last acknowledgement of the opening handshake is put off: closed by RST soon enough,
     * the connection never stands for the other side. */
    STREAM_TCP_HALF_OPEN,
};

/* Opens a non-blocking, close-on-exec socket and starts to connect; `source` (or NULL), an address
 * with port 0, is bound first. IO_DONE: connected at once; IO_WANT_WRITE: wait, then
 * stream_connected(). IO_ERROR before a socket exists (descriptors, addresses) leaves the stream
 * closed. */
enum io stream_connect(struct stream *stream, enum stream_transport transport,
                       const struct addr *address, const struct addr *source);

/* The result of the connect that became writable: IO_DONE or IO_ERROR. */
enum io stream_connected(struct stream *stream);

/* Takes an accepted socket, made non-blocking by the caller (accept4). */
void stream_adopt(struct stream *stream, int fd);

/* Starts TLS as client; `server_name` (or NULL for none) is sent as SNI and verified by what
 * `context` says. On a stream that has a session already (to a proxy) the new one lies on it. */
void stream_start_tls_client(struct stream *stream, SSL_CTX *context, const char *server_name);
/* Before the handshake: the certificate has to be for this name or address, whatever SNI says. */
void stream_verify_name(struct stream *stream, const char *name);

void stream_start_tls_server(struct stream *stream, SSL_CTX *context);

/* Goes on with the handshake. */
enum io stream_handshake(struct stream *stream);

/* Reads at most `size` bytes, writes at most `len`; `ret_len` is set on IO_DONE only. */
enum io stream_read(struct stream *stream, void *data, size_t size, size_t *ret_len);
enum io stream_write(struct stream *stream, const void *data, size_t len, size_t *ret_len);

/* Whether bytes of the peer lie in the TLS session already, maybe less than a whole record: the socket
 * need not become readable for them. */
bool stream_has_buffered(const struct stream *stream);

/* Says that nothing more will be written (with TLS: close_notify); reading goes on. */
enum io stream_end_writing(struct stream *stream);

/* The errno of the last IO_ERROR; 0 when the trouble was TLS's, EOVERFLOW when the peer sent too many
 * TLS messages without data (shared/tls_socket.h). */
int stream_error(const struct stream *stream);

/* Closes at once; with `reset` by RST (SO_LINGER 0), which leaves no TIME_WAIT behind. Harmless
 * when closed. */
void stream_close(struct stream *stream, bool reset);
