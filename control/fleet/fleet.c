/*
 * The bus on the loop. A frame with results goes to the engine and is answered when they are
 * stored; a question without results is answered at once. Each answer carries what the prober has
 * to know: commands, then changes of the plan.
 */
#include "control/fleet/fleet.h"

#include <stdio.h>
#include <string.h>

#include "shared/bus.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/metrics.h"

#include "control/fleet/fleet_private.h"
#include "control/fleet/heartbeats.h"

#define FRAMES_PER_TURN 64
#define BUSY_MS         200
#define WARN_EVERY_US   (60LL * 1000000)

static struct metric frames_bad =
    METRIC_COUNTER("em_bus_frames_bad_total", "Frames on the bus that could not be understood");
static struct metric frames_repeated =
    METRIC_COUNTER("em_bus_frames_repeated_total", "Frames that were sent again while under way");
static struct metric frames_busy =
    METRIC_COUNTER("em_bus_frames_busy_total", "Frames refused because the engine was not ready");
static struct metric reports =
    METRIC_COUNTER("em_bus_reports_total", "Frames of probers, with or without results");
static struct metric report_time =
    METRIC_DURATION("em_bus_report_seconds", "From a report to its acknowledgement");
static struct metric probers_live = METRIC_GAUGE("em_fleet_probers", "Probers heard of lately");
static struct metric plan_checks = METRIC_GAUGE("em_fleet_checks", "Checks in the plan");

/* Probers ------------------------------------------------------------------------------------- */

static struct prober *find_prober(struct fleet *fleet, const struct uuid *id)
{
    struct prober *prober;

    HASH_FIND(hh, fleet->probers, id->bytes, sizeof id->bytes, prober);
    return prober;
}

/* Nobody waits for it any more. */
static void ticket_void(struct ticket *ticket)
{
    list_remove(&ticket->link);
    ticket->prober = NULL;
}

static void prober_free(struct fleet *fleet, struct prober *prober)
{
    HASH_DEL(fleet->probers, prober);
    LIST_FOREACH_SAFE (link, &prober->under_way)
        ticket_void(container_of(link, struct ticket, link));
    for (size_t i = 0; i < prober->commands.len; i++)
        free(prober->commands.items[i].document);
    vec_clear(&prober->commands);
    free(prober);
}

bool prober_is_live(const struct prober *prober)
{
    return clock_monotonic_us() - prober->seen_us < PROBER_LIVE_US;
}

/* Makes room by forgetting one that has been silent for long; NULL when all are there. */
static struct prober *add_prober(struct fleet *fleet, const struct uuid *id)
{
    struct prober *prober;
    struct prober *next;

    if (HASH_COUNT(fleet->probers) >= PROBERS_MAX) {
        HASH_ITER (hh, fleet->probers, prober, next) {
            if (!prober_is_live(prober) && list_is_empty(&prober->under_way))
                prober_free(fleet, prober);
        }
    }
    if (HASH_COUNT(fleet->probers) >= PROBERS_MAX)
        return NULL;

    prober = NEW(struct prober);
    prober->id = *id;
    list_init(&prober->under_way);
    HASH_ADD(hh, fleet->probers, id.bytes, sizeof prober->id.bytes, prober);
    return prober;
}

/* Two processes may go by one id, when somebody copied a folder: both are heard, and it is said. */
static void warn_of_twin(struct prober *prober, const char *id)
{
    if (prober->seen_us - prober->warned_us < WARN_EVERY_US)
        return;
    prober->warned_us = prober->seen_us;
    log_warning("fleet.prober_twice", "prober=%s", id);
}

static void see_prober(struct prober *prober, const struct frame_report *header)
{
    char text[UUID_TEXT_BYTES];

    prober->seen_us = clock_monotonic_us();
    if (prober->boot_id == header->boot_id)
        return;
    uuid_format(&prober->id, text);
    if (prober->last_boot_id == header->boot_id)
        warn_of_twin(prober, text);
    else
        log_info("fleet.prober_started", "prober=%s", text);
    prober->last_boot_id = prober->boot_id;
    prober->boot_id = header->boot_id;
}

/* Answering ----------------------------------------------------------------------------------- */

/* Commands that fit leave with this reply; the others wait for the next. */
static void add_commands(struct fleet *fleet, struct prober *prober, struct frame_reply *reply)
{
    size_t sent = 0;

    while (sent < prober->commands.len) {
        struct command *command = &prober->commands.items[sent];
        struct frame_item item = {
            .type = command->type,
            .check_id = command->check_id,
            .token = command->token,
            .document = str_of(command->document),
        };

        if (!frame_reply_add_item(&fleet->reply, reply, &item))
            break;
        free(command->document);
        sent++;
    }
    prober->commands.len -= sent;
    if (prober->commands.len > 0)
        memmove(prober->commands.items, prober->commands.items + sent,
                prober->commands.len * sizeof *prober->commands.items);
}

static void add_retries(struct fleet *fleet, const struct health_report *report,
                        struct frame_reply *reply)
{
    int64_t now_ms = clock_wall_ms();

