/* A BIO as OpenSSL's own for sockets, with two counters. */
#include "shared/tls_socket.h"

#include <errno.h>
#include <openssl/bio.h>
#include <pthread.h>
#include <sys/socket.h>

#include "shared/mem.h"

#define READS_PER_CALL                                                                             \
    2 /* of up to 16 KiB, which may hold 1,200 key updates at 5 us or more each */

struct tls_socket {
    int fd;
    unsigned reads_left; /* in the present call */
    size_t bytes_without_data;
    bool at_eof;
};

static BIO_METHOD *method; /* constant once made */
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static bool is_later(int error)
{
    return error == EAGAIN || error == EINTR;
}

static int socket_read(BIO *bio, char *into, int size)
{
    struct tls_socket *tls_socket = BIO_get_data(bio);
    ssize_t len;

    BIO_clear_retry_flags(bio);
    if (tls_socket_is_flooded(bio)) {
        errno = EOVERFLOW;
        return -1;
    }
    if (tls_socket->reads_left == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    tls_socket->reads_left--;
    len = recv(tls_socket->fd, into, (size_t)size, 0);
    if (len < 0 && is_later(errno))
        BIO_set_retry_read(bio);
    else if (len == 0)
        tls_socket->at_eof = true;
    else if (len > 0)
        tls_socket->bytes_without_data += (size_t)len;
    return (int)len;
}

static int socket_write(BIO *bio, const char *data, int len)
{
    const struct tls_socket *tls_socket = BIO_get_data(bio);
    ssize_t written = send(tls_socket->fd, data, (size_t)len, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    if (written < 0 && is_later(errno))
        BIO_set_retry_write(bio);
    return (int)written;
}

static long socket_ctrl(BIO *bio, int command, long number, void *argument)
{
    const struct tls_socket *tls_socket = BIO_get_data(bio);

    (void)number;
    (void)argument;
    if (command == BIO_CTRL_EOF)
        return tls_socket->at_eof;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static int socket_destroy(BIO *bio)
{
    free(BIO_get_data(bio));
    return 1;
}

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (!method || !BIO_meth_set_read(method, socket_read) ||
        !BIO_meth_set_write(method, socket_write) || !BIO_meth_set_ctrl(method, socket_ctrl) ||
        !BIO_meth_set_destroy(method, socket_destroy))
        out_of_memory(0);
}

BIO *tls_socket_new(int fd)
{
    struct tls_socket *tls_socket = NEW(struct tls_socket);
    BIO *bio;

    pthread_once(&method_once, make_method);
    bio = BIO_new(method);
    if (!bio)
        out_of_memory(0);
    tls_socket->fd = fd;
    BIO_set_data(bio, tls_socket);
    BIO_set_init(bio, 1);
    return bio;
}

void tls_socket_begin(BIO *bio)
{
    struct tls_socket *tls_socket = BIO_get_data(bio);

    tls_socket->reads_left = READS_PER_CALL;
}

void tls_socket_got_data(BIO *bio)
{
    struct tls_socket *tls_socket = BIO_get_data(bio);

    tls_socket->bytes_without_data = 0;
}

bool tls_socket_is_flooded(BIO *bio)
{
    const struct tls_socket *tls_socket = BIO_get_data(bio);

    return tls_socket->bytes_without_data > TLS_SOCKET_BYTES_WITHOUT_DATA_MAX;
}
