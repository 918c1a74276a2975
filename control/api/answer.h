/*
 * Writes answers in HTTP/1.1 into a connection's output: status line, the headers that every answer
 * has, its own headers, body. Used by exchanges and by the static files.
 *
 * Thread: the loop.
 */
#pragma once

#include "control/api/connection.h"
#include "control/api/reply.h"

#define ANSWER_COPY_BYTES_MAX (16 * 1024) /* a larger body is sent from where it lies */

struct answer {
    uint16_t status;
    bool is_api;          /* has the headers of the API */
    bool without_body;    /* answers a HEAD */
    bool close;           /* the connection ends after it */
    bool tell_keep_alive; /* HTTP/1.0 has to be told */
    const char *request_id;
    const char *type;   /* NULL: no body */
    struct str headers; /* further lines, each ended by CR LF */
    struct str body;
    struct buf *body_owner; /* its memory may be taken; NULL: the body outlives the connection */
};

void answer_write(struct connection *connection, const struct answer *answer);

/* A problem document for what is no request; the connection ends after it. */
void answer_refusal(struct connection *connection, uint16_t status, const char *code,
                    const char *detail);

/* Counts an answer by the class of its status. */
void answer_count(uint16_t status);
