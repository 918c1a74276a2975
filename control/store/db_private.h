/* What tx.c needs of a connection and nobody else. Thread: that of the connection. */
#pragma once

#include <stdbool.h>

#include "control/store/db.h"

bool db_is_connected(const struct db *db);
bool db_in_transaction(const struct db *db);

/* From true on, a lost connection is an error until the transaction is over, never connected again.
 */
void db_set_in_transaction(struct db *db, bool in_transaction);

/* COMMIT. @return also ERR_BUG "transaction_failed" when a statement failed before and the server
 * rolled back. */
MUST_USE enum err db_commit(struct db *db);

/* ROLLBACK; false when it did not work. Leaves the last failure of the thread and of the connection
 * as they are. */
bool db_rollback(struct db *db);
