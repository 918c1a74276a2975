/* The schema has seen the types and sizes; here stand the rules that a schema cannot say. */
#include "prober/kinds/http_spec.h"

#include "shared/http_text.h"
#include "shared/json.h"

#include "prober/kinds/http_auth.h"

/* With TLS the server chooses from what is offered. */
static void read_version(struct http_spec *spec, const char *word)
{
    struct str *alpn = &spec->endpoint.tls.options.alpn;

    if (strcmp(word, "2") == 0) {
        spec->version = HTTP_CHOICE_2;
        *alpn = STR("h2");
    } else if (strcmp(word, "auto") == 0) {
        spec->version = HTTP_CHOICE_AUTO;
        *alpn = STR("h2,http/1.1");
    }
}

static void read_request(struct http_spec *spec, const json_t *json, json_t **errors)
{
    const char *wrong = url_parse(str_of(json_text(json, "url", "")), &spec->url);

    if (wrong)
        json_add_error(errors, "/spec/url", "url_invalid", "The URL %s.", wrong);
    spec->method = xstrdup(json_text(json, "method", "GET"));
    http_headers_read(&spec->headers, json_object_get(json, "headers"));
    if (json_has(json, "body")) {
        spec->body = xstrdup(json_text(json, "body", ""));
        spec->body_len = strlen(spec->body);
    }
    spec->follow_redirects = (unsigned)json_integer_or(json, "follow_redirects", 5);
    spec->keeps_cookies = json_boolean_or(json, "cookies", false);
    spec->require_tls = json_boolean_or(json, "require_tls", false);
    spec->allows_both_lengths = strcmp(json_text(json, "ambiguous_length", "fail"), "warn") == 0;
    spec->max_body_bytes = (uint64_t)json_integer_or(json, "max_body_bytes", 1048576);
    spec->with_compression = json_boolean_or(json, "compression", false);
}

static void read_credentials(struct http_spec *spec, const json_t *json, json_t **errors)
{
    const json_t *auth = json_object_get(json, "auth");

    spec->authorization = http_auth_value(auth, &spec->secrets);
    if (json_has(auth, "oauth2"))
        spec->oauth = http_oauth_new(json_object_get(auth, "oauth2"), &spec->secrets, errors);
    for (size_t i = 0; i < spec->headers.len; i++) {
        if (http_is_secret_header(str_of(spec->headers.items[i].name)))
            http_secrets_add(&spec->secrets, spec->headers.items[i].value);
    }
}

static void read_stranger(struct http_spec *spec)
{
    const struct tls_client_options *options = &spec->endpoint.tls.options;

    if (options->identity.len == 0)
        return;
    spec->stranger = NEW(struct tls_client);
    spec->stranger->options = *options;
    spec->stranger->options.identity = (struct str){0};
}

void http_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct http_spec *spec = NEW(struct http_spec);
    const json_t *expect = json_object_get(json, "expect");
    struct http_request_options first;

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, 0);
    read_version(spec, json_text(json, "http_version", "1.1"));
    read_stranger(spec);
    read_request(spec, json, errors);
    read_credentials(spec, json, errors);
    if (json_has(json, "proxy"))
        spec->proxy = http_proxy_new(json_object_get(json, "proxy"), &spec->secrets, errors);
    http_expect_read(&spec->expect, expect, errors);
    spec->expiry = cert_expiry_read(expect);
    if (*errors)
        return;
    check->host = spec->url.host;
    first = (struct http_request_options){spec->method, spec->body != NULL, true, NULL};
    if (!spec->oauth)
        http_request_compose(&spec->request, spec, &spec->url, &first);
}

void http_spec_free(void *object)
{
    struct http_spec *spec = object;

    if (!spec)
        return;
    url_clear(&spec->url);
    http_headers_clear(&spec->headers);
    http_expect_clear(&spec->expect);
    http_proxy_free(spec->proxy);
    http_oauth_free(spec->oauth);
    http_secrets_clear(&spec->secrets);
    buf_clear(&spec->request);
    free(spec->method);
    free(spec->body);
    free(spec->authorization);
    if (spec->stranger)
        tls_client_clear(spec->stranger);
    free(spec->stranger);
    endpoint_spec_clear(&spec->endpoint);
    free(spec);
}
