/*
 * Deleting items, softly: they get a deleted_at and are gone from every view. With cascade, what
 * lies below goes too, kind by kind from the root down, so that a child is found after its parent
 * is locked. A child that is being created at the same moment either holds its parent first, and is
 * found here, or finds the parent deleted.
 */
#include <stdio.h>

#include "shared/buf.h"
#include "shared/mem.h"

#include "control/cmdb/item.h"
#include "control/store/tx.h"

typedef VEC(struct uuid) id_list;

/* The ids to delete, by kind. */
struct doomed {
    id_list ids[ENTITY_COUNT];
};

static void doomed_clear(struct doomed *doomed)
{
    for (int kind = 0; kind < ENTITY_COUNT; kind++)
        vec_clear(&doomed->ids[kind]);
}

void item_list_clear(item_list *items)
{
    for (size_t i = 0; i < items->len; i++)
        item_clear(&items->items[i]);
    vec_clear(items);
}

/* Locks and adds the children of `type` that one of its references ties to something doomed. */
static enum err add_children(struct tx *tx, const struct item_type *type,
                             const struct item_reference *reference, struct doomed *doomed,
                             size_t *ret_added)
{
    AUTO(rows_free) struct rows *rows = NULL;
    id_list *known = &doomed->ids[type->kind];
    const id_list *parents = &doomed->ids[reference->to];

    *ret_added = 0;
    if (parents->len == 0)
        return OK;
    TRY(tx_query(tx, &reference->children,
                 PARAMS(p_uuids(parents->items, parents->len), p_uuids(known->items, known->len)),
                 &rows));
    *ret_added = (size_t)rows_count(rows);
    for (int row = 0; row < rows_count(rows); row++)
        vec_push(known, row_uuid(rows, row, 0));
    return OK;
}

/* Finds all that lies below what is doomed. A kind that refers to itself is asked until nothing new
 * is found. */
static enum err add_descendants(struct tx *tx, struct doomed *doomed)
{
    for (size_t i = 0; i < item_type_count; i++) {
        const struct item_type *type = &item_types[i];

        for (int r = 0; type->references[r].field; r++) {
            const struct item_reference *reference = &type->references[r];
            size_t added;

            do {
                TRY(add_children(tx, type, reference, doomed, &added));
            } while (added > 0 && reference->to == type->kind);
        }
    }
    return OK;
}

/* "3 instances and 1 check" would be nicer in one language; counts by collection are enough for a
 * refusal. */
static enum err refuse(const struct doomed *doomed, const struct item *item)
{
    CLEANUP(buf_clear_p) struct buf counts = {0};

    for (size_t i = 0; i < item_type_count; i++) {
        size_t count =
            doomed->ids[item_types[i].kind].len - (item_types[i].kind == item->type->kind);

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

/* Deletes what is doomed of one kind, and gives back what it was. */
static enum err delete_kind(struct tx *tx, const struct item_type *type, const id_list *ids,
                            item_list *items)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct params params = PARAMS(p_uuids(ids->items, ids->len));

    if (ids->len == 0)
        return OK;
    TRY(tx_query(tx, &type->objects, params, &rows));
    for (int row = 0; row < rows_count(rows); row++)
        vec_push(items, (struct item){
                            .type = type,
                            .id = row_uuid(rows, row, 0),
                            .organisation_id = row_uuid(rows, row, 1),
                            .version = row_int(rows, row, 2),
                            .object = str_dup(row_text(rows, row, 3)),
                        });
    return tx_execute(tx, &type->delete, params, NULL);
}

enum err item_delete(struct tx *tx, const struct item *item, bool cascade, item_list *ret_items)
{
    CLEANUP(doomed_clear) struct doomed doomed = {0};
    CLEANUP(item_list_clear_p) item_list items = {0};

    vec_push(&doomed.ids[item->type->kind], item->id);
    TRY(add_descendants(tx, &doomed));
    if (!cascade)
        TRY(refuse(&doomed, item));
    for (size_t i = 0; i < item_type_count; i++)
        TRY(delete_kind(tx, &item_types[i], &doomed.ids[item_types[i].kind], &items));
    *ret_items = items;
    items = (item_list){0};
    return OK;
}
