/*
 * Errors as HTTP says them. The word of an error gives the status; a few codes have one of their
 * own. Details that we wrote for callers go out; details of bugs and broken parts go to the log,
 * because they may tell of our inside.
 */
#include "control/api/problem.h"

#include <string.h>

#include "shared/attrs.h"
#include "shared/json.h"
#include "shared/log.h"

#define RETRY_AFTER_S 1

static const struct {
    const char *code;
    uint16_t status;
} own_statuses[] = {
    {"precondition_failed", 412}, {"json_malformed", 400},     {"json_too_large", 413},
    {"body_too_large", 413},      {"body_missing", 400},       {"body_unexpected", 400},
    {"body_not_utf8", 400},       {"parameters_invalid", 400}, {"target_invalid", 400},
    {"workers_full", 503},        {"reads_full", 503},         {"idempotency_key_invalid", 400},
    {"reason_invalid", 400},
};

uint16_t problem_status(enum err err, const char *code)
{
    static const uint16_t statuses[] = {
        [OK] = 200,          [ERR_INVALID] = 422,   [ERR_UNAUTHENTICATED] = 401,
        [ERR_DENIED] = 403,  [ERR_NOT_FOUND] = 404, [ERR_CONFLICT] = 409,
        [ERR_LIMITED] = 429, [ERR_TIMEOUT] = 504,   [ERR_UNAVAILABLE] = 503,
        [ERR_BUG] = 500,
    };

    for (size_t i = 0; code && i < ARRAY_LEN(own_statuses); i++) {
        if (strcmp(own_statuses[i].code, code) == 0)
            return own_statuses[i].status;
    }
    return statuses[err];
}

const char *problem_status_words(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *words;
    } table[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].status == status)
            return table[i].words;
    }
    return "Unknown";
}

/* The object that the handler has put into the body of a 409 or 412: it becomes the member
 * `current`. */
static json_t *current_object(const struct reply *reply, uint16_t status)
{
    json_t *current = NULL;

    if ((status == 409 || status == 412) && reply->body.len > 0 &&
        json_parse(buf_str(&reply->body), &current) != OK)
        failure_clear();
    return current;
}

/* A JSON text of what may have been cut in the middle of a character. */
static json_t *sound_text(const char *text)
{
    size_t len = strlen(text);

    while (!str_is_utf8(str_n(text, len)))
        len--;
    return json_stringn(text, len);
}

static void write_document(struct reply *reply, const char *request_id, uint16_t status,
                           const char *code, const char *detail, json_t *errors)
{
    int64_t retry_after_s = reply->retry_after_s;
    json_t *current = current_object(reply, status);
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s, s:o, s:s, s:O?, s:o?}", "type", "about:blank",
                                "title", problem_status_words(status), "status", (int)status,
                                "code", code, "detail", sound_text(detail), "request_id",
                                request_id, "errors", errors, "current", current);

    if (!errors)
        json_object_del(problem, "errors");
    if (!current)
        json_object_del(problem, "current");
    reply_reset(reply);
    reply->status = status;
    reply->type = "application/problem+json";
    reply_json_take(reply, problem);
    if (status == 401)
        reply_header(reply, "WWW-Authenticate", "Bearer");
    if (retry_after_s == 0 && (status == 503 || status == 429))
        retry_after_s = RETRY_AFTER_S;
    if (retry_after_s > 0)
        reply_header(reply, "Retry-After", "%lld", (long long)retry_after_s);
}

/* What a caller is told of trouble that is not the caller's. */
static const char *public_detail(enum err err, const struct failure *failure)
{
    switch (err) {
    case ERR_BUG:
        return "Something went wrong here. The log has the details under this request_id.";
    case ERR_UNAVAILABLE:
        return "Something this needs does not work at the moment. Trying again later may help.";
    case ERR_TIMEOUT:
        return "This took longer than it may.";
    case OK:
    case ERR_INVALID:
    case ERR_UNAUTHENTICATED:
    case ERR_DENIED:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_LIMITED:
        break;
    }
    return failure && failure->detail ? failure->detail : "";
}

static void log_trouble(const char *request_id, enum err err, const struct failure *failure)
{
    const char *detail = failure && failure->detail ? failure->detail : "";
    const char *file = failure && failure->file ? failure->file : "";
    int line = failure ? failure->line : 0;

    if (err == ERR_BUG)
        log_error("request.failed", "request=%s code=%s detail=\"%s\" file=%s line=%d", request_id,
                  failure && failure->code ? failure->code : "", detail, file, line);
    else if (err == ERR_UNAVAILABLE || err == ERR_TIMEOUT)
        log_warning("request.failed", "request=%s code=%s detail=\"%s\"", request_id,
                    failure && failure->code ? failure->code : err_word(err), detail);
}

void problem_write(struct reply *reply, const char *request_id, enum err err,
                   const struct failure *failure)
{
    const char *code = failure && failure->code ? failure->code : err_word(err);

    log_trouble(request_id, err, failure);
    if (err == ERR_BUG)
        code = "internal";
    write_document(reply, request_id, problem_status(err, code), code, public_detail(err, failure),
                   failure ? failure->errors : NULL);
}

void problem_write_status(struct reply *reply, const char *request_id, uint16_t status,
                          const char *code, const char *detail)
{
    write_document(reply, request_id, status, code, detail, NULL);
}
