/*
 * Start and stop, accepting, and the tick that looks at all deadlines twice a second: cheaper than
 * a timer per connection, and exact enough for limits of seconds.
 */
#include "control/api/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/log.h"
#include "shared/map.h"
#include "shared/tls.h"

#include "control/api/access_log.h"
#include "control/api/connection.h"
#include "control/api/exchange.h"
#include "control/api/http2_link.h"
#include "control/api/live_private.h"
#include "control/api/request.h"
#include "control/api/server_private.h"
#include "control/api/static_files.h"
#include "control/api/workers.h"

#define TICK_S                  0.5
#define BACKLOG                 1024
#define ACCEPTS_PER_TURN        64
#define CONNECTIONS_DEFAULT     20000
#define CONNECTIONS_PER_ADDRESS 1000
#define SPARE_DESCRIPTORS       64 /* for everything but connections */
#define CERTIFICATE_LOOK_US     INT64_C(2000000)
#define CERTIFICATE_JUDGE_US    INT64_C(86400000000) /* a warning a day */
#define DAY_MS                  INT64_C(86400000)
#define CERTIFICATE_WARN_MS     (21 * DAY_MS)

struct server_metrics server_metrics = {
    .requests_ok = METRIC_COUNTER("em_http_requests_total", "Answered requests by class of status",
                                  .labels = "class=\"ok\""),
    .requests_client_error =
        METRIC_COUNTER("em_http_requests_total", "Answered requests by class of status",
                       .labels = "class=\"client_error\""),
    .requests_server_error =
        METRIC_COUNTER("em_http_requests_total", "Answered requests by class of status",
                       .labels = "class=\"server_error\""),
    .denied = METRIC_COUNTER("em_http_denied_total", "Requests of who was not let in, or may not"),
    .watched_reads = METRIC_COUNTER("em_http_watched_reads_total",
                                    "Reads of the journal, or of who may do what"),
    .duration = METRIC_DURATION("em_http_request_duration_seconds",
                                "From the request's head to its answer"),
    .connections = METRIC_GAUGE("em_http_connections", "Open connections"),
    .connections_refused =
        METRIC_COUNTER("em_http_connections_refused_total",
                       "Connections turned away by a bound or for want of descriptors"),
    .malformed = METRIC_COUNTER("em_http_malformed_total", "Requests that could not be parsed"),
    .timed_out = METRIC_COUNTER("em_http_timed_out_total", "Clients that were too slow"),
    .releases_late = METRIC_COUNTER("em_http_releases_late_total",
                                    "Replies that left before the engine knew of the write"),
    .queue_full = METRIC_COUNTER("em_http_workers_full_total",
                                 "Requests refused because the workers' queue was full"),
    .certificate_not_after_s = METRIC_GAUGE("em_http_certificate_not_after_seconds",
                                            "When the certificate ends, as Unix time"),
    .http2_connections = METRIC_GAUGE("em_http2_connections", "Connections that speak HTTP/2"),
    .http2_streams = METRIC_GAUGE("em_http2_streams", "Open streams of HTTP/2 connections"),
    .http2_streams_refused =
        METRIC_COUNTER("em_http2_streams_refused_total", "Streams turned away by a bound"),
    .http2_calmed = METRIC_COUNTER("em_http2_calmed_total",
                                   "HTTP/2 connections ended because they asked for too much"),
    .http2_broken = METRIC_COUNTER("em_http2_broken_total",
                                   "HTTP/2 connections ended because they broke the rules"),
};

