/*
 * Health: from results to states, their history, and who is told. The only header of this folder
 * that others include.
 *
 * One engine thread owns all states. It takes reports of probers and notices of changes from a
 * bounded queue, commits each batch in one transaction, and only then posts the news to the loop:
 * acknowledgements, the read model that answers GET routes, Redis, live updates, and replies that
 * waited for their own change.
 *
 * Thread: the loop's, but where a function says otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/embedded_file.h"
#include "shared/err.h"
#include "shared/frame.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "control/api/live.h"

struct db;
struct health;
struct live;
struct loop;
struct principal;
struct router;
struct written;

/* A check to be probed once, soon: its state is not certain yet. */
struct health_retry {
    struct uuid check_id;
    int64_t at_ms;
};

/* A prober's frame on its way through the engine, and what became of it. */
struct health_report {
    struct frame_report header; /* of `frame` */
    struct frame_cursor cursor; /* its results */
    struct buf frame;
    int64_t received_us; /* monotonic */

    /* Of who gave it: called on the loop once it is committed, refused or dropped, and takes
     * it. */
    void (*done)(void *context, struct health_report *report);
    void *context;

    /* filled in by the engine */
    bool dropped; /* the engine ends, and has not stored it */
    uint64_t acked_seq;
    bool rewind; /* a gap: the prober is to send again from acked_seq + 1 */
    struct health_retry *retries;
    size_t retry_count;
};

struct health_report *health_report_new(void);
void health_report_free(struct health_report *report);

DEFINE_AUTO(struct health_report *, health_report_free);

/* One check as those have to know it who bring its results; texts are borrowed for the call. */
struct health_plan_entry {
    struct uuid check_id;
    bool probed;  /* false: it is disabled, or gone: then it has no kind either */
    bool at_once; /* there is no result yet */
    bool ever;    /* there was a result at some time, maybe before a pause */
    uint32_t interval_ms;
    uint32_t timeout_ms;
    int64_t last_at_ms; /* of the last result since the check began or was resumed; 0: none */
    struct str kind;
    struct str spec;  /* JSON */
    struct str token; /* of a heartbeat's path; a secret */
};

/* Who distributes the work to probers: control/fleet. Called on the loop. */
struct health_fleet {
    void *context;
    void (*plan)(void *context, const struct health_plan_entry *entry);

    /* plan() has told of everything that there is. */
    void (*loaded)(void *context);
};

struct health_config {
    struct loop *loop;
    const char *database_url;
    const char *redis_url; /* NULL: nothing is published */
    const char *redis_user;
    const char *redis_password;
    void (*on_events)(void *context); /* new status events are committed; any thread; or NULL */
    void *on_events_context;
    void (*on_deposed)(void *context); /* another program writes to the database: this one has to
                                          end; any thread */
    void *on_deposed_context;
};

/* Prepares everything; nothing runs yet. @return ERR_INVALID for a bad URL. */
MUST_USE enum err health_new(const struct health_config *config, struct health **ret_health);

/* Starts the engine, which loads from the database as soon as it can. `fleet` is copied. */
MUST_USE enum err health_start(struct health *health, const struct health_fleet *fleet);

/* Where status changes are published live; after server_start(). */
void health_set_live(struct health *health, struct live *live);

/* Ends the threads. What is not committed was not acknowledged either. */
void health_stop(struct health *health);
void health_free(struct health *health);

DEFINE_AUTO(struct health *, health_free);

/* Schemas of this folder; ended by a zero row. */
extern const struct embedded_file health_schemas[];

/* Adds the routes and schemas. @param health NULL: nobody will call them, only their descriptions
 * are wanted. */
void health_add_routes(struct health *health, struct router *router);

/* For the server: who may follow what; whether engine and database work. */
struct live_source health_live_source(struct health *health);
bool health_is_ready(void *health, char *reason, size_t reason_bytes);

/* Whether the entity exists and the caller may know of it. */
bool health_may_see(struct health *health, const struct principal *principal,
                    const struct uuid *id);

/* The server's after_write: takes `written`, and releases its reply once the change is in the read
 * model. Thread: a worker. */
bool health_after_write(void *health, struct written *written);

/* Queues a report; false when the queue is full or the engine has not loaded yet: it stays the
 * caller's. */
bool health_ingest(struct health *health, struct health_report *report);
