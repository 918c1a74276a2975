/*
 * The transaction of a WRITE route. A handler begins it, decides, writes, records, fills in its
 * reply, and commits last of all; so the answer to a request with an Idempotency-Key is kept by the
 * same commit as the change, and a request with ?dry_run=true goes all the way but the last step.
 *
 *   AUTO(tx_rollback) struct tx *tx = NULL;
 *   TRY(write_begin(request, reply, &tx));
 *   …
 *   return write_commit(request, reply, TAKE(tx));
 *
 * Thread: a worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/crypto.h"
#include "shared/err.h"
#include "shared/str.h"

#define IDEMPOTENCY_KEY_BYTES_MAX 255

struct reply;
struct request;
struct tx;

/* A request that may be sent again: under which name its answer is kept for 24 hours, and the key
 * that the answer is sealed with. Both come from the Idempotency-Key, which is not kept. */
struct write_once {
    uint8_t key_hash[SHA256_BYTES];
    uint8_t request_hash[SHA256_BYTES];
    uint8_t secret[SEAL_KEY_BYTES];
    bool answered; /* the reply is the earlier answer */
};

/* Reads X-EM-Reason, and the Idempotency-Key of a POST that is no dry run; `body` as it came.
 * @param once has the lifetime of the handler's run; request->once is NULL when there is no key
 * @return ERR_INVALID "reason_invalid", "idempotency_key_invalid". */
MUST_USE enum err write_prepare(struct request *request, struct str query, struct str body,
                                struct write_once *once);

/* @return ERR_CONFLICT "idempotency_busy"; "idempotency_answered" when the reply is complete
 * already; ERR_INVALID "idempotency_reused" with another body. */
MUST_USE enum err write_begin(struct request *request, struct reply *reply, struct tx **ret_tx);

/* Takes the transaction, and ends it whatever the answer is. The reply is complete. */
MUST_USE enum err write_commit(struct request *request, struct reply *reply, struct tx *tx);

/* Whether nothing is to change: for what a handler does beside its transaction. */
bool write_is_dry_run(const struct request *request);
