/*
 * Talking in messages, for kinds whose protocol goes to and fro: what is to be sent is appended to
 * probe->out, and what has come and is not used up lies in probe->in. A kind enters
 * PHASE_REQUEST with its first message; from there the phases follow by themselves.
 *
 * Thread: the loop of the probe's shard.
 */
#pragma once

#include <stddef.h>

struct probe;
enum wait;

#define EXCHANGE_READ_BYTES (16 * 1024)

/* Sends all of probe->out, then reads once, at most `most` bytes (EXCHANGE_READ_BYTES but for a
 * reason). @return WAIT_NONE when something came; else what the step has to return. The kind keeps
 * the bounds: on a message, and on how much comes in all. */
enum wait exchange(struct probe *probe, size_t most);

/* Sends what goes at once of probe->out, and no matter: for last words before the end. */
void exchange_last_words(struct probe *probe);
