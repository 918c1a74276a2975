/* Each statement deletes a bounded number of rows and is run again while it finds as many; an
 * hour's pause in between. */
#include "control/health/retention.h"

#include <pthread.h>
#include <stdatomic.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"
#include "shared/ring.h"

#include "control/health/retention.sql.h"
#include "control/store/db.h"
#include "control/store/query.h"

#define FIRST_PAUSE_US (10LL * 1000000)
#define PAUSE_US       (3600LL * 1000000)
#define RETRY_US       (60LL * 1000000)
#define ROWS_AT_ONCE   5000
#define ROUNDS_MOST    2000 /* of one statement in one run: ten million rows */

static struct metric dropped =
    METRIC_COUNTER("em_retention_rows_dropped_total", "Rows of the history that were too old");

struct retention {
    struct db *db;
    struct ring *wake; /* closed to end the thread */
    pthread_t thread;
    bool started;
};

static const struct statement *const steps[] = {
    &sql_retention_results,       &sql_retention_samples,   &sql_retention_events,
    &sql_retention_announcements, &sql_retention_positions, &sql_retention_check_states,
    &sql_retention_rings,         &sql_retention_statuses,  &sql_retention_answers,
    &sql_retention_item_history,
};

struct retention *retention_new(const char *database_url)
{
    struct retention *retention = NEW(struct retention);

    retention->db = db_new(&(struct db_options){
        .url = database_url,
        .name = "retention",
        .rows = ALL_ROWS,
        .statement_timeout_ms = 60000,
    });
    retention->wake = ring_new(1);
    metric_register(&dropped);
    return retention;
}

static enum err run_step(struct retention *retention, const struct statement *statement)
{
    uint64_t rows = ROWS_AT_ONCE;

    for (int round = 0; round < ROUNDS_MOST && rows >= ROWS_AT_ONCE; round++) {
        TRY(db_execute(retention->db, statement, PARAMS(p_int(ROWS_AT_ONCE)), &rows));
        metric_add(&dropped, (int64_t)rows);
    }
    return OK;
}

static enum err run_all(struct retention *retention)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        TRY(run_step(retention, steps[i]));
    return OK;
}

/* Waits; false when the thread is to end. A closed ring gives up at once. */
static bool pause_for(struct retention *retention, int64_t pause_us)
{
    int64_t until_us = clock_monotonic_us() + pause_us;

    ring_pop(retention->wake, pause_us);
    return clock_monotonic_us() >= until_us;
}

static void *run(void *argument)
{
    struct retention *retention = argument;
    int64_t pause_us = FIRST_PAUSE_US;

    while (pause_for(retention, pause_us)) {
        pause_us = PAUSE_US;
        if (run_all(retention) != OK) {
            log_warning("retention.failed", "error=\"%s\"", failure_last()->detail);
            pause_us = RETRY_US;
        }
    }
    failure_clear();
    return NULL;
}

enum err retention_start(struct retention *retention)
{
    if (pthread_create(&retention->thread, NULL, run, retention) != 0)
        return fail(ERR_UNAVAILABLE, "thread_failed", "The retention thread cannot be started.");
    retention->started = true;
    return OK;
}

void retention_stop(struct retention *retention)
{
    if (!retention->started)
        return;
    ring_close(retention->wake);
    pthread_join(retention->thread, NULL);
    retention->started = false;
}

void retention_free(struct retention *retention)
{
    if (!retention)
        return;
    retention_stop(retention);
    db_free(retention->db);
    ring_free(retention->wake);
    free(retention);
}
