/*
 * What the journal shows of items: the object as everybody may see it, with a keyed hash where a
 * secret is.
 *
 * Thread: a worker, inside its transaction.
 */
#pragma once

#include "shared/err.h"

struct item;
struct tx;

/* The item's object for the journal; `ret_text` is yours to free. */
MUST_USE enum err item_journal_text(struct tx *tx, const struct item *item, char **ret_text);
