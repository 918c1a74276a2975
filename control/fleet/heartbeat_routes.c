/*
 * A call needs to say nothing: that it comes is enough. What it says stands in the query or in the
 * body; a status in the query goes before the body, so that a tool which sends JSON of its own may
 * call, too.
 */
#include "control/fleet/heartbeat_routes.h"

#include <string.h>

#include "shared/addr.h"
#include "shared/clock.h"
#include "shared/json.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/fleet/fleet_private.h"
#include "control/fleet/heartbeat_rules.h"
#include "control/fleet/heartbeats.h"

static enum err refuse_status(void)
{
    json_t *errors = NULL;

    json_add_error(&errors, "?status", "invalid", "must be ok, warn or fail");
    return fail_fields(ERR_INVALID, "parameters_invalid", "Some query parameters are not right.",
                       errors);
}

/* The exit code says how it went when nothing else does. */
static enum verdict verdict_of(const struct heartbeat_call *call)
{
    return call->has_exit_code && call->exit_code != 0 ? VERDICT_FAIL : VERDICT_OK;
}

/* Without the port, which is another one with each call. */
static struct result_address address_of(const char *text)
{
    struct result_address address = {0};
    struct addr addr;

    if (!addr_parse_ip(str_of(text), 0, &addr))
        return address;
    address.family = (uint8_t)addr.any.sa_family;
    if (addr.any.sa_family == AF_INET)
        memcpy(address.bytes, &addr.v4.sin_addr, sizeof addr.v4.sin_addr);
    else
        memcpy(address.bytes, &addr.v6.sin6_addr, sizeof addr.v6.sin6_addr);
    return address;
}

static enum err read_parameters(const struct request *request, struct heartbeat_call *call,
                                bool *ret_has_status)
{
    struct str status = request_parameter(request, "status");

    call->duration_ms = request_integer(request, "duration_ms", -1);
    call->has_exit_code = request_parameter(request, "exit_code").ptr != NULL;
    call->exit_code = request_integer(request, "exit_code", 0);
    call->message = request_parameter(request, "message");
    call->verdict = verdict_of(call);
    *ret_has_status = status.ptr != NULL;
    return status.ptr && !heartbeat_status(status, &call->verdict) ? refuse_status() : OK;
}

/* What the schema has accepted. The message is borrowed from the body. */
static void read_body(const json_t *body, struct heartbeat_call *call)
{
    const char *status = json_text(body, "status", NULL);

    call->duration_ms = json_integer_or(body, "duration_ms", call->duration_ms);
    if (json_has(body, "exit_code")) {
        call->has_exit_code = true;
        call->exit_code = json_integer_or(body, "exit_code", 0);
    }
    if (json_has(body, "message"))
        call->message = str_of(json_text(body, "message", ""));
    call->verdict = verdict_of(call);
    if (status)
        heartbeat_status(str_of(status), &call->verdict);
}

static void write_answer(struct reply *reply, const struct heartbeat_answer *answer)
{
    char at[TIMESTAMP_BYTES];

    buf_printf(reply_body(reply), "{\"heard\":%s,\"next_by\":", answer->heard ? "true" : "false");
    if (answer->next_by_ms != 0)
        buf_printf(reply_body(reply), "\"%s\"}", timestamp_format(answer->next_by_ms, at));
    else
        buf_append_text(reply_body(reply), "null}");
}

/* `call` is NULL when a job begins. */
static enum err hear(const struct request *request, struct reply *reply,
                     const struct heartbeat_call *call)
{
    const struct fleet *fleet = request->context;
    struct heartbeat_answer answer;
    enum err err =
        heartbeats_hear(fleet->heartbeats, request_parameter(request, "token"), call, &answer);

    reply->retry_after_s = answer.retry_after_s;
    TRY(err);
    write_answer(reply, &answer);
    return OK;
}

static enum err hear_what(const struct request *request, struct reply *reply, bool has_failed)
{
    JSON_AUTO json_t *body = NULL;
    struct heartbeat_call call = {.address = address_of(request->address)};
    bool has_status;

    TRY(read_parameters(request, &call, &has_status));
    if (!has_status)
        TRY(request_hook_body(request, &body, &call.message));
    if (body)
        read_body(body, &call);
    if (has_failed)
        call.verdict = VERDICT_FAIL;
    return hear(request, reply, &call);
}

static enum err send_heartbeat(const struct request *request, struct reply *reply)
{
    return hear_what(request, reply, false);
}

static enum err fail_heartbeat(const struct request *request, struct reply *reply)
{
    return hear_what(request, reply, true);
}

static enum err start_heartbeat(const struct request *request, struct reply *reply)
{
    return hear(request, reply, NULL);
}

#define CALL "status", "message", "duration_ms", "exit_code"

/* clang-format off */
const struct route heartbeat_routes[] = {
    /*   method path                              runs             operationId             body            status reply            summary */
    HOOK(GET,  "/hooks/heartbeats/{token}",       send_heartbeat,  "send_heartbeat",       none,           200,   heartbeat_heard, "Say that the target of a heartbeat is alive", CALL),
    HOOK(POST, "/hooks/heartbeats/{token}",       send_heartbeat,  "post_heartbeat",       heartbeat_call, 200,   heartbeat_heard, "Say that it is alive, and how it is", CALL),
    HOOK(GET,  "/hooks/heartbeats/{token}/fail",  fail_heartbeat,  "fail_heartbeat",       none,           200,   heartbeat_heard, "Say that the job has failed", CALL),
    HOOK(POST, "/hooks/heartbeats/{token}/fail",  fail_heartbeat,  "post_heartbeat_fail",  heartbeat_call, 200,   heartbeat_heard, "Say that the job has failed, and why", CALL),
    HOOK(GET,  "/hooks/heartbeats/{token}/start", start_heartbeat, "start_heartbeat",      none,           200,   heartbeat_heard, "Say that the job begins, so that its duration is known at its end"),
    HOOK(POST, "/hooks/heartbeats/{token}/start", start_heartbeat, "post_heartbeat_start", none,           200,   heartbeat_heard, "Say that the job begins, by POST"),
    { 0 },
};
/* clang-format on */
