/* What operators and tools ask of the process: does it live, can it work, how is it doing, what can
 * it do. */
#include "control/api/service_routes.h"

#include "shared/json.h"
#include "shared/metrics.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/server_private.h"

#define REASON_BYTES 256

static enum err get_liveness(const struct request *request, struct reply *reply)
{
    (void)request;
    return reply_json_text(reply, STR("{\"status\":\"ok\"}"));
}

/* Asks each part; the answer names those that do not work. */
static enum err get_readiness(const struct request *request, struct reply *reply)
{
    const struct server *server = request->server;
    json_t *checks = json_object();
    bool ready = server->stop_at_us == 0;

    for (const struct readiness *part = server->config.readiness; part && part->name; part++) {
        char reason[REASON_BYTES] = "";
        bool works = part->is_ready(part->context, reason, sizeof reason);
        json_t *text = works ? json_null() : json_string(reason);

        ready = ready && works;
        json_object_set_new(checks, part->name,
                            json_pack("{s:b, s:o}", "ready", works, "reason",
                                      text ? text : json_string("it does not work")));
    }
    if (!ready)
        reply->status = 503;
    return reply_json_take(reply,
                           json_pack("{s:s, s:b, s:o}", "status", ready ? "ready" : "not_ready",
                                     "stopping", server->stop_at_us != 0, "checks", checks));
}

/* Open on loopback; elsewhere the asker needs the permission. */
static enum err get_metrics(const struct request *request, struct reply *reply)
{
    struct addr peer;
    bool local = addr_parse_ip(str_of(request->address), 0, &peer) && addr_is_loopback(&peer);

    if (!local && request->principal.by == CREDENTIAL_NONE)
        return fail(ERR_UNAUTHENTICATED, "credentials_missing",
                    "This needs an API key or a session.");
    if (!local && !guard_allows(&request->principal, PERMISSION_METRICS_READ))
        return fail(ERR_DENIED, "permission_missing", "This needs the permission metrics.read.");
    reply->type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(reply_body(reply));
    return OK;
}

static enum err get_openapi(const struct request *request, struct reply *reply)
{
    struct server *server = request->server;

    openapi_document_reply(&server->openapi, server->config.router, request, reply);
    return OK;
}

/* clang-format off */
const struct route service_routes[] = {
    MEMORY(GET, "/healthz",             get_liveness,  "get_liveness",  PUBLIC, BROWSE, none, 200, liveness,  "Whether the process lives"),
    MEMORY(GET, "/readyz",              get_readiness, "get_readiness", PUBLIC, BROWSE, none, 200, readiness, "Whether everything it needs works"),
    MEMORY(GET, "/metrics",             get_metrics,   "get_metrics",   PUBLIC, BROWSE, none, 200, none,      "Numbers about the process, for Prometheus; from elsewhere than loopback with metrics.read"),
    MEMORY(GET, "/api/v1/openapi.json", get_openapi,   "get_openapi",   PUBLIC, BROWSE, none, 200, openapi,   "This document"),
    { 0 },
};
/* clang-format on */
