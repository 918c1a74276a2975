/*
 * The kinds of items: one row each with its columns, references and statements. A column has the
 * name of the API's field, but for references, whose column is <field>_id. Statements of one shape
 * are written once, below, and take the table's name and columns; jsonb_populate_record() gives
 * each field the type of its column.
 */
#include <assert.h>

#include "control/cmdb/check_rules.h"
#include "control/cmdb/check_secrets.h"
#include "control/cmdb/cmdb.sql.h"
#include "control/cmdb/item.h"
#include "control/cmdb/item_prepare.h"
#include "control/cmdb/item_rules.h"

#define COMMON      "key, name, description, attributes, tags"
#define PROPAGATION ", policy, min_up, operational_at, down_below, unknown_share"

#define STATEMENT(name_, count, text_)                                                             \
    {                                                                                              \
        .name = (name_), .parameter_count = (count), .text = text_                                 \
    }

#define INSERT(table, columns)                                                                     \
    STATEMENT(table "_insert", 3,                                                                  \
              "INSERT INTO " table " (id, organisation_id, " columns ")"                           \
              " SELECT $1::uuid, $2::uuid, " columns "   FROM jsonb_populate_record(NULL::" table  \
              ", $3::jsonb)")

#define UPDATE(table, columns)                                                                     \
    STATEMENT(table "_update", 2,                                                                  \
              "UPDATE " table " SET (" columns ") = (SELECT " columns                              \
              "   FROM jsonb_populate_record(NULL::" table ", $2::jsonb))"                         \
              " WHERE id = $1::uuid AND deleted_at IS NULL")

#define DELETE(table)                                                                              \
    STATEMENT(table "_delete", 1,                                                                  \
              "UPDATE " table " SET deleted_at = now()"                                            \
              " WHERE id = ANY ($1::uuid[]) AND deleted_at IS NULL")

#define RESTORE(table)                                                                             \
    STATEMENT(table "_restore", 1,                                                                 \
              "UPDATE " table " SET deleted_at = NULL WHERE id = ANY ($1::uuid[])")

#define OBJECTS(table, more)                                                                       \
    STATEMENT(table "_objects", 1,                                                                 \
              "SELECT id, base.organisation_id, row_to_json(item), item.version" more              \
              "  FROM " table "_item item JOIN " table " base USING (id)"                          \
              " WHERE id = ANY ($1::uuid[]) ORDER BY id")

#define LOCK(table)                                                                                \
    STATEMENT(table "_lock", 1,                                                                    \
              "SELECT organisation_id FROM " table                                                 \
              " WHERE id = $1::uuid AND deleted_at IS NULL FOR UPDATE")

#define LOCK_FALLEN(table)                                                                         \
    STATEMENT(table "_lock_fallen", 1,                                                             \
              "SELECT deleted_at::text FROM " table " WHERE id = $1::uuid FOR UPDATE")

#define FIND(table, parent)                                                                        \
    STATEMENT(table "_find", 1,                                                                    \
              "SELECT organisation_id, " parent " FROM " table                                     \
              " WHERE id = $1::uuid AND deleted_at IS NULL FOR SHARE")

#define FIND_BY_PATH(table, parent)                                                                \
    STATEMENT(table "_find_by_path", 2,                                                            \
              "SELECT id FROM " table " WHERE " parent " AND key = $2 AND deleted_at IS NULL")

#define CHILDREN(table, column)                                                                    \
    STATEMENT(table "_by_" column, 2,                                                              \
              "SELECT id FROM " table " WHERE " column                                             \
              " = ANY ($1::uuid[]) AND deleted_at IS NULL"                                         \
              "   AND NOT id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE")

#define FALLEN(table, column)                                                                      \
    STATEMENT(table "_fallen_by_" column, 3,                                                       \
              "SELECT id FROM " table " WHERE " column                                             \
              " = ANY ($1::uuid[]) AND deleted_at = $3::text::timestamptz"                         \
              "   AND NOT id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE")

#define PARENTS(table, column)                                                                     \
    STATEMENT(table "_parents_by_" column, 2,                                                      \
              "SELECT DISTINCT " column " FROM " table " WHERE id = ANY ($1::uuid[])"              \
              "   AND NOT " column " = ANY ($2::uuid[])")

#define REFERENCE(table, field_, column_, to_, ...)                                                \
    {                                                                                              \
        .field = (field_), .column = (column_), .to = ENTITY_##to_,                                \
        .children = CHILDREN(table, column_), .fallen = FALLEN(table, column_),                    \
        .parents = PARENTS(table, column_), ##__VA_ARGS__                                          \
    }

/* All statements of a table whose keys are unique in the item of column `parent`; `more` are columns
 * that are not shown to everybody. */
#define STATEMENTS(table, parent, columns, more)                                                   \
    .insert = INSERT(table, columns), .update = UPDATE(table, columns), .delete = DELETE(table),   \
    .restore = RESTORE(table), .objects = OBJECTS(table, more), .lock = LOCK(table),               \
    .lock_fallen = LOCK_FALLEN(table), .find = FIND(table, parent),                                \
    .find_by_path = FIND_BY_PATH(table, parent " = $1::uuid")

