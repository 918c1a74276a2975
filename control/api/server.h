/*
 * The HTTP server: sockets, the life of a request, worker threads, static files and live
 * connections. See README.md of this folder for the way of one request.
 *
 * Thread: the loop, but where a function says otherwise.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"

#include "control/api/guard.h"
#include "control/api/listener.h"
#include "control/api/live.h"
#include "control/api/reply.h"

struct db;
struct live_service;
struct loop;
struct pipeline;
struct rates;
struct router;
struct server;

/* The changes of a committed write, on their way to whoever must know before the reply leaves. */
struct written {
    size_t count;
    struct change *changes;
};

/* Something that has to work for the service to be ready. */
struct readiness {
    const char *name; /* "database" */
    void *context;
    /* Whether it works; if not, writes a reason for operators. Thread: the loop; must not block. */
    bool (*is_ready)(void *context, char *reason, size_t reason_bytes);
};

#define SERVER_READINESS_MAX 8

struct server_config {
    struct loop *loop;
    const struct router *router; /* prepared */
    struct rates *rates;         /* NULL: without limits */
    struct pipeline *pipeline;   /* runs READ statements; NULL: they answer 503 */
    struct listener listener;    /* the server's from here on, also when it cannot start */
    const char *console;         /* folder of the console with its manifest.em.json; NULL: none */
    const char *build;           /* for X-EM-Build, which tells the console of an update */
    const char *upload_folder;   /* where large bodies lie while they are needed; NULL: /var/tmp */
    unsigned workers;            /* threads that run HANDLER routes; 0: 4 */
    unsigned connections_max;    /* 0: 10000 */
    unsigned connections_per_address; /* 0: 1000 */
    struct guard_ops guard;
    struct live_source live;
    struct live_settings live_settings;       /* zeroed: the product's */
    const struct live_service *live_services; /* NULL: the product's */
    const struct readiness *readiness;        /* ended by a zero row, or NULL */

    /* URL for the workers' own connections; NULL: HANDLER routes answer 503 */
    const char *database;

    /* Called after a HANDLER that noted changes, before its reply leaves. True: it has taken
     * `written`, and server_release_reply(written) follows within 2 s; after that the reply leaves
     * anyway. False: it could not take it, and the reply leaves at once. NULL: nobody is told.
     * Thread: a worker. */
    void *after_write_context;
    bool (*after_write)(void *context, struct written *written);
};

/* Listens; requests are taken from now on. The config is copied, what it points to is borrowed.
 * @return ERR_INVALID for a folder that is no console; ERR_UNAVAILABLE when the listener's address
 * was taken meanwhile. */
MUST_USE enum err server_start(const struct server_config *config, struct server **ret_server);

/* Takes no more connections, lets what runs end within `grace_ms`, then calls `on_stopped` on the
 * loop. */
void server_stop(struct server *server, int64_t grace_ms, void (*on_stopped)(void *context),
                 void *context);

/* Closes everything at once and joins the workers. */
void server_free(struct server *server);

/* The reply that waits for these changes may leave; frees `written`. Thread: the loop. */
void server_release_reply(struct written *written);

/* The port it listens on. */
uint16_t server_port(const struct server *server);

/* Where changes are published to live clients. */
struct live *server_live(struct server *server);
