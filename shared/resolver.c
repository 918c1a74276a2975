/*
 * c-ares 1.18 keeps timeouts per channel and cannot cancel a single query. So there is one channel
 * for each power of two of the time limit, made when first needed; and a query outlives its asker:
 * it is freed when both the asker has let go of it and c-ares has called back for each family. The
 * hosts file is read here: c-ares would read it anew for each question, and loses memory when a
 * name stands in it twice.
 */
#include "shared/resolver.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shared/hosts.h"
#include "shared/list.h"
#include "shared/mem.h"

#define CHANNELS        8 /* limits from SHORTEST_MS up, each twice the one before */
#define SHORTEST_MS     250
#define TRIES           3 /* c-ares doubles the wait each time: 1 + 2 + 4 parts of the limit */
#define TRY_PARTS       7
#define SECOND_FAMILY_S 0.05 /* RFC 8305, resolution delay */
#define CONFIG_LOOK_S   1.0
#define CONFIG_FILE     "/etc/resolv.conf"
#define HOSTS_FILE      "/etc/hosts"
#define PER_FAMILY_MAX  (RESOLVER_ADDRS_MAX / 2)

struct channel {
    struct resolver *resolver;
    ares_channel ares;
    ev_timer timeout;
    struct list link; /* in resolver->retired */
    struct list sockets;
    unsigned open; /* calls that c-ares has not called back for */
};

struct channel_socket {
    struct channel *channel;
    struct list link;
    ev_io io; /* fd -1: free for use */
};

struct resolver {
    struct ev_loop *ev;
    const char *servers;
    struct hosts *hosts;
    struct channel *channels[CHANNELS];
    struct list retired;     /* of an older resolv.conf, until their queries have ended */
    unsigned local_failures; /* sockets that could not be opened or connected for want of something
                                here */
    bool has_config;         /* somebody says whom to ask */
    struct timespec config_changed;
    ev_tstamp config_looked;
    struct list queries;
};

struct resolver_query {
    struct resolver *resolver;
    struct channel *channel;
    struct list link;
    resolver_fn on_answer; /* NULL: nobody waits any more */
    void *context;
    ev_timer deliver;
    unsigned open;           /* families still asked for */
    unsigned local_failures; /* of the resolver when this was asked */
    enum dns_status status;
    struct addr addrs[RESOLVER_ADDRS_MAX];
    size_t count;
};

