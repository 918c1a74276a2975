/*
 * A reply that waits until the engine knows what was written. The worker tells the engine, the
 * engine releases the reply on the loop; whichever of exchange and engine is done first, the other
 * one finds out here.
 */
#pragma once

#include "control/api/server.h"

struct exchange;
struct written_reply;

/* Hands the exchange's changes to server_config.after_write. Thread: the worker that has the
 * exchange. */
void written_reply_tell(struct exchange *exchange, const struct server_config *config);

/* The exchange does not wait any longer; what was handed over is freed when it is released. Thread:
 * the loop. */
void written_reply_forget(struct written_reply *reply);
