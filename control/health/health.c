/*
 * The loop's side of health: takes the engine's news and hands each part to whom it concerns. The
 * engine never waits for the loop; what it posts is bounded by what the loop has given it (reports,
 * written) and by time.
 */
#include "control/health/health.h"

#include <stdatomic.h>

#include "shared/loop.h"
#include "shared/mem.h"

#include "control/api/router.h"
#include "control/api/server.h"
#include "control/health/engine.h"
#include "control/health/health_routes.h"
#include "control/health/maintenance_routes.h"
#include "control/health/news.h"
#include "control/health/preview_routes.h"
#include "control/health/read_model.h"
#include "control/health/read_routes.h"
#include "control/health/retention.h"
#include "control/health/status_publisher.h"

/* News may still be on their way when health is freed: the mailbox outlives it. */
struct mailbox {
    atomic_int references;
    struct health *health; /* NULL once it is freed; the loop's */
    struct loop *loop;
};

struct parcel {
    struct mailbox *mailbox;
    struct news *news;
};

struct health {
    struct health_config config;
    struct mailbox *mailbox;
    struct engine *engine;
    struct retention *retention;
    struct read_model *model;
    struct status_publisher *publisher; /* NULL: nothing is published */
    struct live *live;
    struct health_fleet fleet;
};

/* Reports ------------------------------------------------------------------------------------- */

struct health_report *health_report_new(void)
{
    return NEW(struct health_report);
}

void health_report_free(struct health_report *report)
{
    if (!report)
        return;
    buf_clear(&report->frame);
    free(report->retries);
    free(report);
}

bool health_ingest(struct health *health, struct health_report *report)
{
    char reason[1];

    return engine_is_ready(health->engine, reason, sizeof reason) &&
           engine_push_report(health->engine, report);
}

/* News ---------------------------------------------------------------------------------------- */

static void mailbox_release(struct mailbox *mailbox)
{
    if (atomic_fetch_sub(&mailbox->references, 1) == 1)
        free(mailbox);
}

static void hand_out(struct health *health, struct news *news)
{
    read_model_apply(health->model, news);
    for (size_t i = 0; i < news->plan.len; i++)
        health->fleet.plan(health->fleet.context, &news->plan.items[i].entry);
    if (news->loaded)
        health->fleet.loaded(health->fleet.context);
    for (size_t i = 0; i < news->reports.len; i++) {
        struct health_report *report = news->reports.items[i];

        report->done(report->context, report);
    }
    for (size_t i = 0; i < news->written.len; i++)
        server_release_reply(news->written.items[i]);
}

static void open_parcel(void *argument)
{
    struct parcel *parcel = argument;
    struct news *news = parcel->news;

    if (parcel->mailbox->health) {
        hand_out(parcel->mailbox->health, news);
    } else {
        for (size_t i = 0; i < news->reports.len; i++)
            health_report_free(news->reports.items[i]);
        for (size_t i = 0; i < news->written.len; i++)
            server_release_reply(news->written.items[i]);
    }
    news_free(news);
    mailbox_release(parcel->mailbox);
    free(parcel);
}

/* On the engine's thread. */
static void post_news(void *context, struct news *news)
{
    struct mailbox *mailbox = context;
    struct parcel *parcel = NEW(struct parcel);

    atomic_fetch_add(&mailbox->references, 1);
    *parcel = (struct parcel){mailbox, news};
    loop_post(mailbox->loop, open_parcel, parcel);
}

/* Life ---------------------------------------------------------------------------------------- */

enum err health_new(const struct health_config *config, struct health **ret_health)
{
    AUTO(health_free) struct health *health = NEW(struct health);

    health->config = *config;
    health->mailbox = NEW(struct mailbox);
    *health->mailbox = (struct mailbox){1, health, config->loop};
    health->model = read_model_new();
    health->engine = engine_new(&(struct engine_config){
        .database_url = config->database_url,
        .post = post_news,
        .context = health->mailbox,
        .on_events = config->on_events,
        .on_events_context = config->on_events_context,
        .on_deposed = config->on_deposed,
        .on_deposed_context = config->on_deposed_context,
    });
    health->retention = retention_new(config->database_url);
    if (config->redis_url)
        TRY(status_publisher_new(
            &(struct status_publisher_options){
                .loop = config->loop,
                .redis_url = config->redis_url,
                .redis_user = config->redis_user,
                .redis_password = config->redis_password,
                .source = read_model_status_source(health->model),
            },
            &health->publisher));
    read_model_tell(health->model, NULL, health->publisher);
    *ret_health = TAKE(health);
    return OK;
}

enum err health_start(struct health *health, const struct health_fleet *fleet)
{
    health->fleet = *fleet;
    TRY(engine_start(health->engine));
    return retention_start(health->retention);
}

void health_set_live(struct health *health, struct live *live)
{
    health->live = live;
    read_model_tell(health->model, live, health->publisher);
}

void health_stop(struct health *health)
{
    engine_stop(health->engine);
    retention_stop(health->retention);
}

void health_free(struct health *health)
{
    if (!health)
        return;
    engine_free(health->engine);
    retention_free(health->retention);
    status_publisher_free(health->publisher);
    read_model_free(health->model);
    health->mailbox->health = NULL;
    mailbox_release(health->mailbox);
    free(health);
}

/* What the server asks for -------------------------------------------------------------------- */

void health_add_routes(struct health *health, struct router *router)
{
    router_add_schemas(router, health_schemas);
    router_add(router, health_read_routes, health ? health->model : NULL);
    router_add(router, health_routes, health);
    router_add(router, maintenance_routes, health);
    router_add_rules(router, "maintenance_window_new", &maintenance_window_rules);
    router_add(router, preview_routes, NULL);
}

struct live_source health_live_source(struct health *health)
{
    return read_model_live_source(health->model);
}

bool health_may_see(struct health *health, const struct principal *principal, const struct uuid *id)
{
    struct live_source source = read_model_live_source(health->model);

    return source.may_follow(source.context, principal, &(struct room){ROOM_ENTITY, *id});
}

bool health_is_ready(void *context, char *reason, size_t reason_bytes)
{
    struct health *health = context;

    return engine_is_ready(health->engine, reason, reason_bytes);
}

bool health_after_write(void *context, struct written *written)
{
    struct health *health = context;
    char reason[1];

    return engine_is_ready(health->engine, reason, sizeof reason) &&
           engine_push_written(health->engine, written);
}
