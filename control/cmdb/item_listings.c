/* What lists of each kind can be asked for: the members of its objects, in their order. */
#include "control/cmdb/item_listings.h"

#include "shared/attrs.h"

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

#define REFERENCE(name) { #name, LISTING_UUID, "base." #name "_id" }

#define FIELDS(...) (const struct listing_field[]){ COMMON, __VA_ARGS__, { 0 } }

const struct listing item_listings[] = {
    [ENTITY_ORGANISATION] = { "organisations", "organisation", "organisation_item", FIELDS(
        { "time_zone", LISTING_TEXT }) },
    [ENTITY_BUSINESS_UNIT] = { "business_units", "business_unit", "business_unit_item", FIELDS(
        REFERENCE(organisation), REFERENCE(parent)) },
    [ENTITY_SYSTEM] = { "systems", "system", "system_item", FIELDS(
        REFERENCE(business_unit), { "criticality", LISTING_TEXT }, { "lifecycle", LISTING_TEXT }, PROPAGATION) },
    [ENTITY_ENVIRONMENT_GROUP] = { "environment_groups", "environment_group", "environment_group_item", FIELDS(
        REFERENCE(business_unit), { "kind", LISTING_TEXT }, { "tier", LISTING_TEXT }, { "order", LISTING_INTEGER }, PROPAGATION) },
    [ENTITY_INSTANCE] = { "instances", "instance", "instance_item", FIELDS(
        REFERENCE(system), REFERENCE(environment_group), { "url", LISTING_TEXT }, { "lifecycle", LISTING_TEXT },
        { "criticality", LISTING_TEXT }, { "weight", LISTING_INTEGER }, PROPAGATION) },
    [ENTITY_COMPONENT_DEFINITION] = { "component_definitions", "component_definition", "component_definition_item", FIELDS(
        REFERENCE(system), { "kind", LISTING_TEXT }, { "repository", LISTING_TEXT }) },
    [ENTITY_COMPONENT] = { "components", "component", "component_item", FIELDS(
        REFERENCE(instance), REFERENCE(definition), { "host", LISTING_TEXT }, { "slice", LISTING_TEXT },
        { "criticality", LISTING_TEXT }, { "weight", LISTING_INTEGER }, PROPAGATION) },
    [ENTITY_CHECK] = { "checks", "health_check", "health_check_item", FIELDS(
        REFERENCE(component), { "kind", LISTING_TEXT }, { "spec", LISTING_OTHER },
        { "interval_s", LISTING_INTEGER }, { "retry_interval_s", LISTING_INTEGER }, { "timeout_ms", LISTING_INTEGER },
        { "fall", LISTING_INTEGER }, { "rise", LISTING_INTEGER }, { "unknown_after", LISTING_INTEGER },
        { "stale_after_s", LISTING_INTEGER }, { "flap", LISTING_BOOLEAN }, { "severity", LISTING_TEXT },
        { "locations", LISTING_OTHER }, { "enabled", LISTING_BOOLEAN }) },
};
/* clang-format on */
