/* Headers that the check gives stand in place of our own. */
#include "prober/kinds/http_request.h"

#include <string.h>

#include "shared/http_text.h"
#include "shared/mem.h"

#include "prober/kinds/http_spec.h"

#define PORT_HTTP  80
#define PORT_HTTPS 443

void http_headers_read(http_headers *headers, const json_t *pairs)
{
    json_t *pair;
    size_t i;

    json_array_foreach((json_t *)pairs, i, pair) vec_push(
        headers, (struct http_header){xstrdup(json_string_value(json_array_get(pair, 0))),
                                      xstrdup(json_string_value(json_array_get(pair, 1)))});
}

void http_headers_clear(http_headers *headers)
{
    for (size_t i = 0; i < headers->len; i++) {
        free(headers->items[i].name);
        free(headers->items[i].value);
    }
    vec_clear(headers);
}

void http_append_authority(struct buf *buf, const char *host, uint16_t port)
{
    buf_printf(buf, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

void http_append_host(struct buf *buf, const struct url *url)
{
    buf_printf(buf, strchr(url->host, ':') ? "Host: [%s]" : "Host: %s", url->host);
    if (url->port != (url->is_tls ? PORT_HTTPS : PORT_HTTP))
        buf_printf(buf, ":%u", url->port);
    buf_append_text(buf, "\r\n");
}

void http_append_url(struct buf *buf, const struct url *url, size_t target_bytes_max)
{
    buf_append_text(buf, url->is_tls ? "https://" : "http://");
    http_append_authority(buf, url->host, url->port);
    buf_append_str(buf, str_sub(str_of(url->target), 0, target_bytes_max));
}

/* Goes with the first host only. */
static bool is_credential(struct str name)
{
    return str_equal_nocase(name, STR("host")) || http_is_secret_header(name);
}

/* Which of our own headers the check has given. */
struct given {
    bool host;
    bool agent;
    bool accept;
    bool encoding;
    bool cookie;
};

static void append_given(struct buf *buf, const struct http_spec *spec,
                         const struct http_request_options *options, const char *authorization,
                         struct given *ret_given)
{
    for (size_t i = 0; i < spec->headers.len; i++) {
        const struct http_header *header = &spec->headers.items[i];
        struct str name = str_of(header->name);

        if ((!options->with_credentials && is_credential(name)) ||
            (authorization && str_equal_nocase(name, STR("authorization"))))
            continue;
        ret_given->host |= str_equal_nocase(name, STR("host"));
        ret_given->agent |= str_equal_nocase(name, STR("user-agent"));
        ret_given->accept |= str_equal_nocase(name, STR("accept"));
        ret_given->encoding |= str_equal_nocase(name, STR("accept-encoding"));
        buf_printf(buf, "%s: %s", header->name, header->value);
        /* There must be one header of cookies only. */
        if (options->cookies && !ret_given->cookie && str_equal_nocase(name, STR("cookie"))) {
            ret_given->cookie = true;
            buf_printf(buf, "; %s", options->cookies);
        }
        buf_append_text(buf, "\r\n");
    }
}

void http_request_compose(struct buf *buf, const struct http_spec *spec, const struct url *url,
                          const struct http_request_options *options)
{
    const char *authorization = options->with_credentials ? spec->authorization : NULL;
    CLEANUP(buf_clear_p) struct buf headers = {0};
    struct given given = {0};

    append_given(&headers, spec, options, authorization, &given);
    buf_printf(buf, "%s %s HTTP/1.1\r\n", options->method, url->target);
    if (!given.host)
        http_append_host(buf, url);
    if (!given.agent)
        buf_append_text(buf, "User-Agent: " HTTP_USER_AGENT "\r\n");
    if (!given.accept)
        buf_append_text(buf, "Accept: */*\r\n");
    if (spec->with_compression && !given.encoding)
        buf_append_text(buf, "Accept-Encoding: gzip, br\r\n");
    buf_append_text(buf, "Connection: close\r\n");
    if (authorization)
        buf_printf(buf, "Authorization: %s\r\n", authorization);
    buf_append_str(buf, buf_str(&headers));
    if (options->cookies && !given.cookie)
        buf_printf(buf, "Cookie: %s\r\n", options->cookies);
    if (options->with_body)
        buf_printf(buf, "Content-Length: %zu\r\n", spec->body_len);
    else if (strcmp(options->method, "POST") == 0 || strcmp(options->method, "PUT") == 0)
        buf_append_text(buf, "Content-Length: 0\r\n");
    buf_append_text(buf, "\r\n");
    if (options->with_body)
        buf_append(buf, spec->body, spec->body_len);
}
