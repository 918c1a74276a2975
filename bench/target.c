/*
 * What the benches probe: one epoll loop that answers on six ports as cheaply as it can.
 *   http     a fixed answer; keeps the connection unless the request says close
 *   https    the same over TLS
 *   tickets  the same over TLS, and sessions may be resumed
 *   tcp      accepts, and closes when the client does
 *   hang     accepts and never says a word
 *   dns      over UDP: every question that has one address record for answer
 * bench-target CERT KEY [BODY_BYTES] listens on free ports, prints them as one JSON object, and
 * runs until SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 256
#define BODY_BYTES_MAX 60000

enum port { PORT_HTTP, PORT_HTTPS, PORT_TICKETS, PORT_TCP, PORT_HANG, PORT_DNS, PORT_COUNT };

static const char *const port_names[PORT_COUNT] = {"http", "https", "tickets",
                                                   "tcp",  "hang",  "dns"};

struct peer {
    int fd;
    bool listens;
    enum port port;
    SSL *tls;
};

static struct peer listeners[PORT_COUNT];
static SSL_CTX *contexts[PORT_COUNT];
static int epoll_fd;
static char answer_keep[BODY_BYTES_MAX + 256]; /* keeps the connection open */
static char answer_last[BODY_BYTES_MAX + 256]; /* says close */
static size_t answer_keep_len, answer_last_len;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static size_t make_answer(char *answer, size_t size, const char *connection, size_t body_bytes)
{
    int head = snprintf(answer, size,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                        "Connection: %s\r\n\r\n",
                        body_bytes, connection);

    memset(answer + head, 'x', body_bytes);
    return (size_t)head + body_bytes;
}

static void watch(struct peer *peer, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, peer->fd, &event) < 0)
        die("epoll_ctl");
}

static uint16_t listen_on_free_port(enum port port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int type = port == PORT_DNS ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        (type == SOCK_STREAM && listen(fd, 4096) < 0) ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        die("listen");
    listeners[port] = (struct peer){.fd = fd, .listens = true, .port = port};
    watch(&listeners[port], EPOLLIN);
    return ntohs(address.sin_port);
}

static void peer_close(struct peer *peer)
{
    SSL_free(peer->tls);
    close(peer->fd);
    free(peer);
}

static void peer_accept(const struct peer *listener)
{
    static const int one = 1;
    int fd;

    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *peer = calloc(1, sizeof(*peer));

        if (!peer)
            die("calloc");
        peer->fd = fd;
        peer->port = listener->port;
        if (peer->port == PORT_HTTPS || peer->port == PORT_TICKETS) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
            peer->tls = SSL_new(contexts[peer->port]);
            SSL_set_fd(peer->tls, fd);
            SSL_set_accept_state(peer->tls);
        }
        watch(peer, EPOLLIN | EPOLLRDHUP);
    }
}

/* The question comes back with one record behind it: its name, A, IN, 300 s, 192.0.2.1. */
static void answer_questions(const struct peer *listener)
{
    static const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1};
    unsigned char message[512 + sizeof(record)];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t len;

    while ((len = recvfrom(listener->fd, message, 512, 0, (struct sockaddr *)&from, &size)) > 0) {
        size_t name = 12;

        while (name < (size_t)len && message[name])
            name += message[name] + 1u;
        if (name + 5 > (size_t)len)
            continue;
        message[2] |= 0x80;
        message[3] = 0x80; /* recursion is available, no error */
        message[7] = 1;    /* one answer, and nothing else: EDNS is not spoken here */
        memset(message + 8, 0, 4);
        memcpy(message + name + 5, record, sizeof(record));
        sendto(listener->fd, message, name + 5 + sizeof(record), 0, (struct sockaddr *)&from, size);
    }
}

/* Bytes read, 0 when there are none yet, -1 when the peer is gone. */
static ssize_t peer_read(struct peer *peer, char *data, size_t size)
{
    ssize_t len;

    if (peer->tls) {
        int result = SSL_read(peer->tls, data, (int)size);
        int why = SSL_get_error(peer->tls, result);

        ERR_clear_error();
        if (result > 0)
            return result;
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    len = recv(peer->fd, data, size, 0);
    if (len > 0)
        return len;
    return len < 0 && errno == EAGAIN ? 0 : -1;
}

static bool peer_write(struct peer *peer, const char *data, size_t len)
{
    if (peer->tls)
        return SSL_write(peer->tls, data, (int)len) == (int)len;
    return send(peer->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Answers each request that has come; requests are small and come whole. */
static bool peer_answer(struct peer *peer)
{
    char request[4096];
    ssize_t len = peer_read(peer, request, sizeof(request));
    const char *at = request;
    bool last;

    if (len < 0)
        return false;
    if (len == 0 || peer->port == PORT_TCP || peer->port == PORT_HANG)
        return true;
    last = memmem(request, (size_t)len, "close\r\n", 7) != NULL;
    while ((at = memmem(at, (size_t)(request + len - at), "\r\n\r\n", 4)) != NULL) {
        at += 4;
        if (!peer_write(peer, last ? answer_last : answer_keep,
                        last ? answer_last_len : answer_keep_len))
            return false;
    }
    return !last;
}

static SSL_CTX *context_new(const char *certificate, const char *key, size_t tickets)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, tickets);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "cannot read the certificate and its key\n");
        exit(2);
    }
    return context;
}

int main(int argc, char **argv)
{
    size_t body_bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : 64;
    struct rlimit files;

    if (argc < 3 || body_bytes > BODY_BYTES_MAX) {
        fprintf(stderr, "usage: bench-target CERT KEY [BODY_BYTES up to %d]\n", BODY_BYTES_MAX);
        return 2;
    }
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN},
              NULL); /* OpenSSL writes plainly */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    contexts[PORT_HTTPS] = context_new(argv[1], argv[2], 0);
    contexts[PORT_TICKETS] = context_new(argv[1], argv[2], 1);
    answer_keep_len = make_answer(answer_keep, sizeof(answer_keep), "keep-alive", body_bytes);
    answer_last_len = make_answer(answer_last, sizeof(answer_last), "close", body_bytes);

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (enum port port = 0; port < PORT_COUNT; port++)
        printf("%s\"%s\": %u", port ? ", " : "{", port_names[port], listen_on_free_port(port));
    printf("}\n");
    fflush(stdout);

    for (;;) {
        struct epoll_event events[EVENTS_AT_ONCE];
        int ready = epoll_wait(epoll_fd, events, EVENTS_AT_ONCE, -1);
        for (int i = 0; i < ready; i++) {
            struct peer *peer = events[i].data.ptr;

            if (peer->listens && peer->port == PORT_DNS)
                answer_questions(peer);
            else if (peer->listens)
                peer_accept(peer);
            else if (!peer_answer(peer))
                peer_close(peer);
        }
    }
}
