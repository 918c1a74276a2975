/* Routes of maintenance windows; they need no context. */
#pragma once

#include "control/api/route.h"
#include "control/api/router.h"

extern const struct route maintenance_routes[];

/* Of the body of a new one. */
extern const struct body_rules maintenance_window_rules;