#define MOVABLE  .is_movable = true
#define OPTIONAL .is_optional = true
#define SIBLING  .is_sibling = true

/* clang-format off */
const struct item_type item_types[] = {
    {
        .kind = ENTITY_ORGANISATION, .word = "organisation", .words = "organisation", .collection = "organisations",
        .get = &sql_organisation_get, .prepare = prepare_organisation,
        .insert = INSERT("organisation", COMMON ", time_zone"), .update = UPDATE("organisation", COMMON ", time_zone"),
        .delete = DELETE("organisation"), .restore = RESTORE("organisation"), .objects = OBJECTS("organisation", ""),
        .lock = LOCK("organisation"), .lock_fallen = LOCK_FALLEN("organisation"),
        .find = FIND("organisation", "NULL::uuid"), .find_by_path = FIND_BY_PATH("organisation", "$1::uuid IS NULL"),
    },
    {
        .kind = ENTITY_BUSINESS_UNIT, .word = "business_unit", .words = "business unit", .collection = "business-units",
        .references = {
            REFERENCE("business_unit", "organisation", "organisation_id", ORGANISATION),
            REFERENCE("business_unit", "parent", "parent_id", BUSINESS_UNIT, OPTIONAL, MOVABLE),
        },
        .get = &sql_business_unit_get, .prepare = prepare_business_unit,
        STATEMENTS("business_unit", "organisation_id", COMMON ", parent_id", ""),
    },
    {
        .kind = ENTITY_SYSTEM, .word = "system", .words = "system", .collection = "systems", .rules = item_rules_propagation,
        .references = { REFERENCE("system", "business_unit", "business_unit_id", BUSINESS_UNIT, MOVABLE) },
        .get = &sql_system_get,
        STATEMENTS("system", "business_unit_id", COMMON ", business_unit_id, criticality, lifecycle" PROPAGATION, ""),
    },
    {
        .kind = ENTITY_ENVIRONMENT_GROUP, .word = "environment_group", .words = "environment group",
        .collection = "environment-groups", .rules = item_rules_propagation,
        .references = { REFERENCE("environment_group", "business_unit", "business_unit_id", BUSINESS_UNIT, MOVABLE) },
        .get = &sql_environment_group_get,
        STATEMENTS("environment_group", "business_unit_id", COMMON ", business_unit_id, kind, tier, \"order\"" PROPAGATION, ""),
    },
    {
        .kind = ENTITY_INSTANCE, .word = "instance", .words = "instance", .collection = "instances", .rules = item_rules_propagation,
        .references = {
            REFERENCE("instance", "system", "system_id", SYSTEM),
            REFERENCE("instance", "environment_group", "environment_group_id", ENVIRONMENT_GROUP, MOVABLE),
        },
        .get = &sql_instance_get,
        STATEMENTS("instance", "system_id",
                   COMMON ", system_id, environment_group_id, url, lifecycle, criticality, weight" PROPAGATION, ""),
    },
    {
        .kind = ENTITY_COMPONENT_DEFINITION, .word = "component_definition", .words = "component definition",
        .collection = "component-definitions",
        .references = { REFERENCE("component_definition", "system", "system_id", SYSTEM) },
        .get = &sql_component_definition_get,
        STATEMENTS("component_definition", "system_id", COMMON ", system_id, kind, repository", ""),
    },
    {
        .kind = ENTITY_COMPONENT, .word = "component", .words = "component", .collection = "components", .rules = item_rules_propagation,
        .references = {
            REFERENCE("component", "instance", "instance_id", INSTANCE),
            REFERENCE("component", "definition", "definition_id", COMPONENT_DEFINITION, SIBLING),
        },
        .get = &sql_component_get,
        STATEMENTS("component", "instance_id",
                   COMMON ", instance_id, definition_id, host, slice, criticality, weight" PROPAGATION, ""),
    },
    {
        .kind = ENTITY_CHECK, .word = "check", .words = "check", .collection = "checks",
        .references = { REFERENCE("health_check", "component", "component_id", COMPONENT) },
        .get = &sql_check_item, .defaults = check_rules_defaults, .rules = check_rules_check, .prepare = prepare_check,
        .restore_secrets = check_secrets_restore, .hide_secrets = check_secrets_hide, .hash_secrets = check_secrets_hash,
        STATEMENTS("health_check", "component_id",
                   COMMON ", component_id, kind, spec, interval_s, retry_interval_s, timeout_ms, fall, rise, unknown_after,"
                          " stale_after_s, flap, severity, locations, enabled, secrets",
                   ", '/hooks/heartbeats/' || base.heartbeat_token, base.secrets::text"),
    },
};
/* clang-format on */

const size_t item_type_count = ARRAY_LEN(item_types);

const struct item_type *item_type_of(enum entity_kind kind)
{
    for (size_t i = 0; i < item_type_count; i++)
        if (item_types[i].kind == kind)
            return &item_types[i];
    assert(!"a kind of the inventory");
    return NULL;
}
