/*
 * One batch in the making: the rows that the sealer takes, numbered and hashed. Pure.
 *
 * Thread: the sealer's.
 */
#pragma once

#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"
#include "shared/text_list_hash.h"
#include "shared/uuid.h"

/* What is hashed of a record besides its chain and sequence: JOURNAL_RECORD_FIELDS from `id` on, and
 * the address, which may be absent. */
#define SEALED_TEXTS 13

/* One chain's part. */
struct sealed_chain {
    struct uuid id;
    int64_t last; /* the sequence of its last record; before: 0 */
    char hash[TEXT_LIST_HASH_BYTES];
    /* of the records since, one after another */
    struct buf record_hashes;
    int64_t first;
};

/* Begins a batch behind the head of a chain. @param hash "" for a chain without a batch. */
void sealed_chain_begin(struct sealed_chain *chain, const struct uuid *id, int64_t last,
                        struct str hash);
void sealed_chain_clear(struct sealed_chain *chain);

/* Gives the next sequence to a record, and its hash. @return the sequence. */
int64_t sealed_chain_add(struct sealed_chain *chain, const struct str texts[SEALED_TEXTS],
                         char ret_hash[TEXT_LIST_HASH_BYTES]);

/* Ends the batch: `hash` is then its own. @param sealed_at as it is stored. */
void sealed_chain_end(struct sealed_chain *chain, struct str sealed_at);
