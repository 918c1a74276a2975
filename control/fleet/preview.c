/*
 * A worker waits on a condition for what the loop hears of a prober. The waiting is shared by the
 * two threads: whoever lets go last frees it.
 */
#include <time.h>

#include "shared/clock.h"
#include "shared/mem.h"

#include "control/fleet/fleet_private.h"

#define STEP_MS 100 /* how soon a stop is noticed */

struct preview {
    uint64_t token;
    UT_hash_handle hh;
    struct fleet *fleet;
    atomic_int references;
    char *document; /* the check */
    int64_t until_us;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool over;
    bool refused; /* there is no prober */
    char *answer;
};

static void release(struct preview *preview)
{
    if (atomic_fetch_sub(&preview->references, 1) > 1)
        return;
    pthread_mutex_destroy(&preview->mutex);
    pthread_cond_destroy(&preview->changed);
    free(preview->document);
    free(preview->answer);
    free(preview);
}

DEFINE_AUTO(struct preview *, release);

static struct preview *preview_new(struct fleet *fleet, const char *document, int64_t timeout_ms)
{
    struct preview *preview = NEW(struct preview);
    pthread_condattr_t attributes;

    preview->fleet = fleet;
    preview->references = 1;
    preview->document = xstrdup(document);
    preview->until_us = clock_monotonic_us() + timeout_ms * 1000;
    pthread_mutex_init(&preview->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&preview->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return preview;
}

/* On the loop: ends the waiting with an answer (or without) and lets go. */
static void finish(struct preview *preview, bool refused, char *answer)
{
    pthread_mutex_lock(&preview->mutex);
    preview->over = true;
    preview->refused = refused;
    preview->answer = answer;
    pthread_cond_signal(&preview->changed);
    pthread_mutex_unlock(&preview->mutex);
    release(preview);
}

/* Those whose worker has given up are dropped when the next one comes. */
static void drop_late(struct fleet *fleet)
{
    struct preview *preview;
    struct preview *next;

    HASH_ITER (hh, fleet->previews, preview, next) {
        if (clock_monotonic_us() <= preview->until_us)
            continue;
        HASH_DEL(fleet->previews, preview);
        finish(preview, false, NULL);
    }
}

static void start(void *argument)
{
    struct preview *preview = argument;
    struct fleet *fleet = preview->fleet;

    drop_late(fleet);
    preview->token = ++fleet->last_token;
    if (!fleet_command(fleet,
                       &(struct command){.type = BUS_PREVIEW,
                                         .token = preview->token,
                                         .document = preview->document},
                       false)) {
        finish(preview, true, NULL);
        return;
    }
    HASH_ADD(hh, fleet->previews, token, sizeof preview->token, preview);
}

void preview_answered(struct fleet *fleet, uint64_t token, struct str document)
{
    struct preview *preview;

    HASH_FIND(hh, fleet->previews, &token, sizeof token, preview);
    if (!preview)
        return;
    HASH_DEL(fleet->previews, preview);
    finish(preview, false, str_dup(document));
}

/* Waits until it is over, its time is up, or the service stops. */
static void wait_for(struct preview *preview)
{
    pthread_mutex_lock(&preview->mutex);
    while (!preview->over && !atomic_load(&preview->fleet->stopping) &&
           clock_monotonic_us() < preview->until_us) {
        int64_t step_us = MIN(preview->until_us, clock_monotonic_us() + STEP_MS * 1000);
        struct timespec until = {step_us / 1000000, step_us % 1000000 * 1000};

        pthread_cond_timedwait(&preview->changed, &preview->mutex, &until);
    }
    pthread_mutex_unlock(&preview->mutex);
}

static enum err take_answer(struct preview *preview, char **ret_answer)
{
    enum err err = OK;

    pthread_mutex_lock(&preview->mutex);
    if (preview->refused)
        err = fail(ERR_UNAVAILABLE, "no_prober", "There is no prober at the moment.");
    else if (!preview->answer)
        err = fail(ERR_TIMEOUT, "preview_timeout", "The prober has not answered in time.");
    else
        *ret_answer = TAKE(preview->answer);
    pthread_mutex_unlock(&preview->mutex);
    return err;
}

enum err preview_run(struct fleet *fleet, const char *document, int64_t timeout_ms,
                     char **ret_answer)
{
    AUTO(release) struct preview *preview = NULL;

    if (atomic_fetch_add(&fleet->previews_running, 1) >= PREVIEWS_MAX) {
        atomic_fetch_sub(&fleet->previews_running, 1);
        return fail(ERR_LIMITED, "previews_busy", "%d checks are being tried out already.",
                    PREVIEWS_MAX);
    }
    preview = preview_new(fleet, document, timeout_ms);
    atomic_fetch_add(&preview->references, 1);
    loop_post(fleet->config.loop, start, preview);
    wait_for(preview);
    atomic_fetch_sub(&fleet->previews_running, 1);
    return take_answer(preview, ret_answer);
}

void previews_init(struct fleet *fleet)
{
    /* Answers to an earlier process are not taken for ours. */
    fleet->last_token = (uint64_t)clock_wall_ms() << 16;
}

void previews_stop(struct fleet *fleet)
{
    atomic_store(&fleet->stopping, true);
}

void previews_clear(struct fleet *fleet)
{
    struct preview *preview;
    struct preview *next;

    HASH_ITER (hh, fleet->previews, preview, next) {
        HASH_DEL(fleet->previews, preview);
        finish(preview, false, NULL);
    }
}
