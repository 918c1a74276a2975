/* Routes that answer from the read model; their context is the struct read_model. */
#pragma once

#include "control/api/route.h"

extern const struct route health_read_routes[];
