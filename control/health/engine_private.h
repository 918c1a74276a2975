/* What the files of the engine share: its memory, and the steps of a pass. Thread: the engine's. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "shared/map.h"
#include "shared/uuid.h"
#include "shared/vec.h"

#include "control/health/batch.h"
#include "control/health/engine.h"
#include "control/health/health.h"
#include "control/health/judge_rules.h"
#include "control/health/news.h"
#include "control/health/tree.h"
#include "control/health/windows.h"
#include "control/store/query.h"

struct db;
struct ring;

/* The engine's side of a check. */
struct check {
    struct node *node;
    struct judge_params params;
    bool enabled;
    bool degraded_only; /* severity: a hard fail counts as Degraded for the component */
    bool soft;
    struct check_state state;
    int64_t results;   /* stored in all */
    int64_t unstored;  /* of these, in the batch that is not committed yet */
    bool touched;      /* is in engine->touched */
    int last_outcome;  /* -1: none since the start */
    int64_t kept_hour; /* hours since 1970 of the last result kept in full */
};

/* How far one start of one prober is in. */
struct position {
    struct position_key {
        struct uuid prober_id;
        uint64_t boot_id;
    } key;

    UT_hash_handle hh;
    uint64_t acked_seq;
    uint64_t lost;
    uint64_t gap_at; /* first_seq of a report that was refused for a gap; 0: none */
};

struct engine {
    struct engine_config config;
    pthread_t thread;
    bool started;
    struct ring *queue;
    atomic_bool stopping;
    atomic_bool loaded;
    atomic_bool stored;    /* the last pass reached the database */
    atomic_bool elsewhere; /* another program has the lead */
    bool elsewhere_logged;
    bool deposed;  /* had it, and must not go on */
    uint64_t lead; /* the connection that holds the lock; 0: none */
    int64_t term;

    struct db *db;
    struct tree tree;
    window_vec windows;
    struct position *positions;
    VEC(struct check *) touched; /* checks whose state is to be stored */
    struct batch *batch;
    struct news *news;
    int64_t event_seq;
    int64_t announcement_seq;
    int64_t plan_revision; /* the highest that was seen */
    int64_t polled_at_ms;
    int64_t followed;         /* the position in the journal up to which nothing is missed */
    VEC(struct uuid) told;    /* entries behind it that were told of */
    VEC(struct uuid) created; /* nodes that have not got their last known status back yet */
    unsigned reloads;         /* number of the present one, for node->seen */

    int64_t due_ms;           /* no check goes stale and no window changes before */
    int64_t stale_not_before; /* a pause of ours is no silence of the probers */
    int64_t passed_us;        /* when the last pass began, monotonic */
};

/* engine_rows.c ------------------------------------------------------------------------------- */

typedef void (*engine_read_fn)(struct engine *engine, const struct rows *rows, int row);

/* Runs the statement and reads each row. */
MUST_USE enum err engine_read_all(struct engine *engine, const struct statement *statement,
                                  struct params params, engine_read_fn read);

/* The kind of that word; ENTITY_NONE when there is none. */
enum entity_kind engine_kind_of(struct str word);

/* A row of health_node; its texts are borrowed from the rows. */
struct node_definition engine_read_definition(const struct rows *rows, int row);

/* Rows of the statements of that name, into the tree, the windows and the positions. */
void engine_read_check(struct engine *engine, const struct rows *rows, int row);
void engine_read_check_state(struct engine *engine, const struct rows *rows, int row);
void engine_read_status(struct engine *engine, const struct rows *rows, int row);
void engine_read_window(struct engine *engine, const struct rows *rows, int row);
void engine_read_position(struct engine *engine, const struct rows *rows, int row);

/* engine_lead.c ------------------------------------------------------------------------------- */

/* Becomes the one that writes to the database. @return ERR_CONFLICT "engine_elsewhere" */
MUST_USE enum err engine_take_lead(struct engine *engine);

/* Still is it, also after a lost connection. @return ERR_CONFLICT "engine_elsewhere"; ERR_CONFLICT
 * "engine_deposed": is it no more */
MUST_USE enum err engine_keep_lead(struct engine *engine);

/* engine_load.c ------------------------------------------------------------------------------- */

/* Reads everything and says what is new since the program ended. */
MUST_USE enum err engine_load(struct engine *engine, int64_t now_ms);

/* Forgets everything that was loaded. */
void engine_unload(struct engine *engine);

/* Reads the maintenance windows again. */
MUST_USE enum err engine_load_windows(struct engine *engine);

/* Opens and closes maintenance for each node by the windows. */
void engine_apply_windows(struct engine *engine, int64_t now_ms);

/* Tells a check of maintenance of anything above it; for tree_each(), `context` is the engine. */
void engine_enter_maintenance(void *context, struct node *node);

/* engine_reload.c ----------------------------------------------------------------------------- */

/* Reads some entities again; what is gone leaves the tree. */
MUST_USE enum err engine_reload(struct engine *engine, const struct change *changes, size_t count,
                                int64_t now_ms);

/* Reads again what the journal says was changed: a fall-back for notices that got lost. */
MUST_USE enum err engine_poll(struct engine *engine, int64_t now_ms);

/* engine_ingest.c ----------------------------------------------------------------------------- */

/* Applies the results of a report to memory and batch; commits on the way when a ring would
 * overflow. */
MUST_USE enum err engine_ingest(struct engine *engine, struct health_report *report,
                                int64_t now_ms);

/* Lets checks go stale that are due, and works out when to look next. */
void engine_tick(struct engine *engine, int64_t now_ms);

/* Carries what a judgement changed to the tree, the batch and the announcements. */
void engine_apply_judgement(struct engine *engine, struct check *check,
                            const struct judgement *judgement, int64_t now_ms, const char *reason);

/* The check's state as the tree has to show it. */
void engine_show_check(struct engine *engine, struct check *check, int64_t at_ms,
                       const char *reason);

/* Notes that the state of the check has to be stored. */
void engine_touch(struct engine *engine, struct check *check);

/* engine.c ------------------------------------------------------------------------------------ */

/* Writes the batch, again and again until it is stored, then posts the news.
 * @return ERR_UNAVAILABLE only when the engine is to stop. */
MUST_USE enum err engine_commit(struct engine *engine);
