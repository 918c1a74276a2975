/*
 * Sockets and TLS sessions on them. OpenSSL keeps a queue of errors per thread: it is emptied
 * before each call, so that what SSL_get_error() reads belongs to this stream.
 */
#include "shared/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "shared/addr.h"
#include "shared/mem.h"
#include "shared/tls_socket.h"

#define NAME_BYTES 256 /* of a host, with its zero byte */

static enum io io_failed(struct stream *stream, int error)
{
    stream->error = error;
    return IO_ERROR;
}

static enum io open_failed(struct stream *stream)
{
    stream->error = errno;
    close(stream->fd);
    stream->fd = -1;
    return IO_ERROR;
}

/* To loopback the connection stands before connect() returns, though it says EINPROGRESS; asking
 * again tells, and saves waiting for the event. */
static enum io connect_again(struct stream *stream, const struct addr *address)
{
    if (connect(stream->fd, &address->any, addr_len(address)) == 0 || errno == EISCONN)
        return IO_DONE;
    if (errno == EALREADY || errno == EINPROGRESS)
        return IO_WANT_WRITE;
    return io_failed(stream, errno);
}

enum io stream_connect(struct stream *stream, enum stream_transport transport,
                       const struct addr *address, const struct addr *source)
{
    int type = transport == STREAM_UDP ? SOCK_DGRAM : SOCK_STREAM;

    *stream = STREAM_CLOSED;
    stream->is_datagram = transport == STREAM_UDP;
    stream->fd = socket(address->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0)
        return io_failed(stream, errno);

    if (transport == STREAM_TCP_HALF_OPEN)
        setsockopt(stream->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){0}, sizeof(int));
    if (source && bind(stream->fd, &source->any, addr_len(source)) < 0)
        return open_failed(stream);
    if (connect(stream->fd, &address->any, addr_len(address)) == 0)
        return IO_DONE;
    if (errno == EINPROGRESS)
        return addr_is_loopback(address) ? connect_again(stream, address) : IO_WANT_WRITE;
    return open_failed(stream);
}

enum io stream_connected(struct stream *stream)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    return error == 0 ? IO_DONE : io_failed(stream, error);
}

void stream_adopt(struct stream *stream, int fd)
{
    *stream = STREAM_CLOSED;
    stream->fd = fd;
}

/* A session of its own on the one below, which is the new one's to free. */
static BIO *stack_on(SSL *below)
{
    BIO *bio = BIO_new(BIO_f_ssl());

    if (!bio)
        out_of_memory(0);
    SSL_set_quiet_shutdown(below, 1); /* nobody is told, as in stream_close() */
    BIO_set_ssl(bio, below, BIO_CLOSE);
    return bio;
}

/* Memory is all that can be short here. */
static void start_tls(struct stream *stream, SSL_CTX *context)
{
    BIO *bio;

    if (!stream->ssl)
        bio = stream->tls_socket = tls_socket_new(stream->fd);
    else
        bio = stack_on(stream->ssl);
    stream->ssl = SSL_new(context);
    if (!stream->ssl)
        out_of_memory(0);
    SSL_set_bio(stream->ssl, bio, bio);
}

/* The name without the dot that makes it absolute in DNS; certificates and SNI know none. */
static void drop_last_dot(const char *name, char into[NAME_BYTES])
{
    size_t len = strnlen(name, NAME_BYTES - 1);

    if (len > 1 && name[len - 1] == '.')
        len--;
    memcpy(into, name, len);
    into[len] = '\0';
}

void stream_verify_name(struct stream *stream, const char *name)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(stream->ssl);
    char text[NAME_BYTES];
    struct addr literal;

    drop_last_dot(name, text);
    X509_VERIFY_PARAM_set1_ip(wanted, NULL, 0);
    X509_VERIFY_PARAM_set1_host(wanted, NULL, 0);
    SSL_set_hostflags(stream->ssl,
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (addr_parse_ip(str_of(text), 0, &literal)
            ? X509_VERIFY_PARAM_set1_ip_asc(wanted, text) != 1
            : X509_VERIFY_PARAM_set1_host(wanted, text, 0) != 1)
        out_of_memory(0);
}

