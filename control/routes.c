/* The contents page of the API: each domain's routes and schemas. */
#include "control/routes.h"

#include "control/access/access.h"
#include "control/api/router.h"
#include "control/audit/audit.h"
#include "control/cmdb/cmdb.h"
#include "control/fleet/fleet.h"
#include "control/health/health.h"
#include "control/notify/notify.h"
#include "control/settings/rate_limits.h"
#include "control/settings/settings.h"

void routes_add(struct router *router, const struct route_contexts *contexts)
{
    router_add_schemas(router, audit_schemas);
    router_add(router, audit_routes, NULL);

    cmdb_add_routes(router);

    router_add_schemas(router, access_schemas);
    router_add(router, access_routes, contexts->access);

    router_add_schemas(router, settings_schemas);
    router_add(router, settings_routes, NULL);
    router_add(router, rate_limit_routes, contexts->rates);

    router_add_schemas(router, notify_schemas);
    router_add(router, webhook_routes, contexts->notify);
    router_add(router, delivery_routes, contexts->notify);

    health_add_routes(contexts->health, router);
    fleet_add_routes(contexts->fleet, router);
}
