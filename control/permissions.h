/*
 * What a caller may be allowed to do. A route's row names one of them; 403 answers tell its word.
 * PUBLIC needs no credentials, SIGNED_IN any valid ones. The words stand in roles and keys: they
 * are never renamed.
 */
#pragma once

#include <stdint.h>

/*      name               word                    what it allows */
#define PERMISSION_TABLE(ROW)                                                                      \
    ROW(PUBLIC, "", "anybody")                                                                     \
    ROW(SIGNED_IN, "", "anybody who is signed in")                                                 \
    ROW(INVENTORY_READ, "inventory.read", "see organisations, systems, instances and components")  \
    ROW(INVENTORY_WRITE, "inventory.write", "create, change and delete them")                      \
    ROW(CHECK_READ, "check.read", "see checks and their results")                                  \
    ROW(CHECK_WRITE, "check.write", "create, change and delete checks")                            \
    ROW(CHECK_RUN, "check.run", "run a check now, or try one out")                                 \
    ROW(HEALTH_READ, "health.read", "see the state of things and its history")                     \
    ROW(MAINTENANCE_WRITE, "maintenance.write", "declare and end maintenance windows")             \
    ROW(JOURNAL_READ, "journal.read", "read the change log")                                       \
    ROW(FLEET_READ, "fleet.read", "see the probers")                                               \
    ROW(FLEET_WRITE, "fleet.write", "enrol and remove probers")                                    \
    ROW(SETTINGS_READ, "settings.read", "see the settings")                                        \
    ROW(SETTINGS_WRITE, "settings.write", "change the settings")                                   \
    ROW(ACCESS_READ, "access.read", "see who has API keys")                                        \
    ROW(ACCESS_WRITE, "access.write", "create and revoke API keys")                                \
    ROW(WEBHOOK_READ, "webhook.read", "see webhooks and what was sent to them")                    \
    ROW(WEBHOOK_WRITE, "webhook.write", "create, change, test and replay webhooks")                \
    ROW(METRICS_READ, "metrics.read", "read the service's own metrics")

#define PERMISSION_ENUM(name, word, what) PERMISSION_##name,

enum permission { PERMISSION_TABLE(PERMISSION_ENUM) PERMISSION_COUNT };

#define PERMISSION_WORD(name, word, what) [PERMISSION_##name] = (word),

static const char *const permission_words[PERMISSION_COUNT]
    __attribute__((unused)) = {PERMISSION_TABLE(PERMISSION_WORD)};

/* A set of permissions: bit n stands for the permission of that number. */
typedef uint64_t permission_set;

#define PERMISSION_BIT(permission) ((permission_set)1 << (permission))
#define PERMISSION_ALL             (~(permission_set)0)

/* What concerns the installation as a whole: who belongs to an organisation never has it. */
#define PERMISSIONS_OF_INSTALLATION                                                                \
    (PERMISSION_BIT(PERMISSION_FLEET_READ) | PERMISSION_BIT(PERMISSION_FLEET_WRITE) |              \
     PERMISSION_BIT(PERMISSION_SETTINGS_READ) | PERMISSION_BIT(PERMISSION_SETTINGS_WRITE) |        \
     PERMISSION_BIT(PERMISSION_METRICS_READ))

/* What shows who may do what, or what others did: who reads by these is noted in the log. */
#define PERMISSIONS_WATCHED                                                                        \
    (PERMISSION_BIT(PERMISSION_JOURNAL_READ) | PERMISSION_BIT(PERMISSION_SETTINGS_READ) |          \
     PERMISSION_BIT(PERMISSION_ACCESS_READ) | PERMISSION_BIT(PERMISSION_WEBHOOK_READ))

_Static_assert(PERMISSION_COUNT <= 64, "a permission_set has 64 bits");
