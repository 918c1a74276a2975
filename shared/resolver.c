/*
 * c-ares 1.18 keeps timeouts per channel and cannot cancel a single query. So there is one channel
 * for each power of two of the time limit, made when first needed; and a query outlives its asker:
 * it is freed when both the asker has let go of it and c-ares has called back for each family. The
 * hosts file is read here: c-ares would read it anew for each question, and loses memory when a
 * name stands in it twice.
 */
#include "shared/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/stat.h>

#include "shared/hosts.h"
#include "shared/mem.h"
#include "shared/resolver_private.h"

#define CHANNELS        8 /* limits from SHORTEST_MS up, each twice the one before */
#define SHORTEST_MS     250
#define SECOND_FAMILY_S 0.05 /* RFC 8305, resolution delay */
#define CONFIG_LOOK_S   1.0
#define CONFIG_FILE     "/etc/resolv.conf"
#define HOSTS_FILE      "/etc/hosts"
#define PER_FAMILY_MAX  (RESOLVER_ADDRS_MAX / 2)

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

/* ---- servers ---- */

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
        resolver->channels[i] =
            channel_new(resolver->ev, resolver->servers, limit_ms, &resolver->local_failures);
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
