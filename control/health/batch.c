/*
 * Columns are vectors, because that is how they go to the database (unnest). Bytes are collected in
 * one buffer and become views of it at the time of writing, when it does not move any more.
 */
#include "control/health/batch.h"

#include "shared/buf.h"
#include "shared/frame.h"
#include "shared/mem.h"
#include "shared/result_json.h"
#include "shared/vec.h"

#include "control/health/check_codec.h"
#include "control/health/engine.sql.h"
#include "control/health/samples.h"
#include "control/store/db.h"
#include "control/store/tx.h"

/* Bytes in batch->bytes. */
struct span {
    size_t at;
    size_t len;
};

struct due_chunk {
    struct uuid check_id;
    int64_t first; /* number of its first result */
};

struct batch {
    struct buf bytes;
    VEC(struct str) views; /* scratch: spans as views */

    struct {
        VEC(struct uuid) ids;
        VEC(int64_t) results;
        VEC(struct span) states;
    } checks;

    struct {
        VEC(struct uuid) ids;
        VEC(int64_t) slots;
        VEC(int64_t) times;
        VEC(struct uuid) probers;
        VEC(struct span) records;
    } results, kept;

    VEC(struct due_chunk) chunks;

    struct {
        VEC(struct uuid) ids;
        VEC(struct str) kinds;
        VEC(struct str) states;
        VEC(struct str) measured;
        VEC(int64_t) since;
        VEC(int64_t) versions;
        VEC(struct str) reasons;
        VEC(bool) partial;
        VEC(bool) under;
    } statuses;

    struct {
        VEC(int64_t) sequences;
        VEC(int64_t) times;
        VEC(int64_t) noted;
        VEC(struct str) kinds;
        VEC(struct uuid) ids;
        VEC(struct str) keys;
        VEC(struct str) names;
        VEC(struct span) scopes;
        VEC(struct str) from;
        VEC(struct str) to;
        VEC(int64_t) versions;
        VEC(struct str) reasons;
    } events;

    struct {
        VEC(int64_t) sequences;
        VEC(int64_t) times;
        VEC(struct uuid) ids;
        VEC(struct str) messages;
        VEC(struct str) states;
    } announcements;

    struct {
        VEC(struct uuid) probers;
        VEC(int64_t) boots;
        VEC(int64_t) sequences;
        VEC(int64_t) lost;
    } positions;
};

struct batch *batch_new(void)
{
    return NEW(struct batch);
}

/* Calls `action` for each vector of the batch. */
#define EACH_VECTOR(batch, action)                                                                 \
    do {                                                                                           \
        action(&(batch)->views);                                                                   \
        action(&(batch)->checks.ids);                                                              \
        action(&(batch)->checks.results);                                                          \
        action(&(batch)->checks.states);                                                           \
        action(&(batch)->results.ids);                                                             \
        action(&(batch)->results.slots);                                                           \
        action(&(batch)->results.times);                                                           \
        action(&(batch)->results.probers);                                                         \
        action(&(batch)->results.records);                                                         \
        action(&(batch)->kept.ids);                                                                \
        action(&(batch)->kept.slots);                                                              \
        action(&(batch)->kept.times);                                                              \
        action(&(batch)->kept.probers);                                                            \
        action(&(batch)->kept.records);                                                            \
        action(&(batch)->chunks);                                                                  \
        action(&(batch)->statuses.ids);                                                            \
        action(&(batch)->statuses.kinds);                                                          \
        action(&(batch)->statuses.states);                                                         \
        action(&(batch)->statuses.measured);                                                       \
        action(&(batch)->statuses.since);                                                          \
        action(&(batch)->statuses.versions);                                                       \
        action(&(batch)->statuses.reasons);                                                        \
        action(&(batch)->statuses.partial);                                                        \
        action(&(batch)->statuses.under);                                                          \
        action(&(batch)->events.sequences);                                                        \
        action(&(batch)->events.times);                                                            \
        action(&(batch)->events.noted);                                                            \
        action(&(batch)->events.kinds);                                                            \
        action(&(batch)->events.ids);                                                              \
        action(&(batch)->events.keys);                                                             \
        action(&(batch)->events.names);                                                            \
        action(&(batch)->events.scopes);                                                           \
        action(&(batch)->events.from);                                                             \
        action(&(batch)->events.to);                                                               \
        action(&(batch)->events.versions);                                                         \
        action(&(batch)->events.reasons);                                                          \
        action(&(batch)->announcements.sequences);                                                 \
        action(&(batch)->announcements.times);                                                     \
        action(&(batch)->announcements.ids);                                                       \
        action(&(batch)->announcements.messages);                                                  \
        action(&(batch)->announcements.states);                                                    \
        action(&(batch)->positions.probers);                                                       \
        action(&(batch)->positions.boots);                                                         \
        action(&(batch)->positions.sequences);                                                     \
        action(&(batch)->positions.lost);                                                          \
    } while (0)