static void initialize_library(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

/* ---- channels ---- */

static void channel_set_timeout(struct channel *channel)
{
    struct ev_loop *ev = channel->resolver->ev;
    struct timeval wait;

    ev_timer_stop(ev, &channel->timeout);
    if (!ares_timeout(channel->ares, NULL, &wait))
        return;
    ev_timer_set(&channel->timeout, (double)wait.tv_sec + (double)wait.tv_usec / 1e6, 0.);
    ev_timer_start(ev, &channel->timeout);
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
    struct ev_loop *ev = channel->resolver->ev;

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
        channel->resolver->local_failures++;
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
        channel->resolver->local_failures++;
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
static bool channel_open(struct channel *channel, uint32_t timeout_ms, int flags)
{
    struct ares_options options = {
        .flags = flags,
        .timeout = (int)(timeout_ms / TRY_PARTS),
        .tries = TRIES,
        .lookups = (char *)"b",
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    const char *servers = channel->resolver->servers;

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

static struct channel *channel_new(struct resolver *resolver, uint32_t timeout_ms)
{
    struct channel *channel = NEW(struct channel);

    channel->resolver = resolver;
    list_init(&channel->sockets);
    list_init(&channel->link);
    ev_timer_init(&channel->timeout, on_channel_timeout, 0., 0.);
    if (!channel_open(channel, timeout_ms, 0)) {
        free(channel);
        return NULL;
    }
    /* With several servers c-ares goes on to the next one after SERVFAIL or REFUSED and forgets
     * which it was; with only one there is no next, and the word is worth more. */
    if (count_servers(channel->ares) == 1) {
        ares_destroy(channel->ares);
        if (!channel_open(channel, timeout_ms, ARES_FLAG_NOCHECKRESP)) {
            free(channel);
            return NULL;
        }
    }
    return channel;
}

static void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    ares_destroy(channel->ares); /* calls back for what is open and closes the sockets */
    ev_timer_stop(channel->resolver->ev, &channel->timeout);
    LIST_FOREACH_SAFE (link, &channel->sockets)
        free(container_of(link, struct channel_socket, link));
    list_remove(&channel->link);
    free(channel);
}

/* Lets go of the channels of an older resolv.conf. Where there is none at all, c-ares would ask this
 * machine itself, and blame the name when nobody listens. */
static void look_at_config(struct resolver *resolver)
{
    ev_tstamp now = ev_now(resolver->ev);
    struct stat status;

    LIST_FOREACH_SAFE (link, &resolver->retired) {
        struct channel *channel = container_of(link, struct channel, link);

        if (channel->open == 0)
            channel_free(channel);
    }
    if (now - resolver->config_looked < CONFIG_LOOK_S && now >= resolver->config_looked)
        return;
    resolver->config_looked = now;
    hosts_refresh(resolver->hosts);
    if (resolver->servers)
        return;
    resolver->has_config = stat(CONFIG_FILE, &status) == 0;
    if (!resolver->has_config)
        status.st_mtim = (struct timespec){0};
    if (status.st_mtim.tv_sec == resolver->config_changed.tv_sec &&
        status.st_mtim.tv_nsec == resolver->config_changed.tv_nsec)
        return;

    resolver->config_changed = status.st_mtim;
    for (size_t i = 0; i < CHANNELS; i++) {
        if (resolver->channels[i])
            list_append(&resolver->retired, &resolver->channels[i]->link);
        resolver->channels[i] = NULL;
    }
}

/* The channel whose limit is the longest one within `timeout_ms`; NULL when there is nobody to ask. */
static struct channel *channel_for(struct resolver *resolver, uint32_t timeout_ms)
{
    uint32_t limit_ms = SHORTEST_MS;
    size_t i = 0;

    if (!resolver->has_config)
        return NULL;
    while (i + 1 < CHANNELS && limit_ms * 2 <= timeout_ms) {
        limit_ms *= 2;
        i++;
    }
    if (!resolver->channels[i])
        resolver->channels[i] = channel_new(resolver, limit_ms);
    return resolver->channels[i];
}

/* ---- queries ---- */

static void query_free_when_over(struct resolver_query *query)
{
    if (query->open > 0 || query->on_answer)
        return;
    list_remove(&query->link);
    free(query);
}

static void on_deliver(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct resolver_query *query = container_of(watcher, struct resolver_query, deliver);
    resolver_fn on_answer = TAKE(query->on_answer);

    (void)ev;
    (void)events;
    on_answer(query->context, query->count > 0 ? DNS_OK : query->status, query->addrs,
              query->count);
    query_free_when_over(query);
}

static void deliver_in(struct resolver_query *query, double seconds)
{
    ev_timer_stop(query->resolver->ev, &query->deliver);
    ev_timer_set(&query->deliver, seconds, 0.);
    ev_timer_start(query->resolver->ev, &query->deliver);
}

static enum dns_status dns_status_of(int ares_status)
{
    switch (ares_status) {
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
        return DNS_NXDOMAIN;
    case ARES_ENODATA:
        return DNS_NODATA;
    case ARES_ETIMEOUT:
        return DNS_TIMEOUT;
    case ARES_ESERVFAIL:
    case ARES_ENOTIMP:
    case ARES_ECONNREFUSED: /* no server had an answer */
        return DNS_SERVFAIL;
    case ARES_EREFUSED:
        return DNS_REFUSED;
    case ARES_EFORMERR:
    case ARES_EBADRESP:
    case ARES_EBADNAME:
    case ARES_EBADQUERY:
        return DNS_FORMAT;
    default:
        return DNS_UNAVAILABLE;
    }
}

/* Of two families' failures the one that says more. */
static enum dns_status worse(enum dns_status a, enum dns_status b)
{
    static const int weight[] = {
        [DNS_OK] = 0,      [DNS_NODATA] = 1, [DNS_NXDOMAIN] = 2, [DNS_UNAVAILABLE] = 3,
        [DNS_TIMEOUT] = 4, [DNS_FORMAT] = 5, [DNS_REFUSED] = 6,  [DNS_SERVFAIL] = 7,
    };

    return weight[a] >= weight[b] ? a : b;
}

static void take_addresses(struct resolver_query *query, const struct ares_addrinfo *info)
{
    size_t taken = 0;

    for (struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
        if (taken++ == PER_FAMILY_MAX || query->count == RESOLVER_ADDRS_MAX)
            return;
        query->addrs[query->count++] = addr_of(node->ai_addr);
    }
}

static void on_ares(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
    struct resolver_query *query = context;

    (void)timeouts;
    query->open--;
    query->channel->open--;
    if (status == ARES_SUCCESS && query->on_answer)
        take_addresses(query, info);
    else if (status != ARES_SUCCESS && query->resolver->local_failures != query->local_failures)
        query->status = DNS_UNAVAILABLE; /* no server was asked as it should be */
    else if (status != ARES_SUCCESS)
        query->status = worse(query->status, dns_status_of(status));
    if (info)
        ares_freeaddrinfo(info);

    if (!query->on_answer)
        query_free_when_over(query);
    else if (query->open == 0)
        deliver_in(query, 0.);
    else if (query->count > 0)
        deliver_in(query, SECOND_FAMILY_S);
}

static void ask_family(struct resolver_query *query, const char *name, int family)
{
    const struct ares_addrinfo_hints hints = {
        .ai_family = family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = ARES_AI_NOSORT,
    };

    ares_getaddrinfo(query->channel->ares, name, NULL, &hints, on_ares, query);
}

struct resolver_query *resolver_ask(struct resolver *resolver, const char *name, int family,
                                    uint32_t timeout_ms, resolver_fn on_answer, void *context)
{
    struct resolver_query *query = NEW(struct resolver_query);

    query->resolver = resolver;
    query->on_answer = on_answer;
    query->context = context;
    query->status = DNS_NODATA;
    list_append(&resolver->queries, &query->link);
    ev_timer_init(&query->deliver, on_deliver, 0., 0.);

    look_at_config(resolver);
    query->count = hosts_find(resolver->hosts, name, family, query->addrs, RESOLVER_ADDRS_MAX);
    if (query->count > 0) {
        deliver_in(query, 0.);
        return query;
    }
    query->channel = channel_for(resolver, timeout_ms);
    if (!query->channel) {
        query->status = DNS_UNAVAILABLE;
        deliver_in(query, 0.);
        return query;
    }

    query->local_failures = resolver->local_failures;
    query->open = family == AF_UNSPEC ? 2 : 1;
    query->channel->open += query->open;
    if (family != AF_INET)
        ask_family(query, name, AF_INET6);
    if (family != AF_INET6)
        ask_family(query, name, AF_INET);
    channel_set_timeout(query->channel);
    return query;
}

void resolver_cancel(struct resolver_query *query)
{
    ev_timer_stop(query->resolver->ev, &query->deliver);
    query->on_answer = NULL;
    query_free_when_over(query);
}

static struct addr addr_of_node(const struct ares_addr_port_node *node)
{
    struct addr addr = {0};

    addr.any.sa_family = (sa_family_t)node->family;
    if (node->family == AF_INET)
        addr.v4.sin_addr = node->addr.addr4;
    else
        memcpy(&addr.v6.sin6_addr, &node->addr.addr6, sizeof addr.v6.sin6_addr);
    addr_set_port(&addr, (uint16_t)node->udp_port);
    return addr;
}

size_t resolver_servers(struct resolver *resolver, struct addr *ret_servers, size_t max)
{
    struct ares_addr_port_node *nodes = NULL;
    struct channel *channel;
    size_t count = 0;

    look_at_config(resolver);
    channel = channel_for(resolver, SHORTEST_MS);
    if (!channel || ares_get_servers_ports(channel->ares, &nodes) != ARES_SUCCESS)
        return 0;
    for (const struct ares_addr_port_node *node = nodes; node && count < max; node = node->next)
        ret_servers[count++] = addr_of_node(node);
    ares_free_data(nodes);
    return count;
}

struct resolver *resolver_new(struct ev_loop *ev, const char *servers)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct resolver *resolver = NEW(struct resolver);

    pthread_once(&once, initialize_library);
    resolver->ev = ev;
    resolver->servers = servers;
    resolver->has_config = servers != NULL;
    resolver->hosts = hosts_new(HOSTS_FILE);
    list_init(&resolver->retired);
    list_init(&resolver->queries);
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    LIST_FOREACH_SAFE (link, &resolver->queries)
        resolver_cancel(container_of(link, struct resolver_query, link));
    for (size_t i = 0; i < CHANNELS; i++)
        channel_free(resolver->channels[i]);
    LIST_FOREACH_SAFE (link, &resolver->retired)
        channel_free(container_of(link, struct channel, link));
    hosts_free(resolver->hosts);
    free(resolver);
}
