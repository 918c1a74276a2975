/*
 * Why something is in its state, as one sentence for people, written when the state changes.
 *
 * Thread: any.
 */
#pragma once

#include "contract/entity.h"
#include "contract/verdict.h"

struct node;
struct result;

#define REASON_BYTES 768

/* Of a check that has become unknown because nobody looked. */
#define REASON_STALE "no result for too long"

/* Of a check that nobody is to look at. */
#define REASON_PAUSED "the check is paused"

/* Of something that nothing is known about yet; constant. */
const char *reason_for_nothing_yet(enum entity_kind kind);

/* Of a parent in `state`: which children decided. */
void reason_for_parent(const struct node *node, enum state state, char reason[REASON_BYTES]);

/* Of a check: what its last probe found; the message without bytes that text may not have. */
void reason_for_result(const struct result *result, char reason[REASON_BYTES]);
