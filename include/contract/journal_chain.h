/*
 * How the journal is chained, so that anybody can verify an export of it with SHA-256 alone.
 *
 * A hash is that of a list of texts: each written as its length in bytes (decimal, ASCII), ":", its
 * bytes, ","; one that is absent as "-,". So no two lists are written alike. The SHA-256 of all that
 * is shown as 64 lower-case hexadecimal digits. The list
 *
 *   "em.change.1", then JOURNAL_RECORD_FIELDS in their order      is hashed for a record,
 *   "em.change.2", then these and `address`                       for one with an address,
 *   "em.batch.1", then JOURNAL_BATCH_FIELDS in their order,
 *                 then the hashes of its records by sequence       is hashed for a batch.
 *
 * So a record that was sealed before addresses were noted has the hash that it had, and one that is
 * given an address, or robbed of it, has another one.
 * Numbers are decimal. `chain` is the organisation's id, or the nil UUID for the installation as a
 * whole. In each chain, `sequence` counts from 1 without gaps, and batches follow one another without
 * gaps: a batch's `previous` is the hash of the one before, of the first one JOURNAL_CHAIN_BEGIN.
 * `before` and `after` are the JSON texts as PostgreSQL prints jsonb. Times are
 * "2026-11-20T10:00:00.123456Z".
 *
 * An export is lines of JSON:
 *   {"journal": 2}                                              the first line, with the format's number
 *   {"record": {the fields, "address", "hash"}}                 by chain, then by sequence
 *   {"missing": {"chain", "sequence", "id", "hash"}}            a record that was sealed and is gone
 *   {"batch": {"chain", "first", "last", "count", "sealed_at", "hash"}}  after its last record
 *   {"heads": [{"chain", "sequence", "hash"}]}                  the last line: where each chain ends
 * Sequences are numbers there, all else texts or null. Format 1 had no addresses.
 */
#pragma once

#define JOURNAL_EXPORT_FORMAT 2 /* readers take 1, too */

#define JOURNAL_RECORD_TAG_1 "em.change.1"
#define JOURNAL_RECORD_TAG_2 "em.change.2" /* with an address */
#define JOURNAL_BATCH_TAG    "em.batch.1"

/* The nil UUID: the chain of what belongs to no organisation. */
#define JOURNAL_INSTALLATION "00000000-0000-0000-0000-000000000000"

#define JOURNAL_CHAIN_BEGIN "0000000000000000000000000000000000000000000000000000000000000000"

#define JOURNAL_RECORD_FIELDS(FIELD)                                                               \
    FIELD(chain)                                                                                   \
    FIELD(sequence)                                                                                \
    FIELD(id)                                                                                      \
    FIELD(at)                                                                                      \
    FIELD(request_id)                                                                              \
    FIELD(actor_id)                                                                                \
    FIELD(actor)                                                                                   \
    FIELD(credential_id)                                                                           \
    FIELD(action)                                                                                  \
    FIELD(kind)                                                                                    \
    FIELD(entity)                                                                                  \
    FIELD(before)                                                                                  \
    FIELD(after)                                                                                   \
    FIELD(reason)

#define JOURNAL_BATCH_FIELDS(FIELD)                                                                \
    FIELD(chain)                                                                                   \
    FIELD(previous)                                                                                \
    FIELD(first)                                                                                   \
    FIELD(last)                                                                                    \
    FIELD(count)                                                                                   \
    FIELD(sealed_at)
