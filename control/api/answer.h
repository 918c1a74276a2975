/*
 * Answers: what exchanges, the static files and refusals say, for whatever carries them.
 *
 * Thread: the loop.
 */
#pragma once

#include "control/api/carrier.h"
#include "control/api/reply.h"

#define ANSWER_COPY_BYTES_MAX (16 * 1024) /* a larger body is sent from where it lies */

struct answer {
    uint16_t status;
    bool is_api;       /* has the headers of the API */
    bool tells_build;  /* to whom it is of use: who has signed in */
    bool without_body; /* answers a HEAD */
    const char *request_id;
    const char *type;   /* NULL: no body */
    struct str headers; /* further lines, each ended by CR LF */
    struct str body;
    struct buf *body_owner; /* its memory may be taken; NULL: the body outlives the server */
};

void answer_write(struct carrier *carrier, const struct answer *answer);

/* Whether an answer of this status says how long its body is. */
bool answer_has_length(uint16_t status);

/* A problem document for what is no request. */
void answer_refusal(struct carrier *carrier, uint16_t status, const char *code, const char *detail);

/* Counts an answer by the class of its status. */
void answer_count(uint16_t status);
