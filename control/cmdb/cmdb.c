/* What the inventory offers to other domains. */
#include "control/cmdb/cmdb.h"

#include "shared/json.h"

#include "control/cmdb/check_rules.h"
#include "control/cmdb/check_secrets.h"
#include "control/cmdb/cmdb.sql.h"
#include "control/cmdb/item.h"
#include "control/cmdb/item_defaults.h"
#include "control/store/db.h"
#include "control/store/query.h"

enum err cmdb_init(void)
{
    TRY(check_rules_init());
    return item_defaults_init();
}

enum err cmdb_restore_secrets(struct db *db, const struct uuid *id, json_t *check)
{
    AUTO(rows_free) struct rows *rows = NULL;
    JSON_AUTO json_t *earlier = json_object();
    JSON_AUTO json_t *secrets = NULL;
    json_t *spec = NULL;

    TRY(db_query(db, &sql_check_secrets_find, PARAMS(p_uuid(id)), &rows));
    if (rows_count(rows) == 0 ||
        !str_equal(row_text(rows, 0, 0), str_of(json_text(check, "kind", ""))))
        return OK;
    TRY(json_parse(row_text(rows, 0, 1), &spec));
    json_object_set_new(earlier, "spec", spec);
    TRY(json_parse(row_text(rows, 0, 2), &secrets));
    check_secrets_restore(check, earlier, secrets);
    return OK;
}

void cmdb_review_check(const json_t *check, json_t **errors)
{
    check_rules_check(check, errors);
}

void cmdb_complete_check(json_t *check)
{
    check_rules_defaults(check);
    item_defaults_fill(item_type_of(ENTITY_CHECK), check);
    check_rules_complete(check);
}
