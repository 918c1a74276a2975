/*
 * One pass: look whether there is something, and if so take it, number it, hash it and write it, in
 * one transaction. While people write, a pass every 20 ms; after a second without anything, one when
 * the doorbell rings or a second has gone by, because another process may have written.
 */
#include "control/journal/sealer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "contract/journal_chain.h"

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/metrics.h"
#include "shared/ring.h"
#include "shared/vec.h"

#include "control/journal/sealed_batch.h"
#include "control/journal/sealer.sql.h"
#include "control/store/db.h"
#include "control/store/tx.h"

#define LOCK_KEY     INT64_C(0x656d2d7365616c65) /* "em-seale" */
#define BATCH_MOST   2000
#define PAUSE_US     20000
#define POLL_US      1000000
#define AWAKE_US     1000000
#define FIRST_TEXT   3 /* the column of the first text that is hashed */
#define PLACE_COLUMN 2

struct sealer {
    pthread_t thread;
    struct db *db;
    uint64_t lead; /* the connection that has the lock; 0: none */
    struct ring *doorbell;
    atomic_bool stopping;
    int64_t awake_until_us;
    bool failed; /* the last pass did, and it was said */
    struct sealer_ops ops;
};

static struct metric sealed =
    METRIC_COUNTER("em_journal_sealed_total", "Records of the journal that were sealed");
static struct metric batches =
    METRIC_COUNTER("em_journal_batches_total", "Batches of chains that were sealed");

/* Of the one sealer of the process. Set before anybody writes, and unset when nobody does any more.
 */
static struct ring *_Atomic the_doorbell;

void sealer_ring(void)
{
    struct ring *doorbell = atomic_load(&the_doorbell);
    bool is_first = doorbell && ring_push(doorbell, doorbell);

    (void)is_first; /* a full ring means that it has rung already */
}

/* What a pass stands on. */
struct look {
    int64_t position;
    int64_t oldest; /* the transaction up to which all is settled */
    struct str now; /* borrowed from `rows` */
    bool is_foreign;
    bool has_work;
    struct rows *rows;
};

/* The columns of what is written. */
struct seals {
    VEC(int64_t) positions;
    VEC(struct uuid) chains;
    VEC(int64_t) sequences;
    VEC(struct uuid) changes;
    VEC(struct str) hashes; /* into hash_bytes */
    char (*hash_bytes)[TEXT_LIST_HASH_BYTES];
    VEC(struct sealed_chain) parts;
};

static void seals_clear(struct seals *seals)
{
    for (size_t i = 0; i < seals->parts.len; i++)
        sealed_chain_clear(&seals->parts.items[i]);
    vec_clear(&seals->positions);
    vec_clear(&seals->chains);
    vec_clear(&seals->sequences);
    vec_clear(&seals->changes);
    vec_clear(&seals->hashes);
    vec_clear(&seals->parts);
    free(seals->hash_bytes);
}

/* The lead ------------------------------------------------------------------------------------ */

/* What is asked for is always at the end of long tables, and is found there by their indexes: a plan
 * made for their beginning, or for a table without statistics, would read all of it. */
static const char settings[] =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
    " SET max_parallel_workers_per_gather = 0";

/* @return ERR_CONFLICT while another has it. */
static enum err take_lead(struct sealer *sealer)
{
    AUTO(rows_free) struct rows *rows = NULL;

    TRY(db_connect(sealer->db));
    if (sealer->lead == db_connection(sealer->db))
        return OK;
    sealer->lead = 0;
    TRY(db_run_script(sealer->db, settings));
    TRY(db_query_one(sealer->db, &sql_sealer_lock, PARAMS(p_int(LOCK_KEY)), &rows));
    if (!row_bool(rows, 0, 0))
        return fail(ERR_CONFLICT, "sealer_elsewhere", "Another em-control seals the journal.");
    sealer->lead = db_connection(sealer->db);
    log_info("journal.lead", "connection=%llu", (unsigned long long)sealer->lead);
    return OK;
}

/* One batch ----------------------------------------------------------------------------------- */

static enum err look_at(struct sealer *sealer, struct look *ret_look)
{
    struct rows *rows;