    for (size_t i = 0; i < report->retry_count; i++) {
        const struct health_retry *retry = &report->retries[i];
        struct frame_item item = {
            .type = BUS_RUN_AT,
            .check_id = retry->check_id,
            .delay_ms = (uint32_t)MAX((int64_t)0, retry->at_ms - now_ms),
        };

        if (!frame_reply_add_item(&fleet->reply, reply, &item))
            return;
    }
}

/* Answers with what is new for the prober, whose plan_version is in `reply`; `report` (or NULL) has
 * been through the engine. */
static void answer(struct fleet *fleet, struct prober *prober, const struct bus_return *way_back,
                   struct frame_reply *reply, const struct health_report *report)
{
    uint64_t plan_version = reply->plan_version;

    frame_reply_begin(&fleet->reply, reply);
    reply->server_time_ms = clock_wall_ms();
    reply->credit = BUS_RESULTS_MAX;
    if (report)
        add_retries(fleet, report, reply);
    add_commands(fleet, prober, reply);
    if (fleet->planned)
        plan_fill(fleet->plan, plan_version, &fleet->reply, reply);
    frame_reply_end(&fleet->reply, reply);
    bus_reply(fleet->bus, way_back, buf_str(&fleet->reply));
}

static void answer_busy(struct fleet *fleet, const struct bus_return *way_back,
                        const struct frame_report *header)
{
    struct frame_reply reply = {
        .flags = BUS_REPLY_BUSY,
        .boot_id = header->boot_id,
        .plan_version = header->plan_version,
        .server_time_ms = clock_wall_ms(),
        .credit = BUSY_MS,
    };

    frame_reply_begin(&fleet->reply, &reply);
    frame_reply_end(&fleet->reply, &reply);
    bus_reply(fleet->bus, way_back, buf_str(&fleet->reply));
    metric_add(&frames_busy, 1);
}

/* Reports ------------------------------------------------------------------------------------- */

static void on_ingested(void *context, struct health_report *report)
{
    struct ticket *ticket = context;
    struct fleet *fleet = ticket->fleet;
    struct frame_reply reply = {
        .flags = report->rewind ? BUS_REPLY_REWIND : 0,
        .boot_id = report->header.boot_id,
        .acked_seq = report->acked_seq,
        .plan_version = report->header.plan_version,
    };
    struct frame_cursor cursor = report->cursor;
    struct result result;

    metric_observe_us(&report_time, clock_monotonic_us() - report->received_us);
    for (unsigned i = 0; i < report->header.count; i++) {
        frame_next_result(&cursor, &result, NULL);
        plan_has_result(fleet->plan, &result.check_id);
    }
    if (ticket->prober && !report->dropped)
        answer(fleet, ticket->prober, &ticket->way_back, &reply, report);
    list_remove(&ticket->link);
    free(ticket);
    health_report_free(report);
}

static void on_plan(void *context, const struct health_plan_entry *entry)
{
    struct fleet *fleet = context;

    if (heartbeats_plan(fleet->heartbeats, entry))
        return;
    plan_set(fleet->plan, entry);
    metric_set(&plan_checks, (int64_t)plan_count(fleet->plan));
}

static void on_loaded(void *context)
{
    struct fleet *fleet = context;

    fleet->planned = true;
    heartbeats_loaded(fleet->heartbeats);
}

/* What that process has under way; NULL when there is nothing. */
static struct ticket *find_ticket(const struct prober *prober, uint64_t boot_id)
{
    LIST_FOREACH (link, &prober->under_way) {
        struct ticket *ticket = container_of(link, struct ticket, link);

        if (ticket->boot_id == boot_id)
            return ticket;
    }
    return NULL;
}

/* nanomsg repeats what is not answered soon: then only the way back is new. */
static bool is_repeated(const struct ticket *ticket, const struct frame_report *header)
{
    return ticket->first_seq == header->first_seq && ticket->count == header->count;
}

static void ingest(struct fleet *fleet, struct prober *prober, const struct bus_return *way_back,
                   struct health_report *report)
{
    const struct frame_report *header = &report->header;
    struct ticket *older = find_ticket(prober, header->boot_id);
    struct ticket *ticket = NEW(struct ticket);

    *ticket = (struct ticket){
        .fleet = fleet,
        .prober = prober,
        .boot_id = header->boot_id,
        .first_seq = header->first_seq,
        .count = header->count,
        .way_back = *way_back,
    };
    list_init(&ticket->link);
    report->done = on_ingested;
    report->context = ticket;
    report->received_us = clock_monotonic_us();
    if (!health_ingest(fleet->config.health, report)) {
        answer_busy(fleet, way_back, header);
        free(ticket);
        health_report_free(report);
        return;
    }
    if (older)
        ticket_void(older);
    list_append(&prober->under_way, &ticket->link);
}

static void take_previews(struct fleet *fleet, const struct frame_report *header,
                          struct frame_cursor cursor)
{
    struct frame_preview preview;
    struct result result;

    for (unsigned i = 0; i < header->count; i++)
        frame_next_result(&cursor, &result, NULL);
    for (unsigned i = 0; i < header->previews; i++) {
        frame_next_preview(&cursor, &preview);
        preview_answered(fleet, preview.token, preview.document);
    }
}

