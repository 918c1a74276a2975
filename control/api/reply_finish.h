/*
 * The last touches of a long answer to a GET: a tag of its content where it has none of a version,
 * 304 when the caller has it already, and a content coding that the caller accepts. Long means that
 * it does not fit into one packet; the work is a worker's, and left out when none is idle.
 *
 * Thread: the loop for the question, a worker for the work.
 */
#pragma once

#include <stdbool.h>

#include "control/api/reply.h"
#include "control/api/request.h"

#define REPLY_LONG_BYTES 1400

/* Whether there is anything to do. */
bool reply_wants_finish(const struct request *request, const struct reply *reply);

void reply_finish(const struct request *request, struct reply *reply);
