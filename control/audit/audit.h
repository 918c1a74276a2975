/*
 * The journal's routes: list, entry, chains, export.
 *
 * Thread: constant data.
 */
#pragma once

#include "shared/embedded_file.h"

#include "control/api/route.h"

extern const struct route audit_routes[];
extern const struct embedded_file audit_schemas[];
