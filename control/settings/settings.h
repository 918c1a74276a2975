/*
 * The settings of the installation: what an administrator changes while it runs. Read by the jobs
 * each time they need them.
 *
 * Thread: any with its own connection.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/embedded_file.h"
#include "shared/err.h"

#include "control/api/route.h"

struct db;

#define RESULT_DAYS_DEFAULT 30
#define SAMPLE_DAYS_DEFAULT 90
#define EVENT_DAYS_DEFAULT  400

struct settings {
    char *webhook_url;   /* told of each change of status; NULL: nobody; owned */
    int64_t result_days; /* how long results are kept that are kept in full */
    int64_t sample_days; /* … packed samples */
    int64_t event_days;  /* … status events */
};

MUST_USE enum err settings_load(struct db *db, struct settings *ret_settings);
void settings_clear(struct settings *settings);

static inline void settings_clear_p(struct settings *settings)
{
    settings_clear(settings);
}

extern const struct route settings_routes[];
extern const struct embedded_file settings_schemas[];
