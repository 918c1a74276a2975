/*
 * One request and its answer: finds the route, checks who asks and what they sent, runs it where
 * its row says, and writes the answer. An exchange belongs to its carrier, except while a worker
 * has it.
 *
 * Thread: the loop; exchange_work() a worker.
 */
#pragma once

#include "shared/addr.h"
#include "shared/http_parse.h"

#include "control/api/carrier.h"
#include "control/api/rates.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/router.h"
#include "control/api/server_private.h"

struct db;
struct exchange;
struct live_service;
struct live_session;
struct upload;
struct written_reply;

/* What a worker is to do with it. */
enum exchange_work { WORK_NOTHING, WORK_AUTHENTICATE, WORK_HANDLER, WORK_FINISH };

/* Of an upload: whose body it is and whether they may has to be known before it is read. */
enum exchange_admission { ADMISSION_NOT_NEEDED, ADMISSION_WANTED, ADMISSION_GRANTED };

struct exchange {
    struct request request;
    struct reply reply;
    struct carrier *carrier;
    const struct routed *routed; /* NULL: a file of the console, or a live connection */
    struct route_match match;
    struct str query; /* of the target, as it came; NULL: none */
    struct credential credential;
    char client_text[ADDR_TEXT_BYTES]; /* behind a proxy: who asks */
    struct rate_answer rate;
    struct buf texts;      /* decoded parameters */
    struct buf body;       /* as it came */
    size_t body_bytes_max; /* in memory */
    enum exchange_admission admission;
    bool is_complete;      /* the body of an upload is there */
    struct upload *upload; /* NULL: none, or not begun */
    bool answered;         /* the reply is complete */
    bool authenticated;
    bool abandoned; /* nobody waits any more, and a worker has it */

    const struct live_service *service; /* of a live connection; NULL: none is wanted */
    struct live_session *session;       /* whose poll or POST this is; NULL: nobody's */
    bool overlaps;                      /* a POST that came before another had ended */

    enum exchange_work work;
    int64_t queued_us;
    uint64_t read_id; /* of the pipeline; 0: none under way */

    struct rate_waiter rate_waiter;
    bool waits_for_rate;
    int64_t rate_since_us; /* when it began to wait for that; 0: it did not have to */

    struct written_reply *written; /* waits for this to be released; NULL: does not */
    bool worked;                   /* the worker has given it back */
    bool finished;                 /* reply_finish() has been asked */
    int64_t release_by_us;
    int64_t started_us;
};

/* Looks at the head. The exchange is answered at once when its body need not be read. */
struct exchange *exchange_new(struct carrier *carrier, const struct http_head *head);

bool exchange_is_answered(const struct exchange *exchange);

/* Whether the body may only come when exchange_admit() has led to the carrier's take_body. */
bool exchange_wants_admission(const struct exchange *exchange);

/* Finds out who asks and whether they may: the body is taken, or the answer sent, now or later. */
void exchange_admit(struct exchange *exchange);

/* Whether the body takes longer than any may. */
bool exchange_is_overdue(const struct exchange *exchange, int64_t now_us);

/* A part of the body; false when it cannot be taken: then the exchange is answered. */
bool exchange_add_body(struct exchange *exchange, struct str data);

/* The request is complete: runs it. The answer is sent now or later. */
void exchange_run(struct exchange *exchange);

/* Writes the answer and ends the exchange. */
void exchange_send(struct exchange *exchange);

/* Nobody waits for the answer any more. Ends it now, or when the worker gives it back. */
void exchange_abandon(struct exchange *exchange);

/* Looks at the deadline of a reply that waits for its release. */
void exchange_tick(struct exchange *exchange, int64_t now_us);

/* Does the work that the loop has asked for. Thread: a worker. */
void exchange_work(struct exchange *exchange, struct db *db);

/* The worker has given it back. */
void exchange_worked(struct exchange *exchange);
