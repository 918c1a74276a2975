/* A server without routes, database and guard. */
#include "control/socketio_echo.h"

#include <signal.h>
#include <stdio.h>

#include "shared/addr.h"
#include "shared/loop.h"
#include "shared/mem.h"

#include "control/api/live_echo.h"
#include "control/api/router.h"
#include "control/api/server.h"
#include "control/options.h"

static enum err check_loopback(const char *listen)
{
    struct addr address;

    if (addr_parse(str_of(listen), &address) && !addr_is_loopback(&address))
        return fail(ERR_INVALID, "listen_invalid",
                    "--test-socketio-echo is open to everybody who can connect, so --listen has to "
                    "be a loopback address such as 127.0.0.1:3000, not %s",
                    listen);
    return OK;
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
    (void)watcher;
    (void)events;
    ev_break(ev, EVBREAK_ALL);
}

static void run_until_signal(struct loop *loop)
{
    struct ev_loop *ev = loop_ev(loop);
    ev_signal terminate;
    ev_signal interrupt;

    ev_signal_init(&terminate, on_signal, SIGTERM);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_signal_start(ev, &terminate);
    ev_signal_start(ev, &interrupt);
    loop_run(loop);
    ev_signal_stop(ev, &terminate);
    ev_signal_stop(ev, &interrupt);
}

static enum err serve(const struct control_options *options, struct loop *loop,
                      struct router *router)
{
    const struct listener_options listener_options = control_listener_options(options);
    struct server_config config = {
        .loop = loop,
        .router = router,
        .workers = 1,
        .live_settings = live_echo_settings,
        .live_services = live_echo_services,
    };
    CLEANUP(xfree_p) char *url = NULL;
    struct server *server;

    TRY(router_prepare(router));
    TRY(listener_open(&listener_options, &config.listener));
    TRY(server_start(&config, &server));
    url = control_base_url(options, server_port(server));
    printf("%s\n", url);
    fflush(stdout);
    run_until_signal(loop);
    server_free(server);
    return OK;
}

enum err socketio_echo_run(const struct control_options *options)
{
    struct router *router;
    struct loop *loop;
    enum err err;

    TRY(check_loopback(options->listen));
    loop = loop_new();
    router = router_new();
    err = serve(options, loop, router);
    router_free(router);
    loop_free(loop);
    return err;
}
