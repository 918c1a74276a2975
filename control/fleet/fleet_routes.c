/* Commands to probers: run a check now, try one out. */
#include "contract/check.h"

#include "shared/json.h"
#include "shared/mem.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/route.h"
#include "control/api/router.h"
#include "control/cmdb/cmdb.h"
#include "control/fleet/fleet_private.h"
#include "control/fleet/heartbeat_routes.h"
#include "control/fleet/heartbeats.h"

/* A prober may take half a second to ask, and as long to answer. */
#define PREVIEW_EXTRA_MS   2000
#define PREVIEW_TIMEOUT_MS 20000

static enum err run_check(const struct request *request, struct reply *reply)
{
    struct fleet *fleet = request->context;
    struct command command = {.type = BUS_RUN_AT};

    TRY(request_uuid(request, "id", &command.check_id));
    if (!health_may_see(fleet->config.health, &request->principal, &command.check_id))
        return fail(ERR_NOT_FOUND, "not_found", "There is no check with this id.");
    if (heartbeats_has(fleet->heartbeats, &command.check_id))
        return fail(ERR_CONFLICT, "check_not_probed",
                    "A heartbeat is not probed: its target calls, at the check's heartbeat_path.");
    if (!plan_has(fleet->plan, &command.check_id))
        return fail(ERR_CONFLICT, "check_paused", "The check is paused.");
    if (!fleet_command(fleet, &command, true))
        return fail(ERR_UNAVAILABLE, "no_prober", "There is no prober at the moment.");
    return reply_json_text(reply, STR("{\"accepted\":true}"));
}

/* What the prober says is wrong with the check becomes ours to say. */
static enum err refuse(json_t *answer)
{
    json_t *errors = json_object_get(answer, "errors");

    return fail_fields(ERR_INVALID, "body_invalid", "The check is not valid.", json_incref(errors));
}

/* What a prober needs of it, which fits into a frame whatever people describe it with. */
static char *document_of(const json_t *check, int64_t timeout_ms)
{
    JSON_AUTO json_t *document =
        json_pack("{s:O, s:O, s:I}", "kind", json_object_get(check, "kind"), "spec",
                  json_object_get(check, "spec"), "timeout_ms", (json_int_t)timeout_ms);

    return json_dumps(document, JSON_COMPACT);
}

/* There is nothing to try out: nobody but the target can make the call. */
static enum err refuse_heartbeat(const json_t *check)
{
    json_t *errors = NULL;

    if (!str_equal(str_of(json_text(check, "kind", "")), STR(CHECK_HEARTBEAT)))
        return OK;
    json_add_error(&errors, "/kind", "not_probed",
                   "A heartbeat is not probed, so there is nothing to try out. The check is valid: "
                   "create it, and have its target call its heartbeat_path.");
    return fail_fields(ERR_INVALID, "check_not_probed", "A heartbeat cannot be tried out.", errors);
}

/* Where it is a change of a check, the secrets that nobody can read are those of that check. */
static enum err take_secrets(const struct request *request)
{
    const struct fleet *fleet = request->context;
    const char *text = json_text(request->body, "id", NULL);
    json_t *errors = NULL;
    struct uuid id;

    if (!text || !uuid_parse(str_of(text), &id))
        return OK;
    if (!(request->principal.permissions & PERMISSION_BIT(PERMISSION_CHECK_WRITE)))
        return fail(ERR_DENIED, "permission_missing",
                    "To try out a change of a check takes the permission check.write.");
    if (!health_may_see(fleet->config.health, &request->principal, &id))
        return fail(ERR_NOT_FOUND, "not_found", "There is no check with this id.");
    TRY(cmdb_restore_secrets(request->db, &id, request->body));
    cmdb_review_check(request->body, &errors);
    if (!errors)
        return OK;
    return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", errors);
}

static enum err preview_check(struct request *request, struct reply *reply)
{
    AUTO(xfree) char *document = NULL;
    AUTO(xfree) char *text = NULL;
    JSON_AUTO json_t *answer = NULL;
    int64_t timeout_ms;

    TRY(take_secrets(request));
    cmdb_complete_check(request->body);
    TRY(refuse_heartbeat(request->body));
    timeout_ms = MIN(json_integer_or(request->body, "timeout_ms", PREVIEW_TIMEOUT_MS),
                     (int64_t)PREVIEW_TIMEOUT_MS);
    document = document_of(request->body, timeout_ms);
    TRY(preview_run(request->context, document, timeout_ms + PREVIEW_EXTRA_MS, &text));
    TRY(json_parse(str_of(text), &answer));
    if (json_is_array(json_object_get(answer, "errors")))
        return refuse(answer);
    return reply_json_take(reply, TAKE(answer));
}

/* clang-format off */
static const struct route fleet_routes[] = {
    /*      method path                        runs           operationId      permission rate       body           status reply          summary */
    MEMORY (POST,  "/api/v1/checks/{id}/run",  run_check,     "run_check",     CHECK_RUN, CHANGE,    none,          202,   accepted,      "Run a check now"),
    HANDLER(POST,  "/api/v1/checks/preview",   preview_check, "preview_check", CHECK_RUN, EXPENSIVE, check_preview, 200,   check_preview_answer, "Try a check out without touching any state"),
    { 0 },
};

/* clang-format on */

/* A change of a check waits for the secrets of that check. */
static void review_check(void *context, const json_t *body, json_t **errors)
{
    (void)context;
    if (!json_loose_text(body, "id", NULL))
        cmdb_review_check(body, errors);
}

static const struct body_rules preview_rules = {.check = review_check};

void fleet_add_routes(struct fleet *fleet, struct router *router)
{
    router_add_schemas(router, fleet_schemas);
    router_add(router, fleet_routes, fleet);
    router_add_rules(router, "check_preview", &preview_rules);
    router_add(router, heartbeat_routes, fleet);
}
