/* c-ares on a loop: its sockets and its one timeout. */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shared/mem.h"
#include "shared/resolver_private.h"

#define TRIES     3 /* c-ares doubles the wait each time: 1 + 2 + 4 parts of the limit */
#define TRY_PARTS 7

struct channel_socket {
    struct channel *channel;
    struct list link;
    ev_io io; /* fd -1: free for use */
};

void channel_set_timeout(struct channel *channel)
{
    struct timeval wait;

    ev_timer_stop(channel->ev, &channel->timeout);
    if (!ares_timeout(channel->ares, NULL, &wait))
        return;
    ev_timer_set(&channel->timeout, (double)wait.tv_sec + (double)wait.tv_usec / 1e6, 0.);
    ev_timer_start(channel->ev, &channel->timeout);
}

static void on_socket(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct channel *channel = container_of(watcher, struct channel_socket, io)->channel;

    (void)ev;
    ares_process_fd(channel->ares, events & EV_READ ? watcher->fd : ARES_SOCKET_BAD,
                    events & EV_WRITE ? watcher->fd : ARES_SOCKET_BAD);
    channel_set_timeout(channel);
}

static void on_channel_timeout(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct channel *channel = container_of(watcher, struct channel, timeout);

    (void)ev;
    (void)events;
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    channel_set_timeout(channel);
}

/* The entry of `fd`, a free one when there is none. */
static struct channel_socket *channel_socket(struct channel *channel, int fd)
{
    struct channel_socket *found = NULL;

    LIST_FOREACH (link, &channel->sockets) {
        struct channel_socket *socket = container_of(link, struct channel_socket, link);

        if (socket->io.fd == fd)
            return socket;
        if (socket->io.fd == -1)
            found = socket;
    }
    if (!found) {
        found = NEW(struct channel_socket);
        found->channel = channel;
        list_append(&channel->sockets, &found->link);
    }
    ev_io_init(&found->io, on_socket, fd, EV_READ);
    return found;
}

static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct channel *channel = context;
    struct channel_socket *socket = channel_socket(channel, fd);
    struct ev_loop *ev = channel->ev;

    ev_io_stop(ev, &socket->io);
    if (!readable && !writable) {
        socket->io.fd = -1;
        return;
    }
    ev_io_set(&socket->io, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    ev_io_start(ev, &socket->io);
}

/* c-ares takes a socket that cannot be had for a server that refuses, and goes on to the next one.
 * So sockets are opened here, where the difference can be seen. */
static ares_socket_t open_socket(int family, int type, int protocol, void *context)
{
    struct channel *channel = context;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    if (fd < 0)
        (*channel->local_failures)++;
    return fd;
}

static int close_socket(ares_socket_t fd, void *context)
{
    (void)context;
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len,
                          void *context)
{
    struct channel *channel = context;
    int result = connect(fd, address, len);

    if (result < 0 && errno != EINPROGRESS && errno != ECONNREFUSED)
        (*channel->local_failures)++;
    return result;
}

static ares_ssize_t receive(ares_socket_t fd, void *data, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *len, void *context)
{
    (void)context;
    return recvfrom(fd, data, size, flags, from, len);
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int count,
                               void *context)
{
    (void)context;
    return writev(fd, parts, count);
}

static const struct ares_socket_functions socket_functions = {
    .asocket = open_socket,
    .aclose = close_socket,
    .aconnect = connect_socket,
    .arecvfrom = receive,
    .asendv = send_parts,
};

static int count_servers(ares_channel ares)
{
    struct ares_addr_port_node *servers = NULL;
    int count = 0;

    if (ares_get_servers_ports(ares, &servers) != ARES_SUCCESS)
        return 0;
    for (struct ares_addr_port_node *server = servers; server; server = server->next)
        count++;
    ares_free_data(servers);
    return count;
}

/* False when c-ares cannot set itself up. */
static bool channel_open(struct channel *channel, const char *servers, uint32_t timeout_ms,
                         int flags)
{
    struct ares_options options = {
        .flags = flags,
        .timeout = (int)(timeout_ms / TRY_PARTS),
        .tries = TRIES,
        .lookups = (char *)"b",
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };

    if (ares_init_options(&channel->ares, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                              ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS)
        return false;
    ares_set_socket_functions(channel->ares, &socket_functions, channel);
    if (servers && ares_set_servers_ports_csv(channel->ares, servers) != ARES_SUCCESS) {
        ares_destroy(channel->ares);
        return false;
    }
    return true;
}

struct channel *channel_new(struct ev_loop *ev, const char *servers, uint32_t timeout_ms,
                            unsigned *local_failures)
{
    struct channel *channel = NEW(struct channel);

    channel->ev = ev;
    channel->local_failures = local_failures;
    list_init(&channel->sockets);
    list_init(&channel->link);
    ev_timer_init(&channel->timeout, on_channel_timeout, 0., 0.);
    if (!channel_open(channel, servers, timeout_ms, 0)) {
        free(channel);
        return NULL;
    }
    /* With several servers c-ares goes on to the next one after SERVFAIL or REFUSED and forgets
     * which it was; with only one there is no next, and the word is worth more. */
    if (count_servers(channel->ares) == 1) {
        ares_destroy(channel->ares);
        if (!channel_open(channel, servers, timeout_ms, ARES_FLAG_NOCHECKRESP)) {
            free(channel);
            return NULL;
        }
    }
    return channel;
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    ares_destroy(channel->ares); /* calls back for what is open and closes the sockets */
    ev_timer_stop(channel->ev, &channel->timeout);
    LIST_FOREACH_SAFE (link, &channel->sockets)
        free(container_of(link, struct channel_socket, link));
    list_remove(&channel->link);
    free(channel);
}
