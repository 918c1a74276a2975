/*
 * Order of starting: DIR and root given up; embedded PostgreSQL and Redis; schema; the
 * administrator; the parts that think; last the server, so that whoever can connect finds
 * everything there. Stopping goes the other way round.
 */
#include "control/service.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/spawner.h"

#include "control/access/access.h"
#include "control/api/live.h"
#include "control/api/rates.h"
#include "control/api/router.h"
#include "control/api/server.h"
#include "control/api/shared_rates.h"
#include "control/audit/audit.h"
#include "control/cmdb/cmdb.h"
#include "control/console_folder.h"
#include "control/data_dir.h"
#include "control/fleet/fleet.h"
#include "control/health/health.h"
#include "control/instance.h"
#include "control/journal/sealer.h"
#include "control/notify/notify.h"
#include "control/notify/outbound.h"
#include "control/routes.h"
#include "control/settings/rate_limits.h"
#include "control/store/db.h"
#include "control/store/pipeline.h"

#define STOP_GRACE_MS 5000

struct service {
    struct control_options *options;
    struct spawner *spawner;
    struct loop *loop;
    struct listener listener; /* until the server has it */
    struct instance instance;
    struct pipeline *pipeline;
    struct access *access;
    struct sealer *sealer;
    struct notify *notify;
    struct addr_networks webhook_networks;
    struct health *health;
    struct fleet *fleet;
    struct router *router;
    struct rates *rates;
    struct uuid installation;
    struct shared_rates *shared_rates; /* NULL: limits are counted here alone */
    struct rate_limits_watch *rate_limits_watch;
    struct server *server;
    struct rights_watch *rights_watch;
    struct journal_feed *_Atomic journal_feed; /* the sealer rings it */
    struct readiness readiness[4];
    char *console;
    enum err ended_by;
    bool stopping;
    ev_io spawner_watch;
    ev_signal terminate;
    ev_signal interrupt;
    ev_signal hangup;
};

/* Stopping ------------------------------------------------------------------------------------ */

static void on_server_stopped(void *context)
{
    struct service *service = context;

    loop_stop(service->loop);
}

/* The first time what runs may end; the second time it may not. */
static void stop_serving(struct service *service)
{
    if (service->stopping || !service->server) {
        loop_stop(service->loop);
        return;
    }
    service->stopping = true;
    server_stop(service->server, STOP_GRACE_MS, on_server_stopped, service);
}

static void on_stop_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
    (void)events;
    log_info("service.stopping", "signal=%d", watcher->signum);
    stop_serving(ev_userdata(ev));
}

static void on_hangup(struct ev_loop *ev, ev_signal *watcher, int events)
{
    struct service *service = ev_userdata(ev);

    (void)watcher;
    (void)events;
    if (control_options_reload(service->options) == OK)
        log_info("service.reloaded", "log_level=%s", service->options->log_level);
    else
        log_error("service.reload_failed", "detail=\"%s\"", failure_last()->detail);
}

/* Without the spawner the embedded servers are gone, and nothing can start them again: only a new
 * start helps. */
static void on_spawner(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct service *service = container_of(watcher, struct service, spawner_watch);

    (void)events;
    service->ended_by = spawner_on_readable(service->spawner);
    if (service->ended_by == OK)
        return;
    log_error("service.spawner_lost", "detail=\"%s\"", failure_last()->detail);
    ev_io_stop(ev, watcher);
    stop_serving(service);
}

static void watch(struct service *service)
{
    struct ev_loop *ev = loop_ev(service->loop);

    ev_set_userdata(ev, service);
    ev_signal_init(&service->terminate, on_stop_signal, SIGTERM);
    ev_signal_init(&service->interrupt, on_stop_signal, SIGINT);
    ev_signal_start(ev, &service->terminate);
    ev_signal_start(ev, &service->interrupt);
    ev_signal_init(&service->hangup, on_hangup, SIGHUP);
    ev_signal_start(ev, &service->hangup);
    ev_io_init(&service->spawner_watch, on_spawner, spawner_fd(service->spawner), EV_READ);
    ev_io_start(ev, &service->spawner_watch);
}

static void unwatch(struct service *service)
{
    struct ev_loop *ev = loop_ev(service->loop);

    ev_signal_stop(ev, &service->terminate);
    ev_signal_stop(ev, &service->interrupt);
    ev_signal_stop(ev, &service->hangup);
    ev_io_stop(ev, &service->spawner_watch);
}

/* Between the parts --------------------------------------------------------------------------- */

struct ended_credential {
    struct service *service;
    struct uuid id;
};

static void drop_live(void *argument)
{
    struct ended_credential *ended = argument;

    if (ended->service->server)
        live_drop_credential(server_live(ended->service->server), &ended->id);
    free(ended);
}

