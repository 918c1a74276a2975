/* The settings of the installation: what an administrator changes while it runs. The jobs read them
 * by their own statements each time they need them. */
#pragma once

#include "shared/embedded_file.h"

#include "control/api/route.h"

#define RESULT_DAYS_DEFAULT 30
#define SAMPLE_DAYS_DEFAULT 90
#define EVENT_DAYS_DEFAULT  400

extern const struct route settings_routes[];
extern const struct embedded_file settings_schemas[];