    TRY(db_query_one(sealer->db, &sql_sealer_look, NO_PARAMS, &rows));
    *ret_look = (struct look){
        .position = row_int(rows, 0, 0),
        .oldest = row_int(rows, 0, 1),
        .now = row_text(rows, 0, 2),
        .is_foreign = row_bool(rows, 0, 3),
        .has_work = row_bool(rows, 0, 4),
        .rows = rows,
    };
    return OK;
}

static void look_clear(struct look *look)
{
    rows_free(look->rows);
}

/* Begins a part for each chain in the rows, which come by chain. */
static enum err begin_parts(struct tx *tx, const struct rows *rows, struct seals *seals)
{
    AUTO(rows_free) struct rows *heads = NULL;
    VEC(struct uuid) ids = {0};
    enum err err;

    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid id = row_uuid(rows, row, 1);

        if (ids.len == 0 || !uuid_equal(&ids.items[ids.len - 1], &id))
            vec_push(&ids, id);
    }
    err = tx_query(tx, &sql_sealer_heads, PARAMS(p_uuids(ids.items, ids.len)), &heads);
    for (size_t i = 0; err == OK && i < ids.len; i++) {
        struct sealed_chain chain;

        sealed_chain_begin(&chain, &ids.items[i], row_int(heads, (int)i, 0),
                           row_text(heads, (int)i, 1));
        vec_push(&seals->parts, chain);
    }
    vec_clear(&ids);
    return err;
}

static void add_row(struct seals *seals, const struct rows *rows, int row, int64_t position,
                    struct sealed_chain *chain)
{
    struct str texts[SEALED_TEXTS];

    for (int i = 0; i < SEALED_TEXTS; i++)
        texts[i] = row_text(rows, row, FIRST_TEXT + i);
    vec_push(&seals->sequences, sealed_chain_add(chain, texts, seals->hash_bytes[row]));
    vec_push(&seals->positions, position + row_int(rows, row, PLACE_COLUMN));
    vec_push(&seals->chains, chain->id);
    vec_push(&seals->changes, row_uuid(rows, row, 0));
    vec_push(&seals->hashes, str_of(seals->hash_bytes[row]));
}

static void seal_rows(struct seals *seals, const struct rows *rows, int64_t position,
                      struct str sealed_at)
{
    size_t part = 0;

    seals->hash_bytes = xcalloc((size_t)rows_count(rows), sizeof *seals->hash_bytes);
    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid chain_id = row_uuid(rows, row, 1);

        while (!uuid_equal(&seals->parts.items[part].id, &chain_id))
            part++;
        add_row(seals, rows, row, position, &seals->parts.items[part]);
    }
    for (size_t i = 0; i < seals->parts.len; i++)
        sealed_chain_end(&seals->parts.items[i], sealed_at);
}

static enum err write_parts(struct tx *tx, const struct seals *seals, struct str sealed_at)
{
    size_t count = seals->parts.len;
    AUTO(xfree) struct uuid *ids = xcalloc(count, sizeof *ids);
    AUTO(xfree) int64_t *firsts = xcalloc(count, sizeof *firsts);
    AUTO(xfree) int64_t *lasts = xcalloc(count, sizeof *lasts);
    AUTO(xfree) struct str *hashes = xcalloc(count, sizeof *hashes);

    for (size_t i = 0; i < count; i++) {
        const struct sealed_chain *chain = &seals->parts.items[i];

        ids[i] = chain->id;
        firsts[i] = chain->first;
        lasts[i] = chain->last;
        hashes[i] = str_of(chain->hash);
    }
    return tx_execute(tx, &sql_sealer_chain,
                      PARAMS(p_uuids(ids, count), p_ints(firsts, count), p_ints(lasts, count),
                             p_str(sealed_at), p_texts(hashes, count)),
                      NULL);
}

static enum err write_seals(struct tx *tx, const struct seals *seals, struct str sealed_at)
{
    size_t count = seals->positions.len;

    TRY(tx_execute(
        tx, &sql_sealer_seal,
        PARAMS(p_ints(seals->positions.items, count), p_uuids(seals->chains.items, count),
               p_ints(seals->sequences.items, count), p_uuids(seals->changes.items, count),
               p_texts(seals->hashes.items, count)),
        NULL));
    return write_parts(tx, seals, sealed_at);
}