static void register_metrics(void)
{
    struct metric *all[] = {
        &server_metrics.requests_ok,
        &server_metrics.requests_client_error,
        &server_metrics.requests_server_error,
        &server_metrics.denied,
        &server_metrics.watched_reads,
        &server_metrics.duration,
        &server_metrics.connections,
        &server_metrics.connections_refused,
        &server_metrics.malformed,
        &server_metrics.timed_out,
        &server_metrics.releases_late,
        &server_metrics.queue_full,
        &server_metrics.certificate_not_after_s,
        &server_metrics.http2_connections,
        &server_metrics.http2_streams,
        &server_metrics.http2_streams_refused,
        &server_metrics.http2_calmed,
        &server_metrics.http2_broken,
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        metric_register(all[i]);
}

/* Accepting ----------------------------------------------------------------------------------- */

/* How many connections one peer address has, and how many streams of them. */
struct address_count {
    struct in6_addr address; /* IPv4 as mapped */
    unsigned count;
    unsigned streams;
    UT_hash_handle hh;
};

static struct address_count *find_address(const struct server *server, const struct addr *peer)
{
    struct in6_addr key;
    struct address_count *found;

    addr_to_v6(peer, key.s6_addr);
    HASH_FIND(hh, server->addresses, &key, sizeof key, found);
    return found;
}

/* A proxy speaks for many clients: those that are listed, and loopback, have no bound. */
static bool is_bounded(const struct server *server, const struct addr *peer)
{
    return !addr_is_loopback(peer) && !addr_networks_have(&server->listener.proxies, peer);
}

/* Counts the connection in; false when its address has too many. */
static bool count_in(struct server *server, const struct addr *peer)
{
    struct address_count *found = find_address(server, peer);

    if (found && found->count >= server->config.connections_per_address && is_bounded(server, peer))
        return false;
    if (!found) {
        found = NEW(struct address_count);
        addr_to_v6(peer, found->address.s6_addr);
        HASH_ADD(hh, server->addresses, address, sizeof found->address, found);
    }
    found->count++;
    server->connection_count++;
    metric_set(&server_metrics.connections, (int64_t)server->connection_count);
    return true;
}

void server_forget_connection(struct server *server, const struct addr *peer)
{
    struct address_count *found = find_address(server, peer);

    if (found && --found->count == 0) {
        HASH_DEL(server->addresses, found);
        free(found);
    }
    server->connection_count--;
    metric_set(&server_metrics.connections, (int64_t)server->connection_count);
}

bool server_count_stream(struct server *server, const struct addr *peer)
{
    struct address_count *found = find_address(server, peer);

    if (server->stream_count >= server->config.connections_max ||
        (found->streams >= server->config.connections_per_address && is_bounded(server, peer))) {
        metric_add(&server_metrics.http2_streams_refused, 1);
        return false;
    }
    found->streams++;
    server->stream_count++;
    metric_set(&server_metrics.http2_streams, (int64_t)server->stream_count);
    return true;
}

void server_forget_stream(struct server *server, const struct addr *peer)
{
    find_address(server, peer)->streams--;
    server->stream_count--;
    metric_set(&server_metrics.http2_streams, (int64_t)server->stream_count);
}

static void turn_away(int fd)
{
    metric_add(&server_metrics.connections_refused, 1);
    close(fd);
}

/* No descriptor is left: gives up the reserve to take the connection and close it, so that the
 * client knows and the loop does not spin on a socket that stays readable. */
static void turn_away_by_reserve(struct server *server)
{
    int fd;

    log_warning("server.descriptors_exhausted", "connections=%zu", server->connection_count);
    close(server->reserve_fd);
    fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        turn_away(fd);
    server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool accept_one(struct server *server)
{
    struct addr peer = {0};
    socklen_t len = sizeof peer;
    int fd = accept4(server->listener.fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        turn_away_by_reserve(server);
        return false;
    }
    if (fd < 0)
        return errno == ECONNABORTED || errno == EINTR;
    if (server->connection_count >= server->config.connections_max || !count_in(server, &peer))
        turn_away(fd);
    else
        connection_new(server, fd, &peer);
    return true;
}

static void on_acceptable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct server *server = container_of(watcher, struct server, acceptor);

    (void)ev;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(server); i++)
        ;
}

/* Time ---------------------------------------------------------------------------------------- */

static void write_date(struct server *server)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm parts;

    gmtime_r(&now, &parts);
    strftime(server->date, sizeof server->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
}

