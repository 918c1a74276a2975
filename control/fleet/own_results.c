/* A report is filled until it is sent, so what comes while one is under way leaves together. */
#include "control/fleet/own_results.h"

#include <assert.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/vec.h"

#include "control/health/health.h"

#define AGAIN_S     0.2 /* until the engine is asked again that could not take a report */
#define REPORTS_MAX (OWN_RESULTS_MAX / BUS_RESULTS_MAX)

struct own_results {
    struct loop *loop;
    struct health *health;
    uint64_t boot_id;
    uint64_t next_seq;
    VEC(struct health_report *) waiting; /* the oldest first; only the newest is filled */
    bool is_under_way;
    ev_timer again;
};

static void send_next(struct own_results *own);

static void on_again(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)events;
    send_next(container_of(watcher, struct own_results, again));
}

struct own_results *own_results_new(struct loop *loop, struct health *health)
{
    struct own_results *own = NEW(struct own_results);

    own->loop = loop;
    own->health = health;
    own->next_seq = 1;
    random_bytes(&own->boot_id, sizeof own->boot_id);
    ev_timer_init(&own->again, on_again, AGAIN_S, 0);
    return own;
}

void own_results_free(struct own_results *own)
{
    if (!own)
        return;
    ev_timer_stop(loop_ev(own->loop), &own->again);
    for (size_t i = 0; i < own->waiting.len; i++)
        health_report_free(own->waiting.items[i]);
    vec_clear(&own->waiting);
    free(own);
}

static void on_done(void *context, struct health_report *report)
{
    struct own_results *own = context;

    health_report_free(report);
    own->is_under_way = false;
    send_next(own);
}

/* The header may be written again, when more comes before the engine takes the report. */
static void finish(struct health_report *report)
{
    enum err err;

    report->header.sent_at_ms = clock_wall_ms();
    frame_report_end(&report->frame, &report->header);
    err = frame_report_open(buf_str(&report->frame), &report->header, &report->cursor);
    assert(err == OK);
    (void)err;
}

static void send_next(struct own_results *own)
{
    struct health_report *report;

    if (own->is_under_way || own->waiting.len == 0)
        return;
    report = own->waiting.items[0];
    finish(report);
    if (!health_ingest(own->health, report)) {
        if (!ev_is_active(&own->again)) {
            ev_timer_set(&own->again, AGAIN_S, 0);
            ev_timer_start(loop_ev(own->loop), &own->again);
        }
        return;
    }
    own->is_under_way = true;
    own->waiting.len--;
    memmove(own->waiting.items, own->waiting.items + 1,
            own->waiting.len * sizeof *own->waiting.items);
}

static struct health_report *begin(struct own_results *own)
{
    struct health_report *report = health_report_new();

    report->header.boot_id = own->boot_id;
    report->header.first_seq = own->next_seq;
    report->done = on_done;
    report->context = own;
    frame_report_begin(&report->frame, &report->header);
    vec_push(&own->waiting, report);
    return report;
}

static bool fill(struct own_results *own, const struct result *result)
{
    struct health_report *newest =
        own->waiting.len > 0 ? own->waiting.items[own->waiting.len - 1] : NULL;

    if (newest && frame_report_add_result(&newest->frame, &newest->header, result))
        return true;
    if (own->waiting.len == REPORTS_MAX)
        return false;
    newest = begin(own);
    return frame_report_add_result(&newest->frame, &newest->header, result);
}

bool own_results_add(struct own_results *own, const struct result *result)
{
    if (!fill(own, result))
        return false;
    own->next_seq++;
    send_next(own);
    return true;
}
