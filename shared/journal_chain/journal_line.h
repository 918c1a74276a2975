/*
 * One line of an export of the journal (include/contract/journal_chain.h), read and checked for its
 * form. Pure; for bytes of strangers.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "shared/err.h"
#include "shared/str.h"
#include "shared/text_list_hash.h"

#define JOURNAL_LINE_BYTES_MAX (INT64_C(16) << 20)
#define JOURNAL_BATCH_MOST     INT64_C(1000000) /* records in one batch */

enum journal_line_type {
    JOURNAL_LINE_FORMAT,
    JOURNAL_LINE_RECORD,
    JOURNAL_LINE_MISSING,
    JOURNAL_LINE_BATCH,
    JOURNAL_LINE_HEADS,
};

/* Texts are borrowed from `json`, which is the line's. */
struct journal_line {
    enum journal_line_type type;
    json_t *json;
    const json_t *members; /* the object or list that the line is about */
    const char *chain;     /* of a record, what is missing, or a batch: a UUID */
    const char *hash;      /* likewise: 64 digits */
    int64_t sequence;      /* of a record or what is missing; of a batch the last */
    int64_t first;         /* of a batch */
    int64_t count;
};

/* @return ERR_INVALID "line_invalid" with what is wrong. */
MUST_USE enum err journal_line_read(struct str text, struct journal_line *ret_line);
void journal_line_clear(struct journal_line *line);

static inline void journal_line_clear_p(struct journal_line *line)
{
    journal_line_clear(line);
}

/* The hash that a record's fields have. */
void journal_record_hash(const struct journal_line *record, char ret_hash[TEXT_LIST_HASH_BYTES]);

/* The hash that a batch has behind `previous`. @param record_hashes a list of texts. */
void journal_batch_hash(const struct journal_line *batch, const char *previous,
                        struct str record_hashes, char ret_hash[TEXT_LIST_HASH_BYTES]);

/* Whether a text has the form of a hash. */
bool journal_hash_is_valid(const char *hash);