/* @param ret_count how many records. */
static enum err seal_batch(struct sealer *sealer, const struct look *look, int *ret_count)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(rows_free) struct rows *last = NULL;
    CLEANUP(seals_clear) struct seals seals = {0};

    TRY(tx_begin(sealer->db, &tx));
    TRY(tx_query(tx, &sql_sealer_take,
                 PARAMS(p_int(look->position), p_bool(look->is_foreign), p_int(BATCH_MOST)),
                 &rows));
    *ret_count = rows_count(rows);
    if (*ret_count > 0) {
        TRY(tx_query_one(tx, &sql_sealer_position, NO_PARAMS, &last));
        TRY(begin_parts(tx, rows, &seals));
        seal_rows(&seals, rows, row_int(last, 0, 0), look->now);
        TRY(write_seals(tx, &seals, look->now));
    }
    if (*ret_count < BATCH_MOST)
        TRY(tx_execute(tx, &sql_sealer_advance, PARAMS(p_int(look->oldest)), NULL));
    TRY(tx_commit(TAKE(tx)));
    metric_add(&sealed, *ret_count);
    if (*ret_count > 0 && sealer->ops.sealed)
        sealer->ops.sealed(sealer->ops.context);
    metric_add(&batches, (int64_t)seals.parts.len);
    return OK;
}

/* The thread ---------------------------------------------------------------------------------- */

/* Seals all there is. */
static enum err pass(struct sealer *sealer)
{
    int count = BATCH_MOST;

    TRY(take_lead(sealer));
    while (count == BATCH_MOST) {
        CLEANUP(look_clear) struct look look = {0};

        TRY(look_at(sealer, &look));
        if (!look.has_work)
            return OK;
        TRY(seal_batch(sealer, &look, &count));
        sealer->awake_until_us = clock_monotonic_us() + AWAKE_US;
    }
    return OK;
}

/* Says what is wrong once, and when it is over. */
static void note(struct sealer *sealer, enum err err)
{
    bool failed = err != OK && err != ERR_CONFLICT && err != ERR_UNAVAILABLE;

    if (failed && !sealer->failed)
        log_error("journal.not_sealed", "err=%s code=%s detail=\"%s\"", err_word(err),
                  failure_last()->code, failure_last()->detail);
    if (sealer->failed && err == OK)
        log_info("journal.sealed_again", "position=kept");
    sealer->failed = failed || (sealer->failed && err != OK);
}

/* A doorbell that rings all the time must not make batches of one record each. */
static void wait_for_work(struct sealer *sealer, enum err err)
{
    bool rung;

    if (err == OK && clock_monotonic_us() < sealer->awake_until_us) {
        usleep(PAUSE_US);
        rung = ring_pop(sealer->doorbell, 0);
    } else {
        rung = ring_pop(sealer->doorbell, POLL_US);
        if (rung && err != OK && !atomic_load(&sealer->stopping))
            usleep(PAUSE_US);
    }
    if (rung)
        sealer->awake_until_us = clock_monotonic_us() + AWAKE_US;
}

static void *run(void *argument)
{
    struct sealer *sealer = argument;

    while (!atomic_load(&sealer->stopping)) {
        enum err err = pass(sealer);

        note(sealer, err);
        wait_for_work(sealer, err);
    }
    note(sealer, pass(sealer));
    failure_clear();
    return NULL;
}

enum err sealer_start(struct db *db, const struct sealer_ops *ops, struct sealer **ret_sealer)
{
    struct sealer *sealer = NEW(struct sealer);

    metric_register(&sealed);
    metric_register(&batches);
    sealer->db = db;
    sealer->ops = *ops;
    sealer->doorbell = ring_new(1);
    if (pthread_create(&sealer->thread, NULL, run, sealer) != 0) {
        ring_free(sealer->doorbell);
        db_free(db);
        free(sealer);
        return fail(ERR_UNAVAILABLE, "thread_failed", "The sealer's thread cannot be started.");
    }
    atomic_store(&the_doorbell, sealer->doorbell);
    *ret_sealer = sealer;
    return OK;
}

void sealer_stop(struct sealer *sealer)
{
    if (!sealer)
        return;
    atomic_store(&the_doorbell, NULL);
    atomic_store(&sealer->stopping, true);
    ring_close(sealer->doorbell);
    pthread_join(sealer->thread, NULL);
    ring_free(sealer->doorbell);
    db_free(sealer->db);
    free(sealer);
}
