/*
 * The only place that turns an error into an HTTP status and an application/problem+json document
 * (RFC 9457). No SQL, no paths and no versions ever get into it: what a bug says goes to the log
 * under the request's id.
 *
 * Thread: any.
 */
#pragma once

#include <stdint.h>

#include "shared/err.h"

#include "control/api/reply.h"

struct request;

/* The status for an error word and code: 404, 409, 412 "precondition_failed", 422 … */
uint16_t problem_status(enum err err, const char *code);

/* Replaces what is in the reply by the problem; `failure` may be NULL. Logs ERR_BUG and
 * ERR_UNAVAILABLE. */
void problem_write(struct reply *reply, const char *request_id, enum err err,
                   const struct failure *failure);

/* The same for what HTTP itself refuses before there is a request: 400, 408, 413, 431 … `code` is a
 * constant. */
void problem_write_status(struct reply *reply, const char *request_id, uint16_t status,
                          const char *code, const char *detail);

/* "Not Found" for 404, as in the status line. */
const char *problem_status_words(uint16_t status);
