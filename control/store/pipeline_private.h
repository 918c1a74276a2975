/*
 * Inside of the pipeline: pipeline.c keeps the queue, the deadlines and who gets which query;
 * pipeline_link.c is one connection and knows libpq.
 *
 * Thread: the loop.
 */
#pragma once

#include "shared/list.h"
#include "shared/loop.h"
#include "shared/map.h"

#include "control/store/pipeline.h"
#include "control/store/pipeline_texts.h"

#define LINKS_MAX            8
#define LINK_UNDER_WAY_MAX   64      /* more wait in the queue, for the next free link */
#define STATEMENT_TIMEOUT_MS 5000    /* in the server */
#define LINK_SILENCE_US      7000000 /* a link that owes an answer for longer is given up */

struct read_query {
    struct list node; /* in the queue, or on its link in the order of sending */
    uint64_t id;
    const struct statement *statement;
    struct pipeline_text *once; /* the statement, when it is this query's alone; else NULL */
    char *values;               /* the texts with their zero bytes, one after the other */
    size_t *offsets;
    char rows[UUID_TEXT_BYTES]; /* em.org */
    int64_t deadline_us;
    int64_t sent_at_us;
    int attempts;
    bool preparing;        /* the answer to its PREPARE is still to come */
    pipeline_done_fn done; /* NULL: nobody waits any more */
    void *argument;
    UT_hash_handle hh;
};

struct link;

struct pipeline {
    struct loop *loop;
    const char *url;
    size_t queue_max;
    struct list waiting;
    struct read_query *by_id;
    struct pipeline_texts texts;
    uint64_t last_id;
    bool failing; /* the last attempt to connect failed and no link is up */
    ev_prepare before_wait;
    ev_timer tick;
    unsigned link_count;
    struct link *links[LINKS_MAX];
    struct pipeline_counters counters;
};

/* pipeline.c, for the link */

/* Answers the query and frees it. */
void pipeline_answer(struct pipeline *pipeline, struct read_query *query,
                     const struct pipeline_answer *answer);

/* Puts a query of a lost link back to the front of the queue, or fails it when every link has lost
 * it. */
void pipeline_return(struct pipeline *pipeline, struct read_query *query);

/* A link came up, or an attempt to connect failed. */
void pipeline_on_link(struct pipeline *pipeline, bool is_up);

/* pipeline_link.c */

struct link *link_new(struct pipeline *pipeline, unsigned number);
void link_free(struct link *link);
bool link_is_up(const struct link *link);
size_t link_under_way(const struct link *link);

/* Sends the query; takes it in any case. */
void link_send(struct link *link, struct read_query *query);

/* Gives the connection up when it owes its oldest answer for too long. */
void link_check(struct link *link, int64_t now_us);
