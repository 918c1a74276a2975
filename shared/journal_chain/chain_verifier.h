/*
 * Verifies an export of the journal, line by line, in the memory of one batch: that each record and
 * batch has its hash, that nothing is missing, moved, added or doubled, and that the chains end where
 * the export, and exports kept from before, say that they do. Pure.
 *
 * Who can write the database can also write a whole new chain with right hashes. That shows only
 * against a head that was kept elsewhere: chain_verifier_expect().
 *
 * Thread: any, one at a time.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"
#include "shared/vec.h"

#define FINDINGS_MOST 100 /* told; all are counted */

#define FINDING_TABLE(ROW)                                                                         \
    ROW(LINE_INVALID, "line_invalid", "a line that is no part of an export")                       \
    ROW(RECORD_ALTERED, "record_altered", "a record is not what was sealed")                       \
    ROW(RECORD_REMOVED, "record_removed", "records are gone")                                      \
    ROW(RECORD_MISPLACED, "record_misplaced",                                                      \
        "a record where it does not belong: moved, doubled or added")                              \
    ROW(BATCH_ALTERED, "batch_altered", "a batch, or a hash in it, is not what was sealed")        \
    ROW(BATCH_REMOVED, "batch_removed", "records that no batch takes in: it is gone")              \
    ROW(CHAIN_MISPLACED, "chain_misplaced", "a chain where it does not belong: doubled or moved")  \
    ROW(CHAIN_TRUNCATED, "chain_truncated", "a chain ends too early")                              \
    ROW(CHAIN_REWRITTEN, "chain_rewritten", "a chain is another one than it was")                  \
    ROW(CHAIN_UNKNOWN, "chain_unknown",                                                            \
        "a chain that is not kept here: only a control plane knows")                               \
    ROW(EXPORT_TRUNCATED, "export_truncated", "the export has no last line, or more behind it")

#define FINDING_ENUM(name, word, what) FINDING_##name,

enum finding_code { FINDING_TABLE(FINDING_ENUM) FINDING_COUNT };

extern const char *const finding_words[FINDING_COUNT];

struct finding {
    enum finding_code code;
    char chain[37];   /* "": of no chain */
    int64_t sequence; /* 0: of none */
    int64_t line;     /* of the export, from 1; 0: of its end */
    char detail[200];
};

/* Where a chain ends. */
struct chain_head {
    char chain[37];
    int64_t sequence;
    char hash[65];
};

struct verification {
    int64_t records;
    int64_t batches;
    int64_t finding_count;
    VEC(struct finding) findings; /* the first FINDINGS_MOST */
    VEC(struct chain_head) heads; /* of the chains seen, in their order */
};

struct chain_verifier;

struct chain_verifier *chain_verifier_new(void);
void chain_verifier_free(struct chain_verifier *verifier);

DEFINE_AUTO(struct chain_verifier *, chain_verifier_free);

/* A head that was kept from before; all of them come before the first line. */
void chain_verifier_expect(struct chain_verifier *verifier, const struct chain_head *head);

/* The hash of some batch that was kept from before. */
void chain_verifier_expect_hash(struct chain_verifier *verifier, const char *hash);

/* The next line, without its line feed. */
void chain_verifier_add(struct chain_verifier *verifier, struct str text);

/* After the last line. The result is the verifier's. */
const struct verification *chain_verifier_end(struct chain_verifier *verifier);
