/* Rows of the table `change`; nothing ever updates or deletes one. The sealer is told before the
 * commit, and looks for a while. */
#include "control/journal/journal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/crypto.h"
#include "shared/mem.h"

#include "control/journal/journal.sql.h"
#include "control/journal/sealer.h"
#include "control/store/tx.h"

/* The columns of the entries, as the arrays that the statement takes. */
struct columns {
    struct uuid *ids;
    struct uuid *entity_ids;
    struct uuid *organisation_ids;
    struct str *actions;
    struct str *kinds;
    struct str *before;
    struct str *after;
    struct str *reasons;
};

static void columns_clear(struct columns *columns)
{
    free(columns->ids);
    free(columns->entity_ids);
    free(columns->organisation_ids);
    free(columns->actions);
    free(columns->kinds);
    free(columns->before);
    free(columns->after);
    free(columns->reasons);
}

static void columns_fill(struct columns *columns, const char *reason,
                         const struct journal_entry *entries, size_t count)
{
    *columns = (struct columns){
        .ids = xcalloc(count, sizeof *columns->ids),
        .entity_ids = xcalloc(count, sizeof *columns->entity_ids),
        .organisation_ids = xcalloc(count, sizeof *columns->organisation_ids),
        .actions = xcalloc(count, sizeof *columns->actions),
        .kinds = xcalloc(count, sizeof *columns->kinds),
        .before = xcalloc(count, sizeof *columns->before),
        .after = xcalloc(count, sizeof *columns->after),
        .reasons = xcalloc(count, sizeof *columns->reasons),
    };
    for (size_t i = 0; i < count; i++) {
        columns->ids[i] = uuid_is_nil(&entries[i].id) ? uuid_new() : entries[i].id;
        columns->entity_ids[i] = entries[i].entity_id;
        columns->organisation_ids[i] = entries[i].organisation_id;
        columns->actions[i] = str_of(entries[i].action);
        columns->kinds[i] = str_of(entity_words[entries[i].kind]);
        columns->before[i] = str_of(entries[i].before);
        columns->after[i] = str_of(entries[i].after);
        columns->reasons[i] = str_of(entries[i].reason ? entries[i].reason : reason);
    }
}

enum err journal_record(struct tx *tx, struct journal_author author,
                        const struct journal_entry *entries, size_t count)
{
    CLEANUP(columns_clear) struct columns columns;

    columns_fill(&columns, author.reason, entries, count);
    sealer_ring();
    return tx_execute(tx, &sql_change_insert,
                      PARAMS(p_text(author.request_id), p_uuid(author.id), p_text(author.name),
                             p_uuids(columns.ids, count), p_texts(columns.actions, count),
                             p_texts(columns.kinds, count), p_uuids(columns.entity_ids, count),
                             p_uuids(columns.organisation_ids, count),
                             p_texts(columns.before, count), p_texts(columns.after, count),
                             p_texts(columns.reasons, count), p_uuid(author.credential_id),
                             p_text(author.address)),
                      NULL);
}

enum err journal_key(struct tx *tx, uint8_t ret_key[JOURNAL_KEY_BYTES])
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct str key;

    TRY(tx_query_one(tx, &sql_journal_key, NO_PARAMS, &rows));
    key = row_bytes(rows, 0, 0);
    assert(key.len == JOURNAL_KEY_BYTES); /* by the table's check */
    memcpy(ret_key, key.ptr, key.len);
    return OK;
}

void journal_secret_hash(const uint8_t key[JOURNAL_KEY_BYTES], const struct uuid *entity_id,
                         struct str secret, char ret_hash[JOURNAL_SECRET_HASH_BYTES])
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    uint8_t code[SHA256_BYTES];
    size_t len;

    buf_append(&text, entity_id->bytes, sizeof entity_id->bytes);
    buf_append_str(&text, secret);
    hmac_sha256(str_n((const char *)key, JOURNAL_KEY_BYTES), buf_str(&text), code);
    wipe(text.data, text.len);
    len = (size_t)snprintf(ret_hash, JOURNAL_SECRET_HASH_BYTES, "hmac-sha256:");
    for (size_t i = 0; i < sizeof code; i++)
        len += (size_t)snprintf(ret_hash + len, JOURNAL_SECRET_HASH_BYTES - len, "%02x", code[i]);
}
