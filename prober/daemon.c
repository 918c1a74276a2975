/* Wires engine and link, writes a line of figures each minute, and ends both. */
#include "prober/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"

#include "prober/engine.h"
#include "prober/link.h"
#include "prober/options.h"

#define LOCATION  "default"
#define METRICS_S 60
#define FLUSH_MS  2000 /* at the end, for results that are not acknowledged yet */

/* Written beside and then moved, so that a prober that dies meanwhile leaves no half of an id. */
static enum err write_prober_id(const char *path, const struct uuid *id)
{
    AUTO(xfree) char *beside = xasprintf("%s.new", path);
    FILE *file = fopen(beside, "we");
    char text[UUID_TEXT_BYTES];
    bool is_written;

    if (file) {
        is_written = fprintf(file, "%s\n", uuid_format(id, text)) > 0;
        is_written = fclose(file) == 0 && is_written;
        if (is_written && rename(beside, path) == 0)
            return OK;
    }
    return fail(ERR_UNAVAILABLE, "prober_id", "%s cannot be written: %s.", path,
                strerrordesc_np(errno));
}

/* The id in DIR/prober.id; a new one is written there. Without DIR it is new each time. */
static enum err read_prober_id(const char *data, struct uuid *ret_id)
{
    AUTO(xfree) char *path = data ? xasprintf("%s/prober.id", data) : NULL;
    char text[UUID_TEXT_BYTES] = "";
    bool is_read;
    FILE *file;

    *ret_id = uuid_new();
    if (!path)
        return OK;
    file = fopen(path, "re");
    if (!file)
        return write_prober_id(path, ret_id);
    is_read = fgets(text, sizeof text, file) && uuid_parse(str_of(text), ret_id);
    fclose(file);
    return is_read
               ? OK
               : fail(ERR_INVALID, "prober_id", "%s holds no id; remove it for a new one.", path);
}

static void log_metrics(struct engine *engine, struct link *link)
{
    struct engine_metrics probes;
    struct link_metrics results;
    struct engine_lag lag;

    engine_read_metrics(engine, &probes);
    engine_read_lag(engine, &lag);
    link_read_metrics(link, &results);
    log_info("prober.metrics",
             "checks=%llu started=%llu ended=%llu in_flight=%llu waiting=%llu skipped=%llu "
             "perfdata_dropped=%llu "
             "lag_p99_us=%llu "
             "acknowledged=%llu backlog=%llu dropped=%llu",
             (unsigned long long)probes.checks, (unsigned long long)probes.probes_started,
             (unsigned long long)probes.probes_ended, (unsigned long long)probes.in_flight,
             (unsigned long long)probes.waiting, (unsigned long long)probes.slots_skipped,
             (unsigned long long)probes.perfdata_dropped, (unsigned long long)lag.p99_us,
             (unsigned long long)results.acknowledged, (unsigned long long)results.backlog,
             (unsigned long long)results.dropped);
}

static void work(struct engine *engine, struct link *link)
{
    sigset_t signals;
    struct timespec limit = {.tv_sec = METRICS_S};

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    while (sigtimedwait(&signals, NULL, &limit) < 0) {
        if (errno == EAGAIN)
            log_metrics(engine, link);
    }
}

enum err daemon_run(const struct prober_options *options,
                    const struct engine_options *engine_options)
{
    AUTO(link_free) struct link *link = NULL;
    AUTO(engine_free) struct engine *engine = NULL;
    AUTO(xfree) char *bus_url = NULL;
    struct engine_options own = *engine_options;
    struct link_options link_options;
    char text[UUID_TEXT_BYTES];

    if (!options->data && !options->bus)
        return fail(ERR_INVALID, "no_bus",
                    "Say where control is: --data DIR on its machine, or --bus URL.");
    TRY(read_prober_id(options->data, &link_options.prober_id));
    bus_url = options->bus ? xstrdup(options->bus) : xasprintf("ipc://%s/bus.sock", options->data);
    link_options.bus_url = bus_url;

    TRY(link_new(&link_options, &link));
    own.location = LOCATION;
    own.prober = uuid_format(&link_options.prober_id, text);
    own.on_result = link_take_result;
    own.context = link;
    TRY(engine_new(&own, &engine));
    TRY(link_start(link, engine));
    log_info("prober.started", "id=%s bus=%s version=%s", text, bus_url, EM_VERSION);

    work(engine, link);
    log_info("prober.stopping", "id=%s", text);
    link_stop(link, FLUSH_MS);
    engine_stop(engine);
    log_metrics(engine, link);
    return OK;
}
