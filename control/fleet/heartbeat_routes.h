/* The addresses that the targets of heartbeats call. Thread: the loop's. */
#pragma once

#include "control/api/route.h"

extern const struct route heartbeat_routes[];