/* From a worker or the loop: a session or key has ended, so its live connections end, too. */
static void on_credential_ended(void *context, const struct uuid *credential_id)
{
    struct service *service = context;
    struct ended_credential *ended = NEW(struct ended_credential);

    ended->service = service;
    ended->id = *credential_id;
    loop_post(service->loop, drop_live, ended);
}

static bool is_database_ready(void *context, char *reason, size_t reason_bytes)
{
    struct service *service = context;

    if (pipeline_is_ready(service->pipeline))
        return true;
    snprintf(reason, reason_bytes, "the database is not reachable");
    return false;
}

/* Starting ------------------------------------------------------------------------------------ */

/* Reads the limits, and makes the administrator at the very first start. @param ret_is_first whether it was that. */
static enum err bootstrap(struct service *service, bool *ret_is_first)
{
    AUTO(db_free)
    struct db *db = db_new(&(struct db_options){
        .url = service->instance.database_url, .name = "bootstrap", .rows = ALL_ROWS});
    CLEANUP(xfree_p) char *key = data_dir_file(service->instance.dir, "admin.key");

    service->rates = rates_new();
    TRY(rate_limits_load(db, service->rates));
    TRY(rate_limits_installation(db, &service->installation));
    *ret_is_first = access(key, F_OK) != 0;
    return access_bootstrap(db, data_dir_path(service->instance.dir));
}

/* New status events are committed: whoever tells the outside of them need not wait for its next
 * look. */
static void on_status_events(void *context)
{
    struct service *service = context;

    notify_wake(service->notify);
}

static void end_deposed(void *argument)
{
    struct service *service = argument;

    service->ended_by =
        fail(ERR_CONFLICT, "engine_deposed", "Another em-control has taken this database over.");
    log_error("service.deposed", "detail=\"%s\"", failure_last()->detail);
    stop_serving(service);
}

static void on_deposed(void *context)
{
    struct service *service = context;

    loop_post(service->loop, end_deposed, service);
}

static enum err make_health(struct service *service)
{
    const struct instance *instance = &service->instance;
    const struct health_config config = {
        .loop = service->loop,
        .database_url = instance->database_url,
        .redis_url = instance->redis_url,
        .redis_user = instance->redis_password ? "default" : NULL,
        .redis_password = instance->redis_password,
        .on_events = on_status_events,
        .on_events_context = service,
        .on_deposed = on_deposed,
        .on_deposed_context = service,
    };

    TRY(health_new(&config, &service->health));
    return fleet_new(&(struct fleet_config){.loop = service->loop,
                                            .bus_url = instance->bus_address,
                                            .health = service->health},
                     &service->fleet);
}

static enum err make_notify(struct service *service)
{
    const struct addr_networks *networks = NULL;
    struct db *db = db_new(&(struct db_options){
        .url = service->instance.database_url, .name = "notify", .rows = ALL_ROWS});

    TRY(addr_networks_read(service->options->webhook_networks, &service->webhook_networks));
    if (service->options->webhook_networks)
        networks = &service->webhook_networks;
    service->notify = notify_new(db, networks);
    return OK;
}

static enum err start_access(struct service *service)
{
    const struct access_options options = {
        .session_idle_s = service->options->session_idle_s,
        .session_max_s = service->options->session_max_s,
        .build = EM_VERSION,
        .ended_context = service,
        .ended = on_credential_ended,
    };

    TRY(cmdb_init());
    TRY(make_notify(service));
    service->access = access_new(&options);
    service->router = router_new();
    routes_add(service->router, &(struct route_contexts){.access = service->access,
                                                         .health = service->health,
                                                         .fleet = service->fleet,
                                                         .rates = service->rates,
                                                         .notify = service->notify});
    return router_prepare(service->router);
}

/* The journal has new positions; from the sealer's thread. */
static void on_sealed(void *context)
{
    struct service *service = context;
    struct journal_feed *feed = atomic_load(&service->journal_feed);

    notify_wake(service->notify);
    if (feed)
        journal_feed_ring(feed);
}

static enum err start_sealer(struct service *service)
{
    struct db *db = db_new(&(struct db_options){
        .url = service->instance.database_url,
        .name = "sealer",
        .rows = ALL_ROWS,
        .plans_once = true,
    });

    return sealer_start(db, &(struct sealer_ops){.context = service, .sealed = on_sealed},
                        &service->sealer);
}

static enum err start_health(struct service *service)
{
    const struct health_fleet fleet = fleet_for_health(service->fleet);

    return health_start(service->health, &fleet);
}

/* With a Redis that other processes may use, too, limits are counted there. */
static enum err start_rates(struct service *service)
{
    service->rate_limits_watch =
        rate_limits_watch_new(service->loop, service->pipeline, service->rates);
    if (!service->options->redis)
        return OK;
    return shared_rates_new(&(struct shared_rates_options){.loop = service->loop,
                                                           .rates = service->rates,
                                                           .redis_url = service->instance.redis_url,
                                                           .installation = service->installation},
                            &service->shared_rates);
}

