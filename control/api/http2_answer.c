/* Answers in HTTP/2: the same lines as in HTTP/1, as fields. */
#include <assert.h>
#include <stdio.h>

#include "shared/str.h"

#include "control/api/answer.h"
#include "control/api/http2_link_private.h"

struct answer_fields {
    struct http2_server_field all[HTTP2_SERVER_FIELDS_MAX];
    size_t count;
};

/* What differs from answer to answer, or is a secret, would push the others out of the memory that
 * compression has. */
static bool is_fleeting(struct str name)
{
    return str_equal(name, STR("Set-Cookie")) || str_equal(name, STR("RateLimit"));
}

static void add(struct answer_fields *fields, struct str name, struct str value, bool fleeting)
{
    assert(fields->count < HTTP2_SERVER_FIELDS_MAX);
    fields->all[fields->count++] = (struct http2_server_field){name, value, fleeting};
}

/* Adds "Name: value" lines, each ended by CR LF. */
static void add_lines(struct answer_fields *fields, struct str lines)
{
    while (lines.len > 0) {
        struct str value = str_cut(&lines, '\r');
        struct str name = str_cut(&value, ':');

        lines = str_sub(lines, 1, lines.len); /* the LF */
        add(fields, name, str_trim(value), is_fleeting(name));
    }
}

/* Keeps the body as long as it goes out; what outlives the server needs no keeping. */
static struct str keep_body(struct http2_carrier *carrier, const struct answer *answer)
{
    if (answer->without_body || !answer_has_length(answer->status))
        return (struct str){0};
    if (!answer->body_owner)
        return answer->body;
    if (answer->body.len <= ANSWER_COPY_BYTES_MAX) {
        buf_append_str(&carrier->answer, answer->body);
    } else {
        buf_clear(&carrier->answer);
        carrier->answer = *answer->body_owner;
        *answer->body_owner = (struct buf){0};
    }
    carrier->link->held_bytes += carrier->answer.len;
    return buf_str(&carrier->answer);
}

void http2_answer_write(struct carrier *wire, const struct answer *answer)
{
    struct http2_carrier *carrier = container_of(wire, struct http2_carrier, carrier);
    const struct server *server = wire->connection->server;
    struct answer_fields fields = {.count = 0};
    char length[24];

    add_lines(&fields, str_of(server->date));
    add_lines(&fields, buf_str(&server->headers));
    if (answer->is_api)
        add_lines(&fields, buf_str(&server->api_headers));
    if (answer->tells_build)
        add_lines(&fields, buf_str(&server->build_header));
    add_lines(&fields, answer->headers);
    add(&fields, STR("X-Request-Id"), str_of(answer->request_id), true);
    if (answer->type)
        add(&fields, STR("Content-Type"), str_of(answer->type), false);
    if (answer_has_length(answer->status)) {
        int len = snprintf(length, sizeof length, "%zu", answer->body.len);

        add(&fields, STR("Content-Length"), str_n(length, (size_t)len), false);
    }
    http2_server_answer(carrier->link->session, &carrier->stream, answer->status, fields.all,
                        fields.count, keep_body(carrier, answer));
}
