/* What all answers have in common, whatever carries them. */
#include "control/api/answer.h"

#include "control/api/connection.h"
#include "control/api/problem.h"
#include "control/api/request.h"

bool answer_has_length(uint16_t status)
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

void answer_write(struct carrier *carrier, const struct answer *answer)
{
    answer_count(answer->status);
    carrier->ops->write(carrier, answer);
}

void answer_refusal(struct carrier *carrier, uint16_t status, const char *code, const char *detail)
{
    struct reply reply = {0};
    char id[REQUEST_ID_BYTES];

    server_next_request_id(carrier->connection->server, id, sizeof id);
    problem_write_status(&reply, id, status, code, detail);
    answer_write(carrier, &(struct answer){.status = status,
                                           .is_api = true,
                                           .request_id = id,
                                           .type = reply.type,
                                           .headers = buf_str(&reply.headers),
                                           .body = buf_str(&reply.body),
                                           .body_owner = &reply.body});
    reply_clear(&reply);
}
