/* What the inventory offers to other domains. */
#include "control/cmdb/cmdb.h"

#include "shared/json.h"

#include "control/cmdb/check_rules.h"
#include "control/cmdb/item.h"
#include "control/cmdb/item_defaults.h"

enum err cmdb_init(void)
{
    TRY(check_rules_init());
    return item_defaults_init();
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
