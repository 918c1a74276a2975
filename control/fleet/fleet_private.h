/* What the files of the fleet share. Thread: the loop's, but for what previews say of workers. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "shared/bus.h"
#include "shared/frame.h"
#include "shared/list.h"
#include "shared/loop.h"
#include "shared/map.h"
#include "shared/vec.h"

#include "control/fleet/fleet.h"
#include "control/fleet/plan.h"

#define PROBERS_MAX    256
#define PROBER_LIVE_US (5LL * 1000000)
#define COMMANDS_MAX   1000 /* that wait for one prober */
#define PREVIEWS_MAX   2    /* at a time: each holds a worker */

/* RUN_AT at once, or PREVIEW. */
struct command {
    enum bus_item type;
    struct uuid check_id;
    uint64_t token;
    char *document; /* PREVIEW: owned */
};

/* A report on its way through the engine. */
struct ticket {
    struct fleet *fleet;
    struct prober *prober; /* NULL: nobody waits for the answer any more */
    struct list link;      /* in prober->under_way */
    uint64_t boot_id;
    uint64_t first_seq;
    uint16_t count;
    struct bus_return way_back;
};

struct prober {
    struct uuid id;
    UT_hash_handle hh;
    uint64_t boot_id;
    uint64_t last_boot_id; /* before this one */
    int64_t seen_us;
    int64_t warned_us;
    struct list under_way; /* tickets; one of each process that goes by this id */
    VEC(struct command) commands;
};

struct heartbeats;
struct preview;

struct fleet {
    struct fleet_config config;
    struct bus_replier *bus;
    ev_io readable;
    struct buf frame;
    struct buf reply;
    struct plan *plan;
    struct heartbeats *heartbeats;
    bool planned; /* the engine has loaded: an empty plan is one */
    struct prober *probers;
    struct preview *previews; /* that wait for an answer, by token */
    uint64_t last_token;
    atomic_int previews_running;
    atomic_bool stopping;
};

bool prober_is_live(const struct prober *prober);

/* Gives the command to a live prober, or to all; copies the document. False when there is none. */
bool fleet_command(struct fleet *fleet, const struct command *command, bool all);

/* preview.c ----------------------------------------------------------------------------------- */

void previews_init(struct fleet *fleet);

/* Ends all waiting. Thread: any. */
void previews_stop(struct fleet *fleet);
void previews_clear(struct fleet *fleet);

/* A prober has answered; borrowed. */
void preview_answered(struct fleet *fleet, uint64_t token, struct str document);

/* Has the check probed once by a live prober, and waits for the answer: JSON {"result","steps"} or
 * {"errors"}, yours. Thread: a worker.
 * @return ERR_LIMITED "previews_busy"; ERR_UNAVAILABLE "no_prober"; ERR_TIMEOUT
 * "preview_timeout" */
MUST_USE enum err preview_run(struct fleet *fleet, const char *document, int64_t timeout_ms,
                              char **ret_answer);
