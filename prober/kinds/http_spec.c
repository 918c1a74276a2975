/* The schema has seen the types and sizes; here stand the rules that a schema cannot say. */
#include "prober/kinds/http_spec.h"

#include "shared/json.h"

#define USER_AGENT "environment-manager/" EM_VERSION

static void read_request(struct http_spec *spec, const json_t *json, json_t **errors)
{
    const char *wrong = url_parse(str_of(json_text(json, "url", "")), &spec->url);
    json_t *pair;
    size_t i;

    if (wrong)
        json_add_error(errors, "/spec/url", "url_invalid", "The URL %s.", wrong);
    spec->method = xstrdup(json_text(json, "method", "GET"));
    json_array_foreach(json_object_get(json, "headers"), i, pair) vec_push(
        &spec->headers, (struct http_header){xstrdup(json_string_value(json_array_get(pair, 0))),
                                             xstrdup(json_string_value(json_array_get(pair, 1)))});
    if (json_has(json, "body")) {
        spec->body = xstrdup(json_text(json, "body", ""));
        spec->body_len = strlen(spec->body);
    }
    spec->follow_redirects = (unsigned)json_integer_or(json, "follow_redirects", 5);
    spec->max_body_bytes = (uint64_t)json_integer_or(json, "max_body_bytes", 1048576);
}

void http_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct http_spec *spec = NEW(struct http_spec);
    const json_t *expect = json_object_get(json, "expect");

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0, errors);
    read_request(spec, json, errors);
    http_expect_read(&spec->expect, expect, errors);
    spec->expiry = cert_expiry_read(expect);
    if (*errors)
        return;
    check->host = spec->url.host;
    http_request_compose(&spec->request, spec, &spec->url,
                         &(struct http_request_options){spec->method, spec->body != NULL, true});
}

void http_spec_free(void *object)
{
    struct http_spec *spec = object;

    if (!spec)
        return;
    url_clear(&spec->url);
    for (size_t i = 0; i < spec->headers.len; i++) {
        free(spec->headers.items[i].name);
        free(spec->headers.items[i].value);
    }
    vec_clear(&spec->headers);
    http_expect_clear(&spec->expect);
    buf_clear(&spec->request);
    free(spec->method);
    free(spec->body);
    endpoint_spec_clear(&spec->endpoint);
    free(spec);
}

static bool is_credential(const char *name)
{
    static const char *const names[] = {"authorization", "cookie", "host", "proxy-authorization"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_equal_nocase(str_of(name), str_of(names[i])))
            return true;
    }
    return false;
}

/* Appends the given headers; returns whether one of the three defaults is among them. */
static void append_headers(struct buf *buf, const struct http_spec *spec, bool with_credentials,
                           bool *ret_host, bool *ret_agent, bool *ret_accept)
{
    for (size_t i = 0; i < spec->headers.len; i++) {
        const struct http_header *header = &spec->headers.items[i];
        struct str name = str_of(header->name);

        if (!with_credentials && is_credential(header->name))
            continue;
        *ret_host |= str_equal_nocase(name, STR("host"));
        *ret_agent |= str_equal_nocase(name, STR("user-agent"));
        *ret_accept |= str_equal_nocase(name, STR("accept"));
        buf_printf(buf, "%s: %s\r\n", header->name, header->value);
    }
}

static void append_host(struct buf *buf, const struct url *url)
{
    bool is_v6 = strchr(url->host, ':') != NULL;

    buf_printf(buf, is_v6 ? "Host: [%s]" : "Host: %s", url->host);
    if (url->port != (url->is_tls ? 443 : 80))
        buf_printf(buf, ":%u", url->port);
    buf_append_text(buf, "\r\n");
}

void http_request_compose(struct buf *buf, const struct http_spec *spec, const struct url *url,
                          const struct http_request_options *options)
{
    CLEANUP(buf_clear_p) struct buf headers = {0};
    bool has_host = false;
    bool has_agent = false;
    bool has_accept = false;

    append_headers(&headers, spec, options->with_credentials, &has_host, &has_agent, &has_accept);
    buf_printf(buf, "%s %s HTTP/1.1\r\n", options->method, url->target);
    if (!has_host)
        append_host(buf, url);
    if (!has_agent)
        buf_append_text(buf, "User-Agent: " USER_AGENT "\r\n");
    if (!has_accept)
        buf_append_text(buf, "Accept: */*\r\n");
    buf_append_text(buf, "Connection: close\r\n");
    buf_append_str(buf, buf_str(&headers));
    if (options->with_body)
        buf_printf(buf, "Content-Length: %zu\r\n", spec->body_len);
    else if (strcmp(options->method, "POST") == 0 || strcmp(options->method, "PUT") == 0)
        buf_append_text(buf, "Content-Length: 0\r\n");
    buf_append_text(buf, "\r\n");
    if (options->with_body)
        buf_append(buf, spec->body, spec->body_len);
}
