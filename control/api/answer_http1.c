/* Answers in HTTP/1.1, written into a connection's output: status line, the headers that every answer
 * has, its own headers, body. Every byte of a head is copied once, from texts that were made at
 * start or when the clock ticked. */
#include <stdio.h>

#include "control/api/answer.h"
#include "control/api/connection_private.h"
#include "control/api/problem.h"

/* "HTTP/1.1 200 OK\r\n", made when a status is used for the first time. */
static struct str status_line(uint16_t status)
{
    static struct {
        char text[64];
        size_t len;
    } lines[600];

    size_t at = status < 600 ? status : 500;

    if (lines[at].len == 0)
        lines[at].len =
            (size_t)snprintf(lines[at].text, sizeof lines[at].text, "HTTP/1.1 %u %s\r\n", status,
                             problem_status_words(status));
    return (struct str){lines[at].text, lines[at].len};
}

/* HTTP/1.0 has to be told that the connection stays. */
static bool tells_keep_alive(const struct connection *connection)
{
    return connection->parser && connection->parser->head.minor_version == 0;
}

static void write_head(struct connection *connection, const struct answer *answer)
{
    const struct server *server = connection->server;
    struct buf *out = connection_output(connection);

    buf_append_str(out, status_line(answer->status));
    buf_append_text(out, server->date);
    buf_append_str(out, buf_str(&server->headers));
    if (answer->is_api)
        buf_append_str(out, buf_str(&server->api_headers));
    if (answer->tells_build)
        buf_append_str(out, buf_str(&server->build_header));
    buf_append_str(out, answer->headers);
    buf_append_str(out, STR("X-Request-Id: "));
    buf_append_text(out, answer->request_id);
    buf_append_str(out, STR("\r\n"));
    if (answer->type) {
        buf_append_str(out, STR("Content-Type: "));
        buf_append_text(out, answer->type);
        buf_append_str(out, STR("\r\n"));
    }
    if (answer_has_length(answer->status)) {
        buf_append_str(out, STR("Content-Length: "));
        buf_append_integer(out, (int64_t)answer->body.len);
        buf_append_str(out, STR("\r\n"));
    }
    if (connection_ends_after(connection))
        buf_append_str(out, STR("Connection: close\r\n"));
    else if (tells_keep_alive(connection))
        buf_append_str(out, STR("Connection: keep-alive\r\n"));
    buf_append_str(out, STR("\r\n"));
}

void answer_write_http1(struct carrier *carrier, const struct answer *answer)
{
    struct connection *connection = carrier->connection;
    struct buf *out = connection_output(connection);

    buf_reserve(out, 1024 + MIN(answer->body.len, (size_t)ANSWER_COPY_BYTES_MAX));
    write_head(connection, answer);
    if (answer->without_body || !answer_has_length(answer->status))
        return;
    if (answer->body.len <= ANSWER_COPY_BYTES_MAX)
        buf_append_str(out, answer->body);
    else
        connection_set_tail(connection, answer->body, answer->body_owner);
}
