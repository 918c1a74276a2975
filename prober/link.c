/*
 * The link's loop has three events: a reply, a timer, and "there are results". It is either waiting
 * for a reply or not (`asking`); nanomsg repeats a request that gets no answer, so there is nothing
 * to time out here but the log line that says control is away.
 */
#include "prober/link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "shared/bus.h"
#include "shared/clock.h"
#include "shared/frame.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/vec.h"

#include "prober/backlog.h"
#include "prober/engine.h"
#include "prober/plan.h"

#define BACKLOG_RESULTS 50000
#define BACKLOG_BYTES   (24 * 1024 * 1024)
#define PREVIEWS_MAX    16 /* under way or waiting to be sent */
#define SILENCE_US      (10LL * 1000000)
#define FLUSH_STEP_US   10000
#define BUSY_MS_MOST    10000

struct answered_preview {
    uint64_t token;
    char *document;
};

struct link {
    struct uuid prober_id;
    struct bus_requester *bus;
    struct backlog *backlog;
    struct engine *engine;
    struct plan *plan;
    struct loop *loop;
    pthread_t thread;
    bool running;
    ev_io readable;
    ev_timer timer; /* the next question, when none is under way */
    bool asking;
    int64_t asked_at_us;
    bool silence_logged;
    struct buf frame; /* the request under way: nanomsg has its own copy */
    struct buf reply;
    VEC(struct answered_preview) previews; /* waiting to be sent */
    size_t previews_sent;                  /* of these, in the request under way */
    size_t previews_running;
    atomic_bool wake_posted;
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t replies_bad;
    _Atomic uint64_t checks;
};

/* A preview on its way through the engine. */
struct preview {
    struct link *link;
    uint64_t token;
    char *document;
};

static void set_timer(struct link *link, int64_t delay_ms)
{
    ev_timer_stop(loop_ev(link->loop), &link->timer);
    ev_timer_set(&link->timer, (double)delay_ms / 1000.0, 0.);
    ev_timer_start(loop_ev(link->loop), &link->timer);
}

/* Asking -------------------------------------------------------------------------------------- */

static void add_previews(struct link *link, struct frame_report *report)
{
    link->previews_sent = 0;
    while (link->previews_sent < link->previews.len) {
        const struct answered_preview *answer = &link->previews.items[link->previews_sent];
        struct frame_preview preview = {answer->token, str_of(answer->document)};

        if (!frame_report_add_preview(&link->frame, report, &preview))
            break;
        link->previews_sent++;
    }
}

static void ask(struct link *link)
{
    struct frame_report report = {
        .prober_id = link->prober_id,
        .plan_version = plan_version(link->plan),
        .sent_at_ms = clock_wall_ms(),
    };

    frame_report_begin(&link->frame, &report);
    backlog_fill(link->backlog, &link->frame, &report);
    add_previews(link, &report);
    frame_report_end(&link->frame, &report);
    if (bus_request(link->bus, buf_str(&link->frame)) != OK) {
        log_warning("link.request_failed", "error=\"%s\"", failure_last()->detail);
        set_timer(link, BUS_ASK_INTERVAL_MS);
        return;
    }
    link->asking = true;
    link->asked_at_us = clock_monotonic_us();
    set_timer(link, SILENCE_US / 1000);
}

static void ask_if_idle(struct link *link)
{
    if (!link->asking)
        ask(link);
}

/* Previews ------------------------------------------------------------------------------------ */

/* Takes the answer's document. */
static void queue_preview(struct link *link, struct answered_preview answer)
{
    vec_push(&link->previews, answer);
    ask_if_idle(link);
}

static void take_preview(void *argument)
{
    struct preview *preview = argument;

    preview->link->previews_running--;
    queue_preview(preview->link, (struct answered_preview){preview->token, preview->document});
    free(preview);
}

/* On a loop of the engine. */
static void on_preview(void *context, struct str answer)
{
    struct preview *preview = context;
    bool fits = answer.len <= FRAME_DOCUMENT_BYTES_MAX;

    preview->document = fits ? str_dup(answer) : xstrdup("{\"errors\":[]}");
    loop_post(preview->link->loop, take_preview, preview);
}

static void start_preview(struct link *link, const struct frame_item *item)
{
    struct preview *preview;

    if (link->previews_running + link->previews.len >= PREVIEWS_MAX)
        return; /* who asked has a deadline of its own */
    preview = NEW(struct preview);
    preview->link = link;
    preview->token = item->token;
    link->previews_running++;
    engine_preview(link->engine, item->document, on_preview, preview);
}

static void forget_previews(struct link *link, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(link->previews.items[i].document);
    link->previews.len -= count;
    if (link->previews.len > 0)
        memmove(link->previews.items, link->previews.items + count,
                link->previews.len * sizeof *link->previews.items);
}

/* Replies ------------------------------------------------------------------------------------- */

static void apply_items(struct link *link, const struct frame_reply *reply,
                        struct frame_cursor *cursor)
{
    for (unsigned i = 0; i < reply->items; i++) {
        struct frame_item item;

        frame_next_item(cursor, &item);
        if (item.type == BUS_PREVIEW)
            start_preview(link, &item);
        else
            plan_apply(link->plan, &item);
    }
    plan_applied(link->plan, reply->plan_version, reply->flags & BUS_REPLY_MORE);
    atomic_store(&link->checks, plan_checks(link->plan));
}