static void stop_listening(struct server *server)
{
    if (server->listener.fd < 0)
        return;
    ev_io_stop(server->ev, &server->acceptor);
    close(server->listener.fd);
    server->listener.fd = -1;
}

/* Closes what is idle, and everything once the grace is over. */
static void tick_stopping(struct server *server, int64_t now_us)
{
    LIST_FOREACH_SAFE (link, &server->connections) {
        struct connection *connection = container_of(link, struct connection, link);

        if (now_us > server->stop_at_us || connection->state == CONNECTION_HEAD ||
            connection->state == CONNECTION_WAITING || connection->state == CONNECTION_LIVE)
            connection_close(connection, false);
        else if (connection->state == CONNECTION_HTTP2)
            http2_link_drain(connection->http2);
    }
    if (list_is_empty(&server->connections) && server->on_stopped) {
        void (*on_stopped)(void *context) = TAKE(server->on_stopped);

        on_stopped(server->stopped_context);
    }
}

/* Metrics and log say in time that it will end. */
static void judge_certificate(const struct server *server)
{
    int64_t not_after_ms = tls_server_context_not_after_ms(server->listener.tls);
    int64_t left_ms = not_after_ms - clock_wall_ms();

    metric_set(&server_metrics.certificate_not_after_s, not_after_ms / 1000);
    if (left_ms < CERTIFICATE_WARN_MS)
        log_warning("certificate.ending", "file=%s days_left=%lld",
                    server->listener.options.tls_cert,
                    (long long)(left_ms < 0 ? -1 : left_ms / DAY_MS));
}

static void look_at_certificate(struct server *server, int64_t now_us)
{
    if (!server->listener.tls || now_us < server->certificate_look_us)
        return;
    server->certificate_look_us = now_us + CERTIFICATE_LOOK_US;
    if (!listener_renew(&server->listener) && now_us < server->certificate_judge_us)
        return;
    server->certificate_judge_us = now_us + CERTIFICATE_JUDGE_US;
    judge_certificate(server);
}

static void on_tick(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct server *server = container_of(watcher, struct server, tick);
    int64_t now_us = clock_monotonic_us();

    (void)ev;
    (void)events;
    write_date(server);
    look_at_certificate(server, now_us);
    LIST_FOREACH_SAFE (link, &server->connections)
        connection_tick(container_of(link, struct connection, link), now_us);
    if (server->stop_at_us != 0)
        tick_stopping(server, now_us);
}

void server_next_request_id(struct server *server, char id[], size_t id_bytes)
{
    snprintf(id, id_bytes, "%s-%llx", server->request_prefix,
             (unsigned long long)++server->request_count);
}

/* Starting ------------------------------------------------------------------------------------ */

static void write_headers(struct server *server)
{
    buf_append_text(&server->headers,
                    "X-Content-Type-Options: nosniff\r\n"
                    "Referrer-Policy: same-origin\r\n"
                    "Cross-Origin-Opener-Policy: same-origin\r\n"
                    "Cross-Origin-Resource-Policy: same-origin\r\n"
                    "Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=()\r\n");
    if (server->listener.tls)
        buf_append_text(&server->headers, "Strict-Transport-Security: max-age=31536000\r\n");
    buf_append_text(&server->api_headers,
                    "Cache-Control: no-store\r\n"
                    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    buf_printf(&server->build_header, "X-EM-Build: %s\r\n",
               server->config.build ? server->config.build : EM_VERSION);
}

static void write_request_prefix(struct server *server)
{
    uint64_t number;

    random_bytes(&number, sizeof number);
    snprintf(server->request_prefix, sizeof server->request_prefix, "%016llx",
             (unsigned long long)number);
}

/* As many descriptors as the system lets us have; the bound on connections stays below. */
static void raise_descriptors(struct server *server)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur > SPARE_DESCRIPTORS &&
        server->config.connections_max > limit.rlim_cur - SPARE_DESCRIPTORS)
        server->config.connections_max = (unsigned)(limit.rlim_cur - SPARE_DESCRIPTORS);
}

