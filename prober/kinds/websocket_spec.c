/* The schema has seen types, sizes and that no header is one of the handshake's own. */
#include "prober/kinds/websocket_spec.h"

#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/expectation.h"
#include "prober/kinds/http_request.h"

static bool has_header(const json_t *headers, const char *name)
{
    json_t *pair;
    size_t i;

    json_array_foreach((json_t *)headers, i, pair)
    {
        if (str_equal_nocase(str_of(json_string_value(json_array_get(pair, 0))), str_of(name)))
            return true;
    }
    return false;
}

static void compose_handshake(struct websocket_spec *spec, const json_t *headers)
{
    struct buf *out = &spec->handshake;
    json_t *pair;
    size_t i;

    buf_printf(out, "GET %s HTTP/1.1\r\n", spec->url.target);
    if (!has_header(headers, "host"))
        http_append_host(out, &spec->url);
    if (!has_header(headers, "user-agent"))
        buf_append_text(out, "User-Agent: " HTTP_USER_AGENT "\r\n");
    json_array_foreach((json_t *)headers, i, pair)
        buf_printf(out, "%s: %s\r\n", json_string_value(json_array_get(pair, 0)),
                   json_string_value(json_array_get(pair, 1)));
    if (spec->subprotocol)
        buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", spec->subprotocol);
    buf_append_text(out, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
}

void websocket_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct websocket_spec *spec = NEW(struct websocket_spec);
    const char *wrong = url_parse_websocket(str_of(json_text(json, "url", "")), &spec->url);
    const char *subprotocol = json_text(json, "subprotocol", NULL);
    const char *send = json_text(json, "send", NULL);

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0);
    spec->verify_accept = json_boolean_or(json, "verify_accept", true);
    spec->subprotocol = subprotocol ? xstrdup(subprotocol) : NULL;
    spec->send = send ? xstrdup(send) : NULL;
    spec->expectation = expectation_new(json, errors);
    if (wrong) {
        json_add_error(errors, "/spec/url", "url_invalid", "The URL %s.", wrong);
        return;
    }
    check->host = spec->url.host;
    compose_handshake(spec, json_object_get(json, "headers"));
}

void websocket_spec_free(void *object)
{
    struct websocket_spec *spec = object;

    if (!spec)
        return;
    url_clear(&spec->url);
    endpoint_spec_clear(&spec->endpoint);
    regex_free(spec->expectation);
    buf_clear(&spec->handshake);
    free(spec->subprotocol);
    free(spec->send);
    free(spec);
}
