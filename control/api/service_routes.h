/* The routes of the service itself: /healthz, /readyz, /metrics and the OpenAPI document. In every
 * router. */
#pragma once

#include "control/api/route.h"

extern const struct route service_routes[];