static enum err set_up(struct server *server)
{
    const struct server_config *config = &server->config;
    char address[ADDR_TEXT_BYTES];

    if (config->console)
        TRY(static_files_load(config->console, &server->files));
    if (listen(server->listener.fd, BACKLOG) < 0)
        return fail(ERR_UNAVAILABLE, "listen_failed", "Cannot listen on %s: %s",
                    addr_format(&server->listener.address, address), strerrordesc_np(errno));
    return OK;
}

static void begin(struct server *server)
{
    const struct server_config *config = &server->config;

    raise_descriptors(server);
    register_metrics();
    write_headers(server);
    write_request_prefix(server);
    write_date(server);
    server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    server->live =
        live_new(config->loop, &config->live, &config->live_settings, config->live_services);
    server->workers = workers_new(config->loop, config->workers, config->database);
    ev_io_init(&server->acceptor, on_acceptable, server->listener.fd, EV_READ);
    ev_io_start(server->ev, &server->acceptor);
    ev_timer_init(&server->tick, on_tick, TICK_S, TICK_S);
    ev_timer_start(server->ev, &server->tick);
}

enum err server_start(const struct server_config *config, struct server **ret_server)
{
    struct server *server = NEW(struct server);
    char address[ADDR_TEXT_BYTES];
    enum err err;

    server->config = *config;
    if (server->config.connections_max == 0)
        server->config.connections_max = CONNECTIONS_DEFAULT;
    if (server->config.connections_per_address == 0)
        server->config.connections_per_address = CONNECTIONS_PER_ADDRESS;
    if (!server->config.upload_folder)
        server->config.upload_folder = "/var/tmp";
    server->ev = loop_ev(config->loop);
    server->listener = config->listener;
    server->reserve_fd = -1;
    server->accesses = access_log_new();
    list_init(&server->connections);
    list_init(&server->uploads);
    pool_init(&server->exchanges, sizeof(struct exchange));
    pool_init(&server->http2_carriers, http2_link_pool_object_bytes());

    err = set_up(server);
    if (err != OK) {
        server_free(server);
        return err;
    }
    begin(server);
    log_info("server.listening", "address=%s tls=%s",
             addr_format(&server->listener.address, address), server->listener.tls ? "yes" : "no");
    *ret_server = server;
    return OK;
}

void server_stop(struct server *server, int64_t grace_ms, void (*on_stopped)(void *context),
                 void *context)
{
    stop_listening(server);
    server->stop_at_us = clock_monotonic_us() + grace_ms * 1000;
    server->on_stopped = on_stopped;
    server->stopped_context = context;
    ev_feed_event(server->ev, &server->tick, EV_TIMER);
}

static void clear_exchanges(struct pool *pool)
{
    for (size_t i = 0; i < pool->free_count; i++) {
        struct exchange *exchange = pool->free_objects[i];

        reply_clear(&exchange->reply);
        buf_clear(&exchange->texts);
        buf_clear(&exchange->body);
    }
    pool_clear(pool);
}

void server_free(struct server *server)
{
    if (!server)
        return;
    stop_listening(server);
    ev_timer_stop(server->ev, &server->tick);
    ev_clear_pending(server->ev, &server->tick);
    LIST_FOREACH_SAFE (link, &server->connections)
        connection_close(container_of(link, struct connection, link), false);
    workers_free(server->workers);
    live_free(server->live);
    access_log_free(server->accesses);
    static_files_free(server->files);
    clear_exchanges(&server->exchanges);
    http2_link_clear_pool(&server->http2_carriers);
    listener_close(&server->listener);
    buf_clear(&server->headers);
    buf_clear(&server->api_headers);
    buf_clear(&server->build_header);
    openapi_document_clear(&server->openapi);
    if (server->reserve_fd >= 0)
        close(server->reserve_fd);
    free(server);
}

uint16_t server_port(const struct server *server)
{
    return addr_port(&server->listener.address);
}

struct live *server_live(struct server *server)
{
    return server->live;
}
