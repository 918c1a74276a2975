/* The hooks of item_types.c. */
#include "control/cmdb/item_prepare.h"

#include "shared/json.h"

#include "control/cmdb/check_rules.h"
#include "control/cmdb/cmdb.sql.h"
#include "control/cmdb/item_rules.h"
#include "control/store/tx.h"

enum err prepare_organisation(struct tx *tx, const json_t *earlier, json_t *fields, json_t **errors)
{
    AUTO(rows_free) struct rows *found = NULL;
    const char *time_zone = json_text(fields, "time_zone", NULL);

    /* The database reads all its zone files for this, so only a new name is looked up. */
    if (json_equal(json_object_get(earlier, "time_zone"), json_object_get(fields, "time_zone")))
        return OK;
    TRY(tx_query(tx, &sql_time_zone_find, PARAMS(p_text(time_zone)), &found));
    if (rows_count(found) == 0)
        json_add_error(errors, "/time_zone", "unknown", "There is no time zone of that name.");
    return OK;
}

enum err prepare_business_unit(struct tx *tx, const json_t *earlier, json_t *fields,
                               json_t **errors)
{
    AUTO(rows_free) struct rows *locked = NULL;
    AUTO(rows_free) struct rows *above = NULL;
    const char *parent = json_text(fields, "parent_id", NULL);

    if (!earlier || !parent)
        return OK; /* a new unit has nothing below it */

    TRY(tx_query(tx, &sql_organisation_hold,
                 PARAMS(p_text(json_text(earlier, "organisation", NULL))), &locked));
    TRY(tx_query(tx, &sql_business_unit_lies_in,
                 PARAMS(p_text(parent), p_text(json_text(earlier, "id", NULL))), &above));
    if (rows_count(above) > 0)
        json_add_error(errors, "/parent", "cycle", "The unit would come to lie in itself.");
    return OK;
}

static enum err give_key(struct tx *tx, json_t *fields)
{
    AUTO(rows_free) struct rows *rows = NULL;
    char stem[ITEM_KEY_BYTES];
    struct str key;

    item_key_from_name(str_of(json_text(fields, "name", "")), "check", stem);
    TRY(tx_query_one(tx, &sql_check_free_key,
                     PARAMS(p_text(json_text(fields, "component_id", NULL)), p_text(stem)), &rows));
    key = row_text(rows, 0, 0);
    json_object_set_new(fields, "key", json_stringn(key.ptr, key.len));
    return OK;
}

enum err prepare_check(struct tx *tx, const json_t *earlier, json_t *fields, json_t **errors)
{
    (void)errors; /* the rules find them */
    if (earlier)
        check_rules_follow(earlier, fields);
    check_rules_complete(fields);
    return json_has(fields, "key") ? OK : give_key(tx, fields);
}
