/* Every byte of an answer's head is copied once, from texts that were made at start or when the
 * clock ticked. */
#include "control/api/answer.h"

#include <stdio.h>

#include "control/api/problem.h"
#include "control/api/request.h"

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

static bool has_length(uint16_t status)
{
    return status >= 200 && status != 204 && status != 304;
}

void answer_count(uint16_t status)
{
    if (status < 400)
        metric_add(&server_metrics.requests_ok, 1);
    else if (status < 500)
        metric_add(&server_metrics.requests_client_error, 1);
    else
        metric_add(&server_metrics.requests_server_error, 1);
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
    append_literal(out, answer->headers);
    append_literal(out, STR("X-Request-Id: "));
    buf_append_text(out, answer->request_id);
    append_literal(out, STR("\r\n"));
    if (answer->type) {
        append_literal(out, STR("Content-Type: "));
        buf_append_text(out, answer->type);
        append_literal(out, STR("\r\n"));
    }
    if (has_length(answer->status)) {
        append_literal(out, STR("Content-Length: "));
        append_number(out, answer->body.len);
        append_literal(out, STR("\r\n"));
    }
    if (answer->close)
        append_literal(out, STR("Connection: close\r\n"));
    else if (answer->tell_keep_alive)
        append_literal(out, STR("Connection: keep-alive\r\n"));
    append_literal(out, STR("\r\n"));
}

void answer_write(struct connection *connection, const struct answer *answer)
{
    struct buf *out = connection_output(connection);

    answer_count(answer->status);
    buf_reserve(out, 1024 + MIN(answer->body.len, (size_t)ANSWER_COPY_BYTES_MAX));
    write_head(connection, answer);
    if (answer->without_body || !has_length(answer->status))
        return;
    if (answer->body.len <= ANSWER_COPY_BYTES_MAX)
        append_literal(out, answer->body);
    else
        connection_set_tail(connection, answer->body, answer->body_owner);
}

void answer_refusal(struct connection *connection, uint16_t status, const char *code,
                    const char *detail)
{
    struct reply reply = {0};
    char id[REQUEST_ID_BYTES];

    server_next_request_id(connection->server, id, sizeof id);
    problem_write_status(&reply, id, status, code, detail);
    answer_write(connection, &(struct answer){.status = status,
                                              .is_api = true,
                                              .close = true,
                                              .request_id = id,
                                              .type = reply.type,
                                              .headers = buf_str(&reply.headers),
                                              .body = buf_str(&reply.body),
                                              .body_owner = &reply.body});
    reply_clear(&reply);
}
