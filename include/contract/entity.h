/*
 * The kinds of entities that people name, follow and change. The numbers stand in the database, the
 * words in the API; kinds may be added at the end.
 */
#pragma once

/*      number  name                  word                    collection in the API */
#define ENTITY_TABLE(ROW)                                                                          \
    ROW(1, ORGANISATION, "organisation", "organisations")                                          \
    ROW(2, BUSINESS_UNIT, "business_unit", "business-units")                                       \
    ROW(3, SYSTEM, "system", "systems")                                                            \
    ROW(4, ENVIRONMENT_GROUP, "environment_group", "environment-groups")                           \
    ROW(5, INSTANCE, "instance", "instances")                                                      \
    ROW(6, COMPONENT_DEFINITION, "component_definition", "component-definitions")                  \
    ROW(7, COMPONENT, "component", "components")                                                   \
    ROW(8, CHECK, "check", "checks")                                                               \
    ROW(9, MAINTENANCE_WINDOW, "maintenance_window", "maintenance-windows")                        \
    ROW(10, SETTINGS, "settings", "settings")                                                      \
    ROW(11, API_KEY, "api_key", "api-keys")                                                        \
    ROW(12, WEBHOOK, "webhook", "webhooks")

#define ENTITY_ENUM(number, name, word, collection) ENTITY_##name = (number),

enum entity_kind { ENTITY_NONE = 0, ENTITY_TABLE(ENTITY_ENUM) ENTITY_COUNT };

#define ENTITY_WORD(number, name, word, collection) [number] = (word),

/* The word of a kind, as in JSON: entity_words[ENTITY_SYSTEM] is "system". */
static const char *const entity_words[ENTITY_COUNT]
    __attribute__((unused)) = {ENTITY_TABLE(ENTITY_WORD)};
