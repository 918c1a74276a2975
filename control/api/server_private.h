/* What the files of the server share. The server owns its connections; a connection owns its
 * exchange. */
#pragma once

#include "shared/addr.h"
#include "shared/buf.h"
#include "shared/list.h"
#include "shared/loop.h"
#include "shared/metrics.h"
#include "shared/pool.h"
#include "shared/stream.h"

#include "control/api/openapi_document.h"
#include "control/api/server.h"

struct access_log;
struct address_count;
struct static_files;
struct workers;

#define REQUEST_BODY_BYTES_MAX (1024 * 1024)
#define REQUEST_PREFIX_BYTES   20 /* with its zero byte */

struct server {
    struct server_config config;
    struct ev_loop *ev;
    struct listener listener;    /* its fd is -1: takes no more connections */
    int64_t certificate_look_us; /* when to look whether there is a new one */
    int64_t certificate_judge_us;
    int reserve_fd; /* given up for a moment to turn clients away when descriptors run out */
    ev_io acceptor;
    ev_timer tick;

    struct list connections;
    size_t connection_count;
    struct address_count *addresses; /* connections and streams by peer address */
    struct pool exchanges;
    struct list uploads;        /* under way */
    struct pool http2_carriers; /* of HTTP/2 streams */
    size_t stream_count;

    struct workers *workers;
    struct static_files *files; /* NULL: no console */
    struct live *live;
    struct access_log *accesses;

    /* Parts of answers that are the same for all. */
    char date[64];           /* "Date: …\r\n", renewed by the tick */
    struct buf headers;      /* security, of every answer */
    struct buf api_headers;  /* further ones of API answers */
    struct buf build_header; /* a further one for who has signed in */
    struct openapi_document openapi;
    char request_prefix[REQUEST_PREFIX_BYTES];
    uint64_t request_count;

    int64_t stop_at_us; /* 0: not stopping */
    void (*on_stopped)(void *context);
    void *stopped_context;
};

/* Counters of the server, registered once. */
struct server_metrics {
    struct metric requests_ok;
    struct metric requests_client_error;
    struct metric requests_server_error;
    struct metric denied;
    struct metric watched_reads;
    struct metric duration;
    struct metric connections;
    struct metric connections_refused;
    struct metric malformed;
    struct metric timed_out;
    struct metric releases_late;
    struct metric queue_full;
    struct metric certificate_not_after_s;
    struct metric http2_connections;
    struct metric http2_streams;
    struct metric http2_streams_refused;
    struct metric http2_calmed;
    struct metric http2_broken;
};

extern struct server_metrics server_metrics;

/* The next request's id, when the client brought none. */
void server_next_request_id(struct server *server, char id[], size_t id_bytes);

/* A connection is closed: takes it out of the counts. */
void server_forget_connection(struct server *server, const struct addr *peer);

/* Counts a stream of an HTTP/2 connection in, as if it were a connection; false when there are too
 * many in all or of the address. */
bool server_count_stream(struct server *server, const struct addr *peer);
void server_forget_stream(struct server *server, const struct addr *peer);
