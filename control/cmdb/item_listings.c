/* What lists of each kind can be asked for: the members of its objects, in their order. */
#include "control/cmdb/item_listings.h"

#include "shared/attrs.h"

/* Where a heartbeat's target calls is for who may write the check. */
static const struct listing_member heartbeat_path = {
    .name = "heartbeat_path",
    .sql = "SELECT '/hooks/heartbeats/' || heartbeat_token FROM health_check WHERE id = item.id",
    .permission = PERMISSION_CHECK_WRITE,
};

/* clang-format off */
#define COMMON                                                                                     \
    { "id",          LISTING_UUID },                                                                  \
    { "key",         LISTING_TEXT },                                                                  \
    { "name",        LISTING_TEXT },                                                                  \
    { "description", LISTING_TEXT },                                                                  \
    { "attributes",  LISTING_ATTRIBUTES },                                                            \
    { "tags",        LISTING_TAGS },                                                                  \
    { "version",     LISTING_INTEGER },                                                               \
    { "created_at",  LISTING_TIME },                                                                  \
    { "updated_at",  LISTING_TIME }

#define PROPAGATION                                                                                \
    { "policy",         LISTING_TEXT },                                                               \
    { "min_up",         LISTING_INTEGER },                                                            \
    { "operational_at", LISTING_NUMBER },                                                             \
    { "down_below",     LISTING_NUMBER },                                                             \
    { "unknown_share",  LISTING_NUMBER }

/* What an item refers to, as `item` names it. */
#define INCLUDE(name, view) { #name,                                                                  \
    "(SELECT row_to_json(other) FROM " view " other WHERE other.id = item." #name ")",                 \
    "(SELECT row_to_json(other) FROM " view "_at(@) other WHERE other.id = item." #name ")" }

#define STATE(values) "(SELECT json_build_object('state', " values ", 'reason', reason, 'version', version)"

/* Its state: that of the read model as it was last written down, or that of the last event before. */
#define HEALTH { "health",                                                                            \
    STATE("state, 'since', rfc3339(since)") " FROM entity_status WHERE entity_id = item.id)",           \
    STATE("to_state, 'since', rfc3339(at)")                                                             \
    " FROM status_event WHERE entity_id = item.id AND at <= @ ORDER BY seq DESC LIMIT 1)",              \
    "(SELECT version FROM entity_status WHERE entity_id = item.id)" }

#define INCLUDES(...) .includes = (const struct listing_include[]){ __VA_ARGS__, { 0 } }

#define REFERENCE(name) { #name, LISTING_UUID, "base." #name "_id" }

#define FIELDS(...) (const struct listing_field[]){ COMMON, __VA_ARGS__, { 0 } }

const struct listing item_listings[] = {
    [ENTITY_ORGANISATION] = { .name = "organisations", .table = "organisation", .view = "organisation_item", .fields = FIELDS(
        { "time_zone", LISTING_TEXT }) },
    [ENTITY_BUSINESS_UNIT] = { .name = "business_units", .table = "business_unit", .view = "business_unit_item", .fields = FIELDS(
        REFERENCE(organisation), REFERENCE(parent)),
        INCLUDES(INCLUDE(organisation, "organisation_item"), INCLUDE(parent, "business_unit_item")) },
    [ENTITY_SYSTEM] = { .name = "systems", .table = "system", .view = "system_item", .fields = FIELDS(
        REFERENCE(business_unit), { "criticality", LISTING_TEXT }, { "lifecycle", LISTING_TEXT }, PROPAGATION),
        INCLUDES(INCLUDE(business_unit, "business_unit_item"), HEALTH) },
    [ENTITY_ENVIRONMENT_GROUP] = { .name = "environment_groups", .table = "environment_group", .view = "environment_group_item", .fields = FIELDS(
        REFERENCE(business_unit), { "kind", LISTING_TEXT }, { "tier", LISTING_TEXT }, { "order", LISTING_INTEGER }, PROPAGATION),
        INCLUDES(INCLUDE(business_unit, "business_unit_item"), HEALTH) },
    [ENTITY_INSTANCE] = { .name = "instances", .table = "instance", .view = "instance_item", .fields = FIELDS(
        REFERENCE(system), REFERENCE(environment_group), { "url", LISTING_TEXT }, { "lifecycle", LISTING_TEXT },
        { "criticality", LISTING_TEXT }, { "weight", LISTING_INTEGER }, PROPAGATION),
        INCLUDES(INCLUDE(system, "system_item"), INCLUDE(environment_group, "environment_group_item"), HEALTH) },
    [ENTITY_COMPONENT_DEFINITION] = { .name = "component_definitions", .table = "component_definition", .view = "component_definition_item", .fields = FIELDS(
        REFERENCE(system), { "kind", LISTING_TEXT }, { "repository", LISTING_TEXT }),
        INCLUDES(INCLUDE(system, "system_item")) },
    [ENTITY_COMPONENT] = { .name = "components", .table = "component", .view = "component_item", .fields = FIELDS(
        REFERENCE(instance), REFERENCE(definition), { "host", LISTING_TEXT }, { "slice", LISTING_TEXT },
        { "criticality", LISTING_TEXT }, { "weight", LISTING_INTEGER }, PROPAGATION),
        INCLUDES(INCLUDE(instance, "instance_item"), INCLUDE(definition, "component_definition_item"), HEALTH) },
    [ENTITY_CHECK] = { .name = "checks", .table = "health_check", .view = "health_check_item", .fields = FIELDS(
        REFERENCE(component), { "kind", LISTING_TEXT }, { "spec", LISTING_OTHER },
        { "interval_s", LISTING_INTEGER }, { "retry_interval_s", LISTING_INTEGER }, { "timeout_ms", LISTING_INTEGER },
        { "fall", LISTING_INTEGER }, { "rise", LISTING_INTEGER }, { "unknown_after", LISTING_INTEGER },
        { "stale_after_s", LISTING_INTEGER }, { "flap", LISTING_BOOLEAN }, { "severity", LISTING_TEXT },
        { "locations", LISTING_OTHER }, { "enabled", LISTING_BOOLEAN }),
        INCLUDES(INCLUDE(component, "component_item")), .restricted = &heartbeat_path },
};
/* clang-format on */