static struct listener give_listener(struct service *service)
{
    struct listener listener = service->listener;

    service->listener = LISTENER_NONE;
    return listener;
}

static enum err start_server(struct service *service)
{
    const struct server_config config = {
        .loop = service->loop,
        .router = service->router,
        .rates = service->rates,
        .pipeline = service->pipeline,
        .listener = give_listener(service),
        .console = service->console,
        .build = EM_VERSION,
        .upload_folder = data_dir_path(service->instance.dir),
        .workers = (unsigned)service->options->workers,
        .guard = access_guard(service->access),
        .live = health_live_source(service->health),
        .after_write_context = service->health,
        .after_write = health_after_write,
        .readiness = service->readiness,
        .database = service->instance.database_url,
    };

    service->readiness[0] = (struct readiness){"database", service, is_database_ready};
    service->readiness[1] = (struct readiness){"engine", service->health, health_is_ready};
    service->readiness[2] = (struct readiness){"bus", service->fleet, fleet_is_ready};
    TRY(server_start(&config, &service->server));
    health_set_live(service->health, server_live(service->server));
    atomic_store(&service->journal_feed,
                 journal_feed_new(service->loop, service->pipeline, server_live(service->server)));
    service->rights_watch = rights_watch_new(service->access, service->loop, service->pipeline,
                                             server_live(service->server));
    return OK;
}

/* Nobody can sign in before somebody has: the first start shows the way in, to people. What collects
 * a log in JSON takes standard output, too, and must not have it. */
static enum err show_way_in(struct service *service, const char *url)
{
    AUTO(db_free)
    struct db *db = db_new(&(struct db_options){
        .url = service->instance.database_url, .name = "bootstrap", .rows = ALL_ROWS});
    CLEANUP(xfree_p) char *link = NULL;

    TRY(access_sign_in_link(db, url, &link));
    printf("sign in once, within an hour: %s\n", link);
    fflush(stdout);
    return OK;
}

/* What needs no instance comes first: a port that is taken leaves nothing half-done. */
static enum err start(struct service *service)
{
    const struct listener_options listener_options = control_listener_options(service->options);
    CLEANUP(xfree_p) char *url = NULL;
    bool is_first;

    TRY(console_folder_find(service->options->console, &service->console));
    TRY(listener_open(&listener_options, &service->listener));
    service->loop = loop_new();
    TRY(instance_open(service->options, service->spawner, INSTANCE_SERVE, service->loop,
                      &service->instance));
    TRY(instance_migrate(&service->instance));
    TRY(bootstrap(service, &is_first));
    service->pipeline = pipeline_new(
        service->loop, &(struct pipeline_options){.url = service->instance.database_url});
    TRY(make_health(service));
    TRY(start_access(service));
    TRY(start_sealer(service));
    TRY(notify_start(service->notify));
    TRY(start_health(service));
    TRY(start_rates(service));
    TRY(start_server(service));
    url = control_base_url(service->options, server_port(service->server));
    if (is_first && log_format() == LOG_FORMAT_TEXT)
        TRY(show_way_in(service, url));
    TRY(instance_note_url(&service->instance, url));
    log_info("service.ready", "data=%s listen=%s port=%u", data_dir_path(service->instance.dir),
             service->options->listen, server_port(service->server));
    return OK;
}

static void stop(struct service *service)
{
    if (service->health) {
        health_set_live(service->health, NULL);
        health_stop(service->health);
    }
    if (service->fleet)
        fleet_stop(service->fleet);
    rights_watch_free(service->rights_watch);
    server_free(service->server);
    service->server = NULL;
    shared_rates_free(service->shared_rates);
    rate_limits_watch_free(service->rate_limits_watch);
    listener_close(&service->listener);
    sealer_stop(service->sealer);
    if (service->loop)
        loop_settle(service->loop); /* what the threads have left for health, fleet and the feed */
    journal_feed_free(atomic_load(&service->journal_feed));
    notify_free(service->notify);
    pipeline_free(service->pipeline);
    router_free(service->router);
    rates_free(service->rates);
    fleet_free(service->fleet);
    health_free(service->health);
    instance_close(&service->instance);
    loop_free(service->loop);
    access_free(service->access);
    free(service->console);
}

enum err service_run(struct control_options *options, struct spawner *spawner)
{
    struct service service = {.options = options, .spawner = spawner, .listener = LISTENER_NONE};
    enum err err;

    outbound_global_init(); /* before any thread */
    err = start(&service);
    if (err == OK) {
        watch(&service);
        loop_run(service.loop);
        unwatch(&service);
        err = service.ended_by;
    }
    stop(&service);
    return err;
}
