/*
 * Between libjq's process and those who ask it: one packet for a request, one for its answer. The
 * document comes as a file in memory beside the request, so that no packet is ever large and no
 * send ever waits. One request at a time is under way.
 *
 * Thread: any; a link belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/json_assert.h"
#include "shared/spawner.h"
#include "shared/user.h"

#define JQ_REASON_BYTES_MAX 500
#define JQ_SOCKET_FD        SPAWN_THIRD_FD /* in the helper */

/* Followed by the program; with the document, unless it is to be compiled only. */
struct jq_request_packet {
    uint32_t limit_ms; /* for compiling and evaluating together */
};

/* Followed by the reason. */
struct jq_answer_packet {
    enum json_answer answer;
};

/* The owner's end of one helper. */
struct jq_link {
    struct spawner *spawner;
    const struct run_as *run_as;
    uint64_t child; /* 0: none */
    int socket;     /* -1: none */
};

/* Starts a helper when there is none; `done` and `argument` as of spawner_launch().
 * @return what spawner_launch() returns; ERR_UNAVAILABLE. */
MUST_USE enum err jq_link_open(struct jq_link *link, spawn_done_fn done, void *argument);

/* Stops the helper; `done` is still called, when it has ended. */
void jq_link_close(struct jq_link *link);

/* Sends one request; `document` NULL: to be compiled only. @return ERR_UNAVAILABLE. */
MUST_USE enum err jq_link_send(const struct jq_link *link, struct str program,
                               const struct str *document, uint32_t limit_ms);

/* Receives one answer; the reason is appended.
 * @return ERR_TIMEOUT when there is none yet; ERR_UNAVAILABLE when the helper is gone. */
MUST_USE enum err jq_link_receive(const struct jq_link *link, enum json_answer *ret_answer,
                                  struct buf *ret_reason);
