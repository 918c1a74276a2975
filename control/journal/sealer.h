/*
 * The sealer gives the journal its order. Writers insert and commit without waiting for anybody;
 * of all em-controls on a database, one leader takes what is committed, numbers it per organisation
 * and writes one batch per chain (include/contract/journal_chain.h). Followers go by what is sealed,
 * so they never skip a record that was committed late.
 *
 * A batch is one transaction, and all it stands on is read in it: a sealer that dies, or is
 * replaced, leaves nothing half-done.
 *
 * Thread: one of its own, with its own database connection.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"

struct db;
struct sealer;

/* Who follows the journal looks by itself; this only spares it the wait. */
struct sealer_ops {
    void *context;
    void (*sealed)(
        void *context); /* there are new positions; from the sealer's thread; NULL: nobody */
};

/* Takes `db`. Records are sealed within 20 ms of their commit when they were written by this
 * process, else within a second. */
MUST_USE enum err sealer_start(struct db *db, const struct sealer_ops *ops,
                               struct sealer **ret_sealer);

/* Seals what there is and ends the thread. Stop who writes first. Harmless when NULL. */
void sealer_stop(struct sealer *sealer);

/* Something is being written: from any thread, at any time; never waits. */
void sealer_ring(void);