static void acknowledge(struct link *link, const struct frame_reply *reply)
{
    if (reply->flags & BUS_REPLY_REWIND)
        backlog_rewind(link->backlog, reply->acked_seq);
    else
        atomic_fetch_add(&link->acknowledged, backlog_acknowledge(link->backlog, reply->acked_seq));
}

/* @return the delay until the next question. */
static int64_t take_reply(struct link *link)
{
    struct frame_reply reply;
    struct frame_cursor cursor;

    if (frame_reply_open(buf_str(&link->reply), &reply, &cursor) != OK) {
        atomic_fetch_add(&link->replies_bad, 1);
        log_warning("link.reply_malformed", "error=\"%s\"", failure_last()->detail);
        return BUS_ASK_INTERVAL_MS;
    }
    if (reply.flags & BUS_REPLY_BUSY)
        return MIN((int64_t)reply.credit, (int64_t)BUSY_MS_MOST);

    acknowledge(link, &reply);
    forget_previews(link, link->previews_sent);
    apply_items(link, &reply, &cursor);
    if ((reply.flags & BUS_REPLY_MORE) || link->previews.len > 0 || backlog_len(link->backlog) > 0)
        return 0;
    return BUS_ASK_INTERVAL_MS;
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct link *link = container_of(watcher, struct link, readable);

    (void)ev;
    (void)events;
    while (bus_take_reply(link->bus, &link->reply)) {
        int64_t delay_ms;

        if (link->silence_logged)
            log_info("link.control_is_back", "backlog=%zu", backlog_len(link->backlog));
        link->silence_logged = false;
        delay_ms = take_reply(link);
        link->asking = false;
        link->previews_sent = 0;
        if (delay_ms == 0)
            ask(link);
        else
            set_timer(link, delay_ms);
    }
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct link *link = container_of(timer, struct link, timer);

    (void)ev;
    (void)events;
    if (!link->asking) {
        ask(link);
        return;
    }
    if (!link->silence_logged)
        log_warning("link.control_is_silent", "for_s=%lld backlog=%zu",
                    (long long)(clock_monotonic_us() - link->asked_at_us) / 1000000,
                    backlog_len(link->backlog));
    link->silence_logged = true;
    set_timer(link, SILENCE_US / 1000);
}

/* Results ------------------------------------------------------------------------------------- */

static void on_results(void *argument)
{
    struct link *link = argument;

    atomic_store(&link->wake_posted, false);
    ask_if_idle(link);
}

static void add_result(void *context, const struct result *result)
{
    struct link *link = context;

    backlog_put(link->backlog, result);
    if (!atomic_exchange(&link->wake_posted, true))
        loop_post(link->loop, on_results, link);
}

void link_take_result(void *context, const char *label, const struct result *result)
{
    (void)label;
    add_result(context, result);
}

/* Life ---------------------------------------------------------------------------------------- */

enum err link_new(const struct link_options *options, struct link **ret_link)
{
    AUTO(link_free) struct link *link = NEW(struct link);

    link->prober_id = options->prober_id;
    link->backlog = backlog_new(BACKLOG_RESULTS, BACKLOG_BYTES);
    link->loop = loop_new();
    TRY(bus_requester_new(options->bus_url, &link->bus));
    ev_io_init(&link->readable, on_readable, bus_requester_fd(link->bus), EV_READ);
    ev_timer_init(&link->timer, on_timer, 0., 0.);
    *ret_link = TAKE(link);
    return OK;
}

static void *run(void *argument)
{
    struct link *link = argument;

    loop_run(link->loop);
    failure_clear();
    return NULL;
}

enum err link_start(struct link *link, struct engine *engine)
{
    link->engine = engine;
    link->plan = plan_new(engine, add_result, link);
    ev_io_start(loop_ev(link->loop), &link->readable);
    ask(link);
    if (pthread_create(&link->thread, NULL, run, link) != 0)
        return fail(ERR_UNAVAILABLE, "thread_failed", "The link's thread cannot be started.");
    link->running = true;
    return OK;
}

void link_stop(struct link *link, int64_t flush_ms)
{
    int64_t until_us = clock_monotonic_us() + flush_ms * 1000;

    if (!link->running)
        return;
    while (backlog_len(link->backlog) > 0 && clock_monotonic_us() < until_us)
        usleep(FLUSH_STEP_US);
    loop_stop(link->loop);
    pthread_join(link->thread, NULL);
    link->running = false;
    if (backlog_len(link->backlog) > 0)
        log_warning("link.results_lost", "count=%zu", backlog_len(link->backlog));
}

void link_free(struct link *link)
{
    if (!link)
        return;
    link_stop(link, 0);
    ev_io_stop(loop_ev(link->loop), &link->readable);
    ev_timer_stop(loop_ev(link->loop), &link->timer);
    loop_free(link->loop);
    forget_previews(link, link->previews.len);
    vec_clear(&link->previews);
    plan_free(link->plan);
    backlog_free(link->backlog);
    bus_requester_free(link->bus);
    buf_clear(&link->frame);
    buf_clear(&link->reply);
    free(link);
}

void link_read_metrics(struct link *link, struct link_metrics *ret_metrics)
{
    *ret_metrics = (struct link_metrics){
        .acknowledged = atomic_load(&link->acknowledged),
        .dropped = backlog_dropped(link->backlog),
        .backlog = backlog_len(link->backlog),
        .replies_bad = atomic_load(&link->replies_bad),
        .checks = atomic_load(&link->checks),
    };
}
