/*
 * Deleting items, softly, and taking that back. What is deleted gets a deleted_at and is gone from
 * every view. With cascade, what lies below goes too, kind by kind from the root down, so that a
 * child is found after its parent is locked. A child that is being created at the same moment
 * either holds its parent first, and is found here, or finds the parent deleted.
 *
 * All that went with one item has the same deleted_at: that is how it is found when it is to come
 * back with it.
 */
#include <stdio.h>

#include "shared/buf.h"
#include "shared/mem.h"

#include "control/cmdb/item.h"
#include "control/store/tx.h"

typedef VEC(struct uuid) id_list;

/* An item and what is below it: ids by kind. */
struct family {
    struct str deleted_at; /* NULL: of the living; else of what was deleted at that moment */
    id_list ids[ENTITY_COUNT];
};

static void family_clear(struct family *family)
{
    for (int kind = 0; kind < ENTITY_COUNT; kind++)
        vec_clear(&family->ids[kind]);
}

void item_list_clear(item_list *items)
{
    for (size_t i = 0; i < items->len; i++)
        item_clear(&items->items[i]);
    vec_clear(items);
}

/* Locks and adds the children of `type` that one of its references ties to one of the family. */
static enum err add_children(struct tx *tx, const struct item_type *type,
                             const struct item_reference *reference, struct family *family,
                             size_t *ret_added)
{
    AUTO(rows_free) struct rows *rows = NULL;
    id_list *known = &family->ids[type->kind];
    const id_list *parents = &family->ids[reference->to];

    *ret_added = 0;
    if (parents->len == 0)
        return OK;
    if (family->deleted_at.ptr)
        TRY(tx_query(tx, &reference->fallen,
                     PARAMS(p_uuids(parents->items, parents->len),
                            p_uuids(known->items, known->len), p_str(family->deleted_at)),
                     &rows));
    else
        TRY(tx_query(
            tx, &reference->children,
            PARAMS(p_uuids(parents->items, parents->len), p_uuids(known->items, known->len)),
            &rows));
    *ret_added = (size_t)rows_count(rows);
    for (int row = 0; row < rows_count(rows); row++)
        vec_push(known, row_uuid(rows, row, 0));
    return OK;
}

/* Finds all that lies below the item. A kind that refers to itself is asked until nothing new is
 * found. */
static enum err add_descendants(struct tx *tx, struct family *family)
{
    for (size_t i = 0; i < item_type_count; i++) {
        const struct item_type *type = &item_types[i];

        for (int r = 0; type->references[r].field; r++) {
            const struct item_reference *reference = &type->references[r];
            size_t added;

            do {
                TRY(add_children(tx, type, reference, family, &added));
            } while (added > 0 && reference->to == type->kind);
        }
    }
    return OK;
}

/* "3 instances and 1 check" would be nicer in one language; counts by collection are enough for a
 * refusal. */
static enum err refuse(const struct family *family, const struct item *item)
{
    CLEANUP(buf_clear_p) struct buf counts = {0};

    for (size_t i = 0; i < item_type_count; i++) {
        size_t count =
            family->ids[item_types[i].kind].len - (item_types[i].kind == item->type->kind);

        if (count > 0)
            buf_printf(&counts, "%s%zu %s", counts.len > 0 ? ", " : "", count,
                       item_types[i].collection);
    }
    if (counts.len == 0)
        return OK;
    return fail(ERR_CONFLICT, "has_children",
                "Below the %s there are: %s. With ?cascade=true they are deleted too.",
                item->type->words, counts.data);
}

/* Reads the living of one kind. */
static enum err read_kind(struct tx *tx, const struct item_type *type, const id_list *ids,
                          item_list *items)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (ids->len == 0)
        return OK;
    TRY(tx_query(tx, &type->objects, PARAMS(p_uuids(ids->items, ids->len)), &rows));
    for (int row = 0; row < rows_count(rows); row++) {
        struct uuid id = row_uuid(rows, row, 0);
        struct uuid organisation_id = row_uuid(rows, row, 1);

        vec_push(items, item_from_row(type, &id, &organisation_id, rows, row, 2));
    }
    return OK;
}

