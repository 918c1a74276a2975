/* Routes that read the history, and those for maintenance windows and previews; their context is
 * the struct health. */
#pragma once

#include "control/api/route.h"

extern const struct route health_routes[];
