/*
 * Order of starting: DIR and root given up; embedded PostgreSQL and Redis; schema; loop with the reads' pipeline. Each
 * part may rely on those before it. Stopping goes the other way round.
 */
#include "control/service.h"

#include <signal.h>

#include "shared/log.h"
#include "shared/loop.h"
#include "shared/spawner.h"

#include "control/data_dir.h"
#include "control/instance.h"
#include "control/store/pipeline.h"

struct service {
    const struct control_options *options;
    struct spawner *spawner;
    struct loop *loop;
    struct instance instance;
    struct pipeline *pipeline;
    enum err ended_by;
    ev_io spawner_watch;
    ev_signal terminate;
    ev_signal interrupt;
};

static void on_stop_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
    struct service *service = ev_userdata(ev);

    (void)events;
    log_info("service.stopping", "signal=%d", watcher->signum);
    loop_stop(service->loop);
}

/* Without the spawner the embedded servers are gone, and nothing can start them again: only a new start helps. */
static void on_spawner(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct service *service = container_of(watcher, struct service, spawner_watch);

    (void)events;
    service->ended_by = spawner_on_readable(service->spawner);
    if (service->ended_by == OK)
        return;
    log_error("service.spawner_lost", "detail=\"%s\"", failure_last()->detail);
    ev_io_stop(ev, watcher);
    loop_stop(service->loop);
}

static void watch(struct service *service)
{
    struct ev_loop *ev = loop_ev(service->loop);

    ev_set_userdata(ev, service);
    ev_signal_init(&service->terminate, on_stop_signal, SIGTERM);
    ev_signal_init(&service->interrupt, on_stop_signal, SIGINT);
    ev_signal_start(ev, &service->terminate);
    ev_signal_start(ev, &service->interrupt);
    ev_io_init(&service->spawner_watch, on_spawner, spawner_fd(service->spawner), EV_READ);
    ev_io_start(ev, &service->spawner_watch);
}

static void unwatch(struct service *service)
{
    struct ev_loop *ev = loop_ev(service->loop);

    ev_signal_stop(ev, &service->terminate);
    ev_signal_stop(ev, &service->interrupt);
    ev_io_stop(ev, &service->spawner_watch);
}

static enum err start(struct service *service)
{
    service->loop = loop_new();
    TRY(instance_open(service->options, service->spawner, INSTANCE_SERVE, service->loop,
                      &service->instance));
    TRY(instance_migrate(&service->instance));
    service->pipeline = pipeline_new(
        service->loop, &(struct pipeline_options){.url = service->instance.database_url});
    watch(service);
    log_info("service.ready", "data=%s", data_dir_path(service->instance.dir));
    return OK;
}

static void stop(struct service *service)
{
    unwatch(service);
    pipeline_free(service->pipeline);
    instance_close(&service->instance);
    loop_free(service->loop);
}

enum err service_run(const struct control_options *options, struct spawner *spawner)
{
    struct service service = {.options = options, .spawner = spawner};
    enum err err = start(&service);

    if (err == OK) {
        loop_run(service.loop);
        err = service.ended_by;
    }
    stop(&service);
    return err;
}
