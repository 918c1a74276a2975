/*
 * The head of a request: what nghttp2 gives field by field becomes what shared/http_parse.h gives.
 * nghttp2 has seen to names in lower case, to values without control bytes, to the order and number
 * of pseudo-fields, and that no field of a connection is among them; the rest is seen to here.
 */
#include <assert.h>

#include "shared/http2_server_private.h"
#include "shared/http_text.h"

void http2_server_head_begin(struct http2_server *server)
{
    struct http2_server_head *head = &server->head;

    memset(&head->head, 0, offsetof(struct http_head, fields));
    buf_reset(&head->text);
    buf_reserve(&head->text, 2 * (size_t)server->limits.head_bytes); /* and as much for joining */
    head->scheme = (struct str){0};
    head->authority = (struct str){0};
    head->bytes = 0;
    head->fields = 0;
    head->fault = HTTP2_FAULT_NONE;
    head->reason = NULL;
}

void http2_server_head_fail(struct http2_server *server, enum http2_fault fault, const char *reason)
{
    if (server->head.fault != HTTP2_FAULT_NONE)
        return;
    server->head.fault = fault;
    server->head.reason = reason;
}

static struct str keep(struct http2_server_head *head, struct str text)
{
    size_t at = head->text.len;

    buf_append_str(&head->text, text);
    return str_n(head->text.data + at, text.len);
}

static void add_pseudo(struct http2_server_head *head, struct str name, struct str value)
{
    if (str_equal(name, STR(":method")))
        head->head.method = keep(head, value);
    else if (str_equal(name, STR(":path")))
        head->head.target = keep(head, value);
    else if (str_equal(name, STR(":authority")))
        head->authority = keep(head, value);
    else if (str_equal(name, STR(":scheme")))
        head->scheme = keep(head, value);
}

bool http2_server_head_add(struct http2_server *server, struct str name, struct str value)
{
    struct http2_server_head *head = &server->head;
    struct http_field *field;

    head->bytes += name.len + value.len + HTTP2_FIELD_OVERHEAD_BYTES;
    head->fields++;
    if (head->bytes > 4 * (size_t)server->limits.head_bytes)
        return false;
    if (str_equal(name, STR(":path")) && value.len > server->limits.target_bytes)
        http2_server_head_fail(server, HTTP2_FAULT_TARGET_TOO_LONG,
                               "The request target is too long.");
    if (head->fields > server->limits.fields)
        http2_server_head_fail(server, HTTP2_FAULT_HEAD_TOO_LARGE, "There are too many fields.");
    if (head->bytes > server->limits.head_bytes)
        http2_server_head_fail(server, HTTP2_FAULT_HEAD_TOO_LARGE, "The head is too large.");
    if (head->fault != HTTP2_FAULT_NONE)
        return true;
    if (name.len > 0 && name.ptr[0] == ':') {
        add_pseudo(head, name, value);
        return true;
    }
    field = &head->head.fields[head->head.field_count++];
    field->name = keep(head, name);
    field->value = keep(head, value);
    return true;
}

/* Completing ---------------------------------------------------------------------------------- */

/* A cookie may come in parts, for the sake of compression (RFC 9113, 8.2.3). */
static void join_cookies(struct http2_server_head *head)
{
    struct http_head *http = &head->head;
    struct http_field *first = NULL;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < http->field_count; i++) {
        struct http_field field = http->fields[i];

        if (!str_equal(field.name, STR("cookie"))) {
            http->fields[kept++] = field;
        } else if (!first) {
            first = &http->fields[kept++];
            *first = field;
        } else {
            bool is_second =
                first->value.ptr + first->value.len != head->text.data + head->text.len;
            struct str joined = is_second ? keep(head, first->value) : first->value;

            (void)keep(head, STR("; "));
            (void)keep(head, field.value);
            first->value =
                str_n(joined.ptr, (size_t)(head->text.data + head->text.len - joined.ptr));
        }
    }
    http->field_count = kept;
}

/* Makes of `:authority` and `host` one field `host`; what is wrong with them, or NULL. */
static const char *settle_host(struct http2_server_head *head)
{
    struct http_head *http = &head->head;
    struct str host = http_head_field(http, STR("host"));
    unsigned count = 0;

    for (uint32_t i = 0; i < http->field_count; i++)
        count += str_equal(http->fields[i].name, STR("host"));
    if (count > 1)
        return "There is more than one Host field.";
    if (!host.ptr && !head->authority.ptr)
        return "There has to be an :authority or a Host field.";
    if (host.ptr && head->authority.ptr && !str_equal_nocase(host, head->authority))
        return "The Host field is not what :authority is.";
    if (!http_is_host(host.ptr ? host : head->authority))
        return "The authority is not a host name with an optional port.";
    if (!host.ptr)
        http->fields[http->field_count++] = (struct http_field){STR("host"), head->authority};
    return NULL;
}

static bool is_visible(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
            return false;
    }
    return true;
}

/* What is wrong with the target; NULL: nothing. Of CONNECT it is the authority, as in HTTP/1. */
static const char *settle_target(struct http2_server_head *head)
{
    if (str_equal(head->head.method, STR("CONNECT"))) {
        head->head.target = head->authority;
        return NULL;
    }
    if (!str_equal_nocase(head->scheme, STR("http")) &&
        !str_equal_nocase(head->scheme, STR("https")))
        return "The scheme is neither http nor https.";
    return is_visible(head->head.target) ? NULL : "The request target is not visible ASCII.";
}

static const char *settle_framing(struct http_head *head, bool is_end)
{
    struct str length = http_head_field(head, STR("content-length"));
    struct str expect = http_head_field(head, STR("expect"));

    head->expect_continue = str_equal_nocase(expect, STR("100-continue"));
    if (length.ptr && !str_to_u64(length, INT64_MAX, &head->content_length))
        return "Content-Length is not a number.";
    if (is_end || (length.ptr && head->content_length == 0))
        head->framing = HTTP_NO_BODY;
    else
        head->framing = length.ptr ? HTTP_LENGTH : HTTP_CHUNKED;
    return NULL;
}

void http2_server_head_complete(struct http2_server *server, bool is_end)
{
    struct http2_server_head *head = &server->head;
    const char *wrong;

    head->head.major_version = 2;
    head->head.keep_alive = true;
    if (head->fault != HTTP2_FAULT_NONE)
        return;
    join_cookies(head);
    wrong = settle_host(head);
    if (!wrong)
        wrong = settle_target(head);
    if (!wrong)
        wrong = settle_framing(&head->head, is_end);
    if (wrong)
        http2_server_head_fail(server, HTTP2_FAULT_MALFORMED, wrong);
}
