/* Filling in a reply. Headers are kept as finished lines, so that sending them is one copy. */
#include "control/api/reply.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "shared/json.h"

#include "control/api/guard_cookie.h"
#include "control/api/request.h"

#define HEADER_BYTES_MAX 2048

void reply_clear(struct reply *reply)
{
    buf_clear(&reply->body);
    buf_clear(&reply->headers);
    vec_clear(&reply->changes);
    *reply = (struct reply){0};
}

void reply_reset(struct reply *reply)
{
    reply->status = 0;
    reply->type = NULL;
    reply->retry_after_s = 0;
    buf_reset(&reply->body);
    buf_reset(&reply->headers);
    reply->changes.len = 0;
}

enum err reply_json_take(struct reply *reply, json_t *json)
{
    buf_reset(&reply->body);
    json_write(json, &reply->body);
    json_decref(json);
    return OK;
}

enum err reply_json_text(struct reply *reply, struct str text)
{
    buf_reset(&reply->body);
    buf_append_str(&reply->body, text);
    return OK;
}

struct buf *reply_body(struct reply *reply)
{
    return &reply->body;
}

void reply_header(struct reply *reply, const char *name, const char *format, ...)
{
    char value[HEADER_BYTES_MAX];
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    assert(len >= 0 && (size_t)len < sizeof value && !strpbrk(value, "\r\n"));
    buf_append_text(&reply->headers, name);
    buf_append(&reply->headers, ": ", 2);
    buf_append(&reply->headers, value, (size_t)len);
    buf_append(&reply->headers, "\r\n", 2);
}

void reply_etag(struct reply *reply, int64_t version)
{
    buf_append_text(&reply->headers, "ETag: \"");
    buf_append_integer(&reply->headers, version);
    buf_append_text(&reply->headers, "\"\r\n");
}

void reply_session_cookie(struct reply *reply, const struct request *request, const char *token,
                          int64_t max_age_s)
{
    reply_header(
        reply, "Set-Cookie", "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%" PRId64 "%s",
        session_cookie_name(request->secure), token, max_age_s, request->secure ? "; Secure" : "");
}

struct uuid reply_changed(struct reply *reply, enum change_word word, enum entity_kind kind,
                          const struct uuid *id)
{
    struct change change = {.word = word, .kind = kind, .id = *id, .entry_id = uuid_new()};

    vec_push(&reply->changes, change);
    return change.entry_id;
}
