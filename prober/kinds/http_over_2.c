/* What is composed here is taken apart by our own strict parser, so that there is one place that
 * says what a request has. */
#include "prober/kinds/http_over_2.h"

#include "prober/kinds/http_run.h"

static enum wait exchange_run(struct probe *probe);

static const struct probe_step HTTP_OVER_2 = {"response", exchange_run};

/* ---- the request ---- */

static bool is_of_connection(struct str name)
{
    static const char *const names[] = {
        "connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_equal_nocase(name, str_of(names[i])))
            return true;
    }
    return false;
}

enum err http_over_2_request(struct str text, bool is_tls, struct http_field *fields,
                             struct http2_request *ret_request)
{
    const struct http_limits limits = {
        .target_bytes = (uint32_t)MIN(text.len, (size_t)UINT32_MAX),
        .head_bytes = HTTP2_REQUEST_HEAD_BYTES_MAX,
        .fields = HTTP_FIELDS_MAX,
    };
    struct http_parser parser;
    size_t head_bytes;
    size_t count = 0;
    enum http_status status;

    http_parser_init(&parser, HTTP_REQUEST, &limits);
    status = http_parse(&parser, text, &head_bytes);
    if (status == HTTP_TOO_LARGE)
        return fail(ERR_LIMITED, "head_too_large", "%s", parser.reason);
    if (status != HTTP_HEAD)
        return fail(ERR_INVALID, "request_invalid", "%s",
                    status == HTTP_MALFORMED ? parser.reason : "The request is not whole.");

    for (uint32_t i = 0; i < parser.head.field_count; i++) {
        if (!is_of_connection(parser.head.fields[i].name))
            fields[count++] = parser.head.fields[i];
    }
    *ret_request = (struct http2_request){
        .method = parser.head.method,
        .scheme = is_tls ? STR("https") : STR("http"),
        .authority = http_head_field(&parser.head, STR("host")),
        .path = parser.head.target,
        .fields = fields,
        .field_count = count,
        .body = str_sub(text, head_bytes, text.len),
    };
    return OK;
}

/* ---- the reply ---- */

static struct http_exchange *exchange_of(struct probe *probe)
{
    return &run_of(probe)->exchange;
}

static enum wait on_news(struct probe *probe, enum http2_status status,
                         const struct http2_news *news)
{
    struct http_exchange *exchange = exchange_of(probe);

    switch (status) {
    case HTTP2_HEAD:
        return http_exchange_head(probe, news->head);
    case HTTP2_DATA:
        return http_exchange_body(probe, news->data);
    case HTTP2_END:
        return exchange->client->on_end(probe);
    case HTTP2_NEED_MORE:
    case HTTP2_TRAILERS:
        return WAIT_NONE;
    case HTTP2_RESET:
    case HTTP2_FAILED:
        break;
    }
    return http2_exchange_end_for(probe, news);
}

static enum wait exchange_run(struct probe *probe)
{
    return http2_exchange_run(probe, &exchange_of(probe)->over_2);
}

enum wait http_over_2_start(struct probe *probe, const struct http_client *client,
                            struct str request, bool is_tls)
{
    struct http_exchange *exchange = exchange_of(probe);
    struct http_field fields[HTTP_FIELDS_MAX];
    struct http2_request asked;

    http_exchange_reset(exchange, client);
    exchange->over_2.on_news = on_news;
    if (http_over_2_request(request, is_tls, fields, &asked) != OK ||
        http2_exchange_begin(probe, &exchange->over_2, &asked) != OK)
        return probe_end(probe, OUTCOME_PROBER_ERROR, "the request cannot be sent over HTTP/2: %s",
                         failure_last()->detail);
    probe->step = &HTTP_OVER_2;
    return WAIT_NONE;
}