void stream_start_tls_client(struct stream *stream, SSL_CTX *context, const char *server_name)
{
    char name[NAME_BYTES];
    struct addr literal;

    start_tls(stream, context);
    SSL_set_connect_state(stream->ssl);
    if (!server_name)
        return;
    drop_last_dot(server_name, name);
    if (!addr_parse_ip(str_of(name), 0, &literal) &&
        SSL_set_tlsext_host_name(stream->ssl, name) != 1)
        out_of_memory(0);
    stream_verify_name(stream, name);
}

void stream_start_tls_server(struct stream *stream, SSL_CTX *context)
{
    start_tls(stream, context);
    SSL_set_accept_state(stream->ssl);
}

/* Before each call of OpenSSL that may use the socket. */
static void begin_call(struct stream *stream)
{
    tls_socket_begin(stream->tls_socket);
    ERR_clear_error();
    errno = 0;
}

/* What an OpenSSL call that returned `result` means. */
static enum io tls_io(struct stream *stream, int result, int error)
{
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return IO_EOF;
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        return error == 0 ? IO_EOF : io_failed(stream, error);
    default:
        stream->ssl_error = ERR_peek_error();
        ERR_clear_error();
        if (ERR_GET_REASON(stream->ssl_error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
            return IO_EOF;
        return io_failed(stream, 0);
    }
}

enum io stream_handshake(struct stream *stream)
{
    int result;

    begin_call(stream);
    result = SSL_do_handshake(stream->ssl);
    return result == 1 ? IO_DONE : tls_io(stream, result, errno);
}

static enum io tls_read(struct stream *stream, void *data, size_t size, size_t *ret_len)
{
    int result;

    begin_call(stream);
    result = SSL_read_ex(stream->ssl, data, size, ret_len);
    if (result != 1)
        return tls_io(stream, result, errno);
    tls_socket_got_data(stream->tls_socket);
    return IO_DONE;
}

static enum io tls_write(struct stream *stream, const void *data, size_t len, size_t *ret_len)
{
    int result;

    begin_call(stream);
    result = SSL_write_ex(stream->ssl, data, len, ret_len);
    return result == 1 ? IO_DONE : tls_io(stream, result, errno);
}

static bool is_later(int error)
{
    return error == EAGAIN || error == EINTR;
}

enum io stream_read(struct stream *stream, void *data, size_t size, size_t *ret_len)
{
    ssize_t len;

    if (stream->ssl)
        return tls_read(stream, data, size, ret_len);

    len = recv(stream->fd, data, size, 0);
    if (len == 0)
        return IO_EOF;
    if (len < 0)
        return is_later(errno) ? IO_WANT_READ : io_failed(stream, errno);
    *ret_len = (size_t)len;
    return IO_DONE;
}

enum io stream_write(struct stream *stream, const void *data, size_t len, size_t *ret_len)
{
    ssize_t written;

    if (stream->ssl)
        return tls_write(stream, data, len, ret_len);

    written = send(stream->fd, data, len, MSG_NOSIGNAL);
    if (written < 0)
        return is_later(errno) ? IO_WANT_WRITE : io_failed(stream, errno);
    *ret_len = (size_t)written;
    return IO_DONE;
}

bool stream_has_buffered(const struct stream *stream)
{
    return stream->ssl && SSL_has_pending(stream->ssl);
}

enum io stream_end_writing(struct stream *stream)
{
    int result;

    if (!stream->ssl)
        return shutdown(stream->fd, SHUT_WR) == 0 ? IO_DONE : io_failed(stream, errno);
    begin_call(stream);
    result = SSL_shutdown(stream->ssl);
    return result >= 0 ? IO_DONE : tls_io(stream, result, errno);
}

int stream_error(const struct stream *stream)
{
    return stream->error;
}

void stream_close(struct stream *stream, bool reset)
{
    if (stream->fd < 0)
        return;
    if (stream->ssl) {
        /* Nobody is told, and OpenSSL must not spoil the session for resuming. */
        SSL_set_shutdown(stream->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(stream->ssl);
        stream->ssl = NULL;
        stream->tls_socket = NULL;
    }
    if (reset && !stream->is_datagram)
        setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0},
                   sizeof(struct linger));
    close(stream->fd);
    stream->fd = -1;
}