#define EMPTY_VECTOR(vec) ((vec)->len = 0)

void batch_clear(struct batch *batch)
{
    buf_reset(&batch->bytes);
    EACH_VECTOR(batch, EMPTY_VECTOR);
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    buf_clear(&batch->bytes);
    EACH_VECTOR(batch, vec_clear);
    free(batch);
}

bool batch_is_empty(const struct batch *batch)
{
    return batch->checks.ids.len == 0 && batch->results.ids.len == 0 &&
           batch->statuses.ids.len == 0 && batch->events.ids.len == 0 &&
           batch->announcements.ids.len == 0 && batch->positions.probers.len == 0;
}

/* Collecting ---------------------------------------------------------------------------------- */

static struct span keep_bytes(struct batch *batch, struct str bytes)
{
    struct span span = {batch->bytes.len, bytes.len};

    buf_append_str(&batch->bytes, bytes);
    return span;
}

void batch_add_state(struct batch *batch, const struct uuid *check_id, int64_t results_before,
                     int64_t results, const struct check_state *state)
{
    size_t at = batch->bytes.len;
    int64_t full = results / SAMPLES_PER_CHUNK;

    check_state_write(&batch->bytes, state);
    vec_push(&batch->checks.ids, *check_id);
    vec_push(&batch->checks.results, results);
    vec_push(&batch->checks.states, (struct span){at, batch->bytes.len - at});
    if (full > results_before / SAMPLES_PER_CHUNK)
        vec_push(&batch->chunks, (struct due_chunk){*check_id, (full - 1) * SAMPLES_PER_CHUNK});
}

void batch_add_result(struct batch *batch, const struct result *result, int64_t number,
                      const struct uuid *prober_id, struct str record, bool kept)
{
    struct span span = keep_bytes(batch, record);

    vec_push(&batch->results.ids, result->check_id);
    vec_push(&batch->results.slots, number % RESULT_RING_SLOTS);
    vec_push(&batch->results.times, result->at_ms);
    vec_push(&batch->results.probers, *prober_id);
    vec_push(&batch->results.records, span);
    if (!kept)
        return;
    vec_push(&batch->kept.ids, result->check_id);
    vec_push(&batch->kept.times, result->at_ms);
    vec_push(&batch->kept.probers, *prober_id);
    vec_push(&batch->kept.records, span);
}

void batch_add_status(struct batch *batch, const struct node *node)
{
    const struct status *status = &node->status;

    vec_push(&batch->statuses.ids, node->id);
    vec_push(&batch->statuses.kinds, str_of(entity_words[node->kind]));
    vec_push(&batch->statuses.states, str_of(state_word(status->state)));
    vec_push(&batch->statuses.measured, str_of(state_word(status->measured)));
    vec_push(&batch->statuses.since, status->since_ms);
    vec_push(&batch->statuses.versions, status->version);
    vec_push(&batch->statuses.reasons, str_of(status->reason));
    vec_push(&batch->statuses.partial, status->partial_maintenance);
    vec_push(&batch->statuses.under, status->under_maintenance);
}

/* The ids as the text of an array: {id,id,…}. */
static struct span keep_scope(struct batch *batch, const struct node *node)
{
    struct uuid ids[TREE_SCOPE_MAX];
    size_t count = tree_scope(node, ids);
    size_t at = batch->bytes.len;
    char text[UUID_TEXT_BYTES];

    buf_append_char(&batch->bytes, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(&batch->bytes, ',');
        buf_append_text(&batch->bytes, uuid_format(&ids[i], text));
    }
    buf_append_char(&batch->bytes, '}');
    return (struct span){at, batch->bytes.len - at};
}

