/* Finished exchanges go into a list of our own, so that one wake-up of the loop brings back as many
 * as there are. */
#include "control/api/workers.h"

#include <pthread.h>
#include <stdio.h>

#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/ring.h"
#include "shared/vec.h"

#include "control/api/exchange.h"
#include "control/store/db.h"

typedef VEC(struct exchange *) exchange_vec;

struct workers {
    struct ev_loop *ev;
    const char *database;
    struct ring *queue;
    ev_async finished;
    pthread_mutex_t mutex; /* guards done */
    exchange_vec done;
    exchange_vec taken; /* the loop's own; keeps its memory */
    unsigned taken_in;  /* exchanges that have not been given back; the loop's own */
    unsigned count;
    pthread_t threads[];
};

static void *work(void *argument)
{
    struct workers *workers = argument;
    AUTO(db_free) struct db *db = NULL;
    struct exchange *exchange;

    if (workers->database)
        db = db_new(&(struct db_options){.url = workers->database, .name = "worker"});
    while ((exchange = ring_pop(workers->queue, -1))) {
        exchange_work(exchange, db);
        pthread_mutex_lock(&workers->mutex);
        vec_push(&workers->done, exchange);
        pthread_mutex_unlock(&workers->mutex);
        ev_async_send(workers->ev, &workers->finished);
    }
    return NULL;
}

static void give_back(struct workers *workers)
{
    exchange_vec swapped;

    pthread_mutex_lock(&workers->mutex);
    swapped = workers->done;
    workers->done = workers->taken;
    pthread_mutex_unlock(&workers->mutex);
    workers->taken_in -= (unsigned)swapped.len;

    for (size_t i = 0; i < swapped.len; i++)
        exchange_worked(swapped.items[i]);
    swapped.len = 0;
    workers->taken = swapped;
}

static void on_finished(struct ev_loop *ev, ev_async *watcher, int events)
{
    (void)ev;
    (void)events;
    give_back(container_of(watcher, struct workers, finished));
}

struct workers *workers_new(struct loop *loop, unsigned threads, const char *database)
{
    unsigned count = threads > 0 ? threads : WORKERS_DEFAULT;
    struct workers *workers = xcalloc(1, sizeof *workers + count * sizeof(pthread_t));

    workers->ev = loop_ev(loop);
    workers->database = database;
    workers->queue = ring_new(WORKERS_QUEUE_MAX);
    pthread_mutex_init(&workers->mutex, NULL);
    ev_async_init(&workers->finished, on_finished);
    ev_async_start(workers->ev, &workers->finished);
    for (; workers->count < count; workers->count++) {
        char name[16];

        if (pthread_create(&workers->threads[workers->count], NULL, work, workers) != 0)
            out_of_memory(0);
        snprintf(name, sizeof name, "worker-%u", workers->count);
        pthread_setname_np(workers->threads[workers->count], name);
    }
    return workers;
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    ring_close(workers->queue);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    give_back(workers);
    ev_async_stop(workers->ev, &workers->finished);
    ring_free(workers->queue);
    pthread_mutex_destroy(&workers->mutex);
    vec_clear(&workers->done);
    vec_clear(&workers->taken);
    free(workers);
}

bool workers_take(struct workers *workers, struct exchange *exchange)
{
    if (!ring_push(workers->queue, exchange))
        return false;
    workers->taken_in++;
    return true;
}

bool workers_take_idle(struct workers *workers, struct exchange *exchange)
{
    return workers->taken_in < workers->count && workers_take(workers, exchange);
}
