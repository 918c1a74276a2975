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

static void append_number(struct buf *out, size_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_append(out, digits + at, sizeof digits - at);
}

static void append_literal(struct buf *out, struct str literal)
{
    buf_append(out, literal.ptr, literal.len);
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

    append_literal(out, status_line(answer->status));
    buf_append_text(out, server->date);
    append_literal(out, buf_str(&server->headers));
    if (answer->is_api)
        append_literal(out, buf_str(&server->api_headers));
    if (answer->tells_build)
        append_literal(out, buf_str(&server->build_header));
    append_literal(out, answer->headers);
    append_literal(out, STR("X-Request-Id: "));
    buf_append_text(out, answer->request_id);
    append_literal(out, STR("\r\n"));
    if (answer->type) {
        append_literal(out, STR("Content-Type: "));
        buf_append_text(out, answer->type);
        append_literal(out, STR("\r\n"));
    }
    if (answer_has_length(answer->status)) {
        append_literal(out, STR("Content-Length: "));
        append_number(out, answer->body.len);
        append_literal(out, STR("\r\n"));
    }
    if (connection_ends_after(connection))
        append_literal(out, STR("Connection: close\r\n"));
    else if (tells_keep_alive(connection))
        append_literal(out, STR("Connection: keep-alive\r\n"));
    append_literal(out, STR("\r\n"));
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
        append_literal(out, answer->body);
    else
        connection_set_tail(connection, answer->body, answer->body_owner);
}