void batch_add_event(struct batch *batch, int64_t seq, const struct tree_change *change,
                     int64_t noted_at_ms)
{
    const struct node *node = change->node;

    vec_push(&batch->events.sequences, seq);
    vec_push(&batch->events.times, change->at_ms);
    vec_push(&batch->events.noted, noted_at_ms);
    vec_push(&batch->events.kinds, str_of(entity_words[node->kind]));
    vec_push(&batch->events.ids, node->id);
    vec_push(&batch->events.keys, str_of(node->key));
    vec_push(&batch->events.names, str_of(node->name));
    vec_push(&batch->events.scopes, keep_scope(batch, node));
    vec_push(&batch->events.from, str_of(state_word(change->from)));
    vec_push(&batch->events.to, str_of(state_word(change->to)));
    vec_push(&batch->events.versions, change->status.version);
    vec_push(&batch->events.reasons, str_of(change->status.reason));
}

void batch_add_announcement(struct batch *batch, int64_t seq, int64_t at_ms,
                            const struct uuid *check_id, enum message message, enum state state)
{
    vec_push(&batch->announcements.sequences, seq);
    vec_push(&batch->announcements.times, at_ms);
    vec_push(&batch->announcements.ids, *check_id);
    vec_push(&batch->announcements.messages, str_of(message_word(message)));
    vec_push(&batch->announcements.states, str_of(state_word(state)));
}

void batch_add_position(struct batch *batch, const struct uuid *prober_id, uint64_t boot_id,
                        uint64_t acked_seq, uint64_t lost)
{
    size_t at = 0;

    while (at < batch->positions.probers.len &&
           (batch->positions.boots.items[at] != (int64_t)boot_id ||
            !uuid_equal(&batch->positions.probers.items[at], prober_id)))
        at++;
    if (at == batch->positions.probers.len) {
        vec_push(&batch->positions.probers, *prober_id);
        vec_push(&batch->positions.boots, (int64_t)boot_id);
        vec_push(&batch->positions.sequences, 0);
        vec_push(&batch->positions.lost, 0);
    }
    batch->positions.sequences.items[at] = (int64_t)acked_seq;
    batch->positions.lost.items[at] = (int64_t)lost;
}

/* Writing ------------------------------------------------------------------------------------- */

/* The spans as views, valid until the next call. */
static const struct str *views_of(struct batch *batch, const struct span *spans, size_t count)
{
    batch->views.len = 0;
    for (size_t i = 0; i < count; i++)
        vec_push(&batch->views, str_n(batch->bytes.data + spans[i].at, spans[i].len));
    return batch->views.items;
}

static enum err write_results(struct batch *batch, struct tx *tx)
{
    size_t count = batch->results.ids.len;

    if (batch->checks.ids.len > 0)
        TRY(tx_execute(
            tx, &sql_check_states_write,
            PARAMS(p_uuids(batch->checks.ids.items, batch->checks.ids.len),
                   p_ints(batch->checks.results.items, batch->checks.ids.len),
                   p_bytes_array(views_of(batch, batch->checks.states.items, batch->checks.ids.len),
                                 batch->checks.ids.len)),
            NULL));
    if (count > 0)
        TRY(tx_execute(
            tx, &sql_result_ring_write,
            PARAMS(p_uuids(batch->results.ids.items, count),
                   p_ints(batch->results.slots.items, count),
                   p_ms_array(batch->results.times.items, count),
                   p_uuids(batch->results.probers.items, count),
                   p_bytes_array(views_of(batch, batch->results.records.items, count), count)),
            NULL));
    count = batch->kept.ids.len;
    if (count > 0)
        TRY(tx_execute(
            tx, &sql_result_kept_write,
            PARAMS(p_uuids(batch->kept.ids.items, count),
                   p_ms_array(batch->kept.times.items, count),
                   p_uuids(batch->kept.probers.items, count),
                   p_bytes_array(views_of(batch, batch->kept.records.items, count), count)),
            NULL));
    return OK;
}

static int compare_samples(const void *a, const void *b)
{
    const struct sample *left = a;
    const struct sample *right = b;

    return (left->at_ms > right->at_ms) - (left->at_ms < right->at_ms);
}

/* The results of a chunk that is due, out of the rows of the rings; late ones are put in order. */
static size_t samples_of(const struct due_chunk *chunk, const struct rows *rows,
                         struct sample ret_samples[SAMPLES_PER_CHUNK])
{
    size_t count = 0;

    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid id = row_uuid(rows, row, 0);
        int64_t place = (row_int(rows, row, 1) - chunk->first) % RESULT_RING_SLOTS;
        struct str record = row_bytes(rows, row, 2);
        struct result result;