/* Takes the frame out of fleet->frame. */
static void take_report(struct fleet *fleet, const struct frame_report *header,
                        struct frame_cursor cursor, const struct bus_return *way_back)
{
    struct prober *prober = find_prober(fleet, &header->prober_id);
    struct health_report *report;
    struct ticket *ticket;

    if (!prober)
        prober = add_prober(fleet, &header->prober_id);
    if (!prober) {
        answer_busy(fleet, way_back, header);
        return;
    }
    see_prober(prober, header);
    take_previews(fleet, header, cursor);
    if (header->count == 0) {
        struct frame_reply reply = {
            .boot_id = header->boot_id,
            .acked_seq = header->first_seq - 1,
            .plan_version = header->plan_version,
        };

        answer(fleet, prober, way_back, &reply, NULL);
        return;
    }
    ticket = find_ticket(prober, header->boot_id);
    if (ticket && is_repeated(ticket, header)) {
        ticket->way_back = *way_back;
        metric_add(&frames_repeated, 1);
        return;
    }

    report = health_report_new();
    report->header = *header;
    report->cursor = cursor;
    report->frame = fleet->frame;
    fleet->frame = (struct buf){0};
    ingest(fleet, prober, way_back, report);
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct fleet *fleet = container_of(watcher, struct fleet, readable);
    struct bus_return way_back;

    (void)ev;
    (void)events;
    for (int i = 0; i < FRAMES_PER_TURN; i++) {
        struct frame_report header;
        struct frame_cursor cursor;

        if (!bus_take_request(fleet->bus, &fleet->frame, &way_back))
            return;
        if (frame_report_open(buf_str(&fleet->frame), &header, &cursor) != OK) {
            metric_add(&frames_bad, 1);
            log_warning("bus.frame_malformed", "error=\"%s\"", failure_last()->detail);
            continue;
        }
        metric_add(&reports, 1);
        take_report(fleet, &header, cursor, &way_back);
    }
}

/* Commands ------------------------------------------------------------------------------------ */

bool fleet_command(struct fleet *fleet, const struct command *command, bool all)
{
    struct prober *prober;
    struct prober *next;
    bool given = false;

    HASH_ITER (hh, fleet->probers, prober, next) {
        struct command copy = *command;

        if (!prober_is_live(prober) || prober->commands.len >= COMMANDS_MAX)
            continue;
        copy.document = command->document ? xstrdup(command->document) : NULL;
        vec_push(&prober->commands, copy);
        given = true;
        if (!all)
            break;
    }
    return given;
}

static void refresh_metrics(void *context)
{
    struct fleet *fleet = context;
    struct prober *prober;
    struct prober *next;
    int64_t live = 0;

    HASH_ITER (hh, fleet->probers, prober, next) {
        live += prober_is_live(prober);
    }
    metric_set(&probers_live, live);
}

/* Life ---------------------------------------------------------------------------------------- */

enum err fleet_new(const struct fleet_config *config, struct fleet **ret_fleet)
{
    AUTO(fleet_free) struct fleet *fleet = NEW(struct fleet);

    fleet->config = *config;
    fleet->plan = plan_new((uint64_t)clock_wall_ms() * 1000);
    fleet->heartbeats = heartbeats_new(config->loop, config->health);
    previews_init(fleet);
    TRY(bus_replier_new(config->bus_url, &fleet->bus));
    ev_io_init(&fleet->readable, on_readable, bus_replier_fd(fleet->bus), EV_READ);
    ev_io_start(loop_ev(config->loop), &fleet->readable);
    metric_register(&frames_bad);
    metric_register(&frames_repeated);
    metric_register(&frames_busy);
    metric_register(&reports);
    metric_register(&report_time);
    metric_register(&probers_live);
    metric_register(&plan_checks);
    metrics_on_write(refresh_metrics, fleet);
    *ret_fleet = TAKE(fleet);
    return OK;
}

struct health_fleet fleet_for_health(struct fleet *fleet)
{
    return (struct health_fleet){.context = fleet, .plan = on_plan, .loaded = on_loaded};
}

bool fleet_is_ready(void *context, char *reason, size_t reason_bytes)
{
    const struct fleet *fleet = context;

    if (bus_address_is_there(fleet->config.bus_url))
        return true;
    snprintf(reason, reason_bytes, "the socket of the bus is gone: only a new start makes it");
    return false;
}

void fleet_stop(struct fleet *fleet)
{
    previews_stop(fleet);
}

void fleet_free(struct fleet *fleet)
{
    struct prober *prober;
    struct prober *next;

    if (!fleet)
        return;
    if (fleet->bus)
        ev_io_stop(loop_ev(fleet->config.loop), &fleet->readable);
    HASH_ITER (hh, fleet->probers, prober, next) {
        prober_free(fleet, prober);
    }
    previews_clear(fleet);
    bus_replier_free(fleet->bus);
    plan_free(fleet->plan);
    heartbeats_free(fleet->heartbeats);
    buf_clear(&fleet->frame);
    buf_clear(&fleet->reply);
    free(fleet);
}