/* Deletes the family's items of one kind, and gives back what they were. */
static enum err delete_kind(struct tx *tx, const struct item_type *type, const id_list *ids,
                            item_list *items)
{
    TRY(read_kind(tx, type, ids, items));
    if (ids->len == 0)
        return OK;
    return tx_execute(tx, &type->delete, PARAMS(p_uuids(ids->items, ids->len)), NULL);
}

enum err item_delete(struct tx *tx, const struct item *item, bool cascade, item_list *ret_items)
{
    CLEANUP(family_clear) struct family family = {0};
    CLEANUP(item_list_clear_p) item_list items = {0};

    TRY(item_check_organisations(tx, item->type));
    vec_push(&family.ids[item->type->kind], item->id);
    TRY(add_descendants(tx, &family));
    if (!cascade)
        TRY(refuse(&family, item));
    for (size_t i = 0; i < item_type_count; i++)
        TRY(delete_kind(tx, &item_types[i], &family.ids[item_types[i].kind], &items));
    *ret_items = items;
    items = (item_list){0};
    return OK;
}

/* ---- taking it back ---- */

/* Holds what the restored items of a kind refer to, unless it is restored, too: it must live. */
static enum err hold_parents(struct tx *tx, const struct item_type *type,
                             const struct item_reference *reference, const struct family *family)
{
    AUTO(rows_free) struct rows *parents = NULL;
    const struct item_type *to = item_type_of(reference->to);
    const id_list *ids = &family->ids[type->kind];
    const id_list *restored = &family->ids[to->kind];

    TRY(tx_query(tx, &reference->parents,
                 PARAMS(p_uuids(ids->items, ids->len), p_uuids(restored->items, restored->len)),
                 &parents));
    for (int row = 0; row < rows_count(parents); row++) {
        AUTO(rows_free) struct rows *found = NULL;
        struct uuid id = row_uuid(parents, row, 0);
        char text[UUID_TEXT_BYTES];

        TRY(tx_query(tx, &to->find, PARAMS(p_uuid(&id)), &found));
        if (rows_count(found) == 0)
            return fail(ERR_CONFLICT, "parent_deleted",
                        "The %s %s that it belongs to is deleted: restore that one first.",
                        to->words, uuid_format(&id, text));
    }
    return OK;
}

static enum err restore_kind(struct tx *tx, const struct item_type *type,
                             const struct family *family)
{
    const id_list *ids = &family->ids[type->kind];
    enum err err;

    if (ids->len == 0)
        return OK;
    for (int r = 0; type->references[r].field; r++)
        TRY(hold_parents(tx, type, &type->references[r], family));
    err = tx_execute(tx, &type->restore, PARAMS(p_uuids(ids->items, ids->len)), NULL);
    if (err == ERR_CONFLICT && str_equal(str_of(failure_last()->code), STR("unique_violation")))
        return fail(ERR_CONFLICT, "key_taken",
                    "Another %s has the key by now: give that one another first.", type->words);
    return err;
}

enum err item_restore(struct tx *tx, const struct item_type *type, const struct uuid *id,
                      bool cascade, item_list *ret_items)
{
    AUTO(rows_free) struct rows *rows = NULL;
    CLEANUP(family_clear) struct family family = {0};
    CLEANUP(item_list_clear_p) item_list items = {0};

    TRY(tx_query(tx, &type->lock_fallen, PARAMS(p_uuid(id)), &rows));
    if (rows_count(rows) == 0)
        return fail(ERR_NOT_FOUND, "item_missing", "There is no such %s.", type->words);
    TRY(item_check_organisations(tx, type));
    if (row_is_null(rows, 0, 0))
        return fail(ERR_CONFLICT, "item_living", "The %s is not deleted.", type->words);
    family.deleted_at = row_text(rows, 0, 0);
    vec_push(&family.ids[type->kind], *id);
    if (cascade)
        TRY(add_descendants(tx, &family));
    for (size_t i = 0; i < item_type_count; i++)
        TRY(restore_kind(tx, &item_types[i], &family));
    for (size_t i = 0; i < item_type_count; i++)
        TRY(read_kind(tx, &item_types[i], &family.ids[item_types[i].kind], &items));
    *ret_items = items;
    items = (item_list){0};
    return OK;
}