        if (place < 0)
            place += RESULT_RING_SLOTS;
        if (place >= SAMPLES_PER_CHUNK || !uuid_equal(&id, &chunk->check_id) ||
            !frame_result_read(&record, &result))
            continue;
        ret_samples[count++] =
            (struct sample){result.at_ms, result.verdict, result.outcome, result.timings.total_us};
    }
    qsort(ret_samples, count, sizeof *ret_samples, compare_samples);
    return count;
}

static enum err write_chunks(struct batch *batch, struct tx *tx)
{
    AUTO(rows_free) struct rows *rows = NULL;
    CLEANUP(buf_clear_p) struct buf packed = {0};
    struct sample samples[SAMPLES_PER_CHUNK];

    for (size_t i = 0; i < batch->chunks.len; i++) {
        const struct due_chunk *chunk = &batch->chunks.items[i];
        size_t count;

        rows_free(TAKE(rows));
        TRY(tx_query(tx, &sql_result_ring_of, PARAMS(p_uuids(&chunk->check_id, 1)), &rows));
        count = samples_of(chunk, rows, samples);
        if (count == 0)
            continue;
        buf_reset(&packed);
        samples_pack(&packed, samples, count);
        TRY(tx_execute(tx, &sql_sample_chunks_write,
                       PARAMS(p_uuids(&chunk->check_id, 1), p_ms_array(&samples[0].at_ms, 1),
                              p_ms_array(&samples[count - 1].at_ms, 1),
                              p_bytes_array(&(struct str){packed.data, packed.len}, 1)),
                       NULL));
    }
    return OK;
}

static enum err write_statuses(struct batch *batch, struct tx *tx)
{
    size_t count = batch->statuses.ids.len;

    if (count == 0)
        return OK;
    return tx_execute(tx, &sql_entity_statuses_write,
                      PARAMS(p_uuids(batch->statuses.ids.items, count),
                             p_texts(batch->statuses.kinds.items, count),
                             p_texts(batch->statuses.states.items, count),
                             p_texts(batch->statuses.measured.items, count),
                             p_ms_array(batch->statuses.since.items, count),
                             p_ints(batch->statuses.versions.items, count),
                             p_texts(batch->statuses.reasons.items, count),
                             p_bools(batch->statuses.partial.items, count),
                             p_bools(batch->statuses.under.items, count)),
                      NULL);
}

static enum err write_events(struct batch *batch, struct tx *tx)
{
    size_t count = batch->events.ids.len;

    if (count > 0)
        TRY(tx_execute(
            tx, &sql_status_events_write,
            PARAMS(
                p_ints(batch->events.sequences.items, count),
                p_ms_array(batch->events.times.items, count),
                p_ms_array(batch->events.noted.items, count),
                p_texts(batch->events.kinds.items, count), p_uuids(batch->events.ids.items, count),
                p_texts(batch->events.keys.items, count), p_texts(batch->events.names.items, count),
                p_texts(views_of(batch, batch->events.scopes.items, count), count),
                p_texts(batch->events.from.items, count), p_texts(batch->events.to.items, count),
                p_ints(batch->events.versions.items, count),
                p_texts(batch->events.reasons.items, count)),
            NULL));
    count = batch->announcements.ids.len;
    if (count > 0)
        TRY(tx_execute(tx, &sql_announcements_write,
                       PARAMS(p_ints(batch->announcements.sequences.items, count),
                              p_ms_array(batch->announcements.times.items, count),
                              p_uuids(batch->announcements.ids.items, count),
                              p_texts(batch->announcements.messages.items, count),
                              p_texts(batch->announcements.states.items, count)),
                       NULL));
    return OK;
}

static enum err write_positions(struct batch *batch, struct tx *tx)
{
    size_t count = batch->positions.probers.len;

    if (count == 0)
        return OK;
    return tx_execute(tx, &sql_ingest_positions_write,
                      PARAMS(p_uuids(batch->positions.probers.items, count),
                             p_ints(batch->positions.boots.items, count),
                             p_ints(batch->positions.sequences.items, count),
                             p_ints(batch->positions.lost.items, count)),
                      NULL);
}

enum err batch_write(struct batch *batch, struct db *db, uint64_t connection)
{
    AUTO(tx_rollback) struct tx *tx = NULL;

    TRY(tx_begin(db, &tx));
    if (db_connection(db) != connection)
        return fail(ERR_UNAVAILABLE, "connection_new", "The connection was lost.");
    TRY(write_results(batch, tx));
    TRY(write_chunks(batch, tx));
    TRY(write_statuses(batch, tx));
    TRY(write_events(batch, tx));
    TRY(write_positions(batch, tx));
    return tx_commit(TAKE(tx));
}
