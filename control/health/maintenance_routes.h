/* Routes of maintenance windows; they need no context. */
#pragma once

#include "control/api/route.h"

extern const struct route maintenance_routes[];
