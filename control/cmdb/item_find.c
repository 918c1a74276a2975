/*
 * Finding items by id or key path. A path names the keys from the organisation down:
 * acme/retail/payments/sit/api. Which kinds it passes follows from the kind at its end, because
 * each kind has one parent in which its keys are unique.
 */
#include "shared/attrs.h"

#include "control/cmdb/item.h"
#include "control/cmdb/item_rules.h"
#include "control/store/tx.h"

static enum err missing(const struct item_type *type)
{
    return fail(ERR_NOT_FOUND, "item_missing", "There is no %s of that id or path.", type->words);
}

/* Goes down the path: the kind's parents first, then one key. The last key is what is left in
 * `path`. */
static enum err walk(struct tx *tx, const struct item_type *type, struct str path,
                     struct uuid *ret_id)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid parent_id;
    struct uuid *parent = NULL;
    struct str key = path;

    if (type->references[0].field) {
        const char *slash = memrchr(path.ptr, '/', path.len);

        if (!slash)
            return missing(type);
        TRY(walk(tx, item_type_of(type->references[0].to),
                 str_n(path.ptr, (size_t)(slash - path.ptr)), &parent_id));
        parent = &parent_id;
        key = str_sub(path, (size_t)(slash - path.ptr) + 1, path.len);
    }

    TRY(tx_query(tx, &type->find_by_path, PARAMS(p_uuid(parent), p_str(key)), &rows));
    if (rows_count(rows) == 0)
        return missing(type);
    *ret_id = row_uuid(rows, 0, 0);
    return OK;
}

enum err item_find(struct tx *tx, const struct item_type *type, struct str reference,
                   struct item_place *ret_place)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid id;

    if (!uuid_parse(reference, &id))
        TRY(walk(tx, type, reference, &id));

    TRY(tx_query(tx, &type->find, PARAMS(p_uuid(&id)), &rows));
    if (rows_count(rows) == 0)
        return missing(type);
    *ret_place = (struct item_place){
        .id = id,
        .organisation_id = row_uuid(rows, 0, 0),
        .parent_id = row_uuid(rows, 0, 1),
    };
    return OK;
}
