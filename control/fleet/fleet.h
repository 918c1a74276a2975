/*
 * The fleet of probers: their end of the bus, the plan of what they probe, and commands to them.
 * The only header of this folder that others include.
 *
 * Thread: the loop's, but for the routes that run on workers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/attrs.h"
#include "shared/embedded_file.h"
#include "shared/err.h"

#include "control/health/health.h"

struct fleet;
struct loop;
struct router;

struct fleet_config {
    struct loop *loop;
    const char *bus_url;   /* "ipc:///path/bus.sock" */
    struct health *health; /* borrowed */
};

/* Binds the bus. @return ERR_CONFLICT "bus_in_use"; ERR_INVALID "bus_url" */
MUST_USE enum err fleet_new(const struct fleet_config *config, struct fleet **ret_fleet);

/* Whom health tells of the plan and of stored reports; for health_start(). */
struct health_fleet fleet_for_health(struct fleet *fleet);

void fleet_add_routes(struct fleet *fleet, struct router *router);

/* For the server: whether probers can find us. */
bool fleet_is_ready(void *fleet, char *reason, size_t reason_bytes);

/* Ends the waiting of workers for previews; before the workers are joined. */
void fleet_stop(struct fleet *fleet);

/* After health is stopped: no report is under way any more. */
void fleet_free(struct fleet *fleet);

DEFINE_AUTO(struct fleet *, fleet_free);

extern const struct embedded_file fleet_schemas[];
