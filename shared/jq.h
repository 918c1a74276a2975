/*
 * Assertions that take too long for an event loop: those for libjq, and all others about large
 * documents. They are evaluated in a process of its own, which is started when it is first needed,
 * as a child of the spawner. It has no files, no environment and no network, bounded memory, and an
 * end: what does not answer in time is killed. Requests are served one after another, each within
 * JQ_RUN_MS_MAX, so that a program that runs for ever holds the others up by no more than that.
 *
 * Thread: the loop's.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/json_assert.h"
#include "shared/loop.h"
#include "shared/user.h"

#define JQ_RUN_MS_MAX  1000 /* of one request, compiling included */
#define JQ_WAITING_MAX 256  /* requests that wait for their turn */

struct jq;
struct jq_request;
struct spawner;

/* @param reason of every answer but JSON_ANSWER_TRUE; valid during the call. */
typedef void (*jq_done_fn)(void *argument, enum json_answer answer, struct str reason);

/* @param spawner_take a handle of its own.
 * @param run_as whom the helper runs as, for programs of root; borrowed for good. */
struct jq *jq_new(struct ev_loop *ev, struct spawner *spawner_take, const struct run_as *run_as);

/* Nobody is called. */
void jq_free(struct jq *jq);

/*
 * Asks whether an assertion holds for a document. `done` is called once, never from within this
 * function, unless the request is cancelled before. Assertion and document are borrowed until then.
 * @param due_us monotonic; what has not begun by then ends as JSON_ANSWER_LOST, what has as
 * JSON_ANSWER_LIMIT.
 * @return ERR_LIMITED "jq_busy" when too many wait.
 */
MUST_USE enum err jq_ask(struct jq *jq, const struct json_assert *assertion, struct str document,
                         int64_t due_us, jq_done_fn done, void *argument,
                         struct jq_request **ret_request);

/* Forgets a request that has not been answered. */
void jq_cancel(struct jq *jq, struct jq_request *request);
