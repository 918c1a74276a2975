/* The formats of what is said to targets: URLs, hosts, headers, certificates. */
#include <ctype.h>
#include <stdio.h>

#include "shared/addr.h"
#include "shared/dns_message.h"
#include "shared/http_text.h"
#include "shared/json_schema_node.h"
#include "shared/status_list.h"
#include "shared/tls.h"
#include "shared/url.h"

static bool is_url(const char *(*parse)(struct str text, struct url *ret_url), const char *example,
                   struct str text, char *detail, size_t detail_bytes)
{
    struct url url;
    const char *wrong;

    if (text.len > 0 && memchr(text.ptr, '#', text.len)) {
        snprintf(detail, detail_bytes, "must have no fragment (\"#…\"): it is never sent");
        return false;
    }
    wrong = parse(text, &url);
    if (wrong) {
        snprintf(detail, detail_bytes, "must be a URL such as \"%s\"; this one %s", example, wrong);
        return false;
    }
    url_clear(&url);
    return true;
}

static bool is_http_origin(struct str text, char *detail, size_t detail_bytes)
{
    struct url url;
    const char *wrong = url_parse(text, &url);
    bool is_bare = !wrong && strcmp(url.target, "/") == 0;

    if (wrong)
        snprintf(detail, detail_bytes,
                 "must be a URL such as \"http://proxy.test:3128\"; this one %s", wrong);
    else if (!is_bare)
        snprintf(detail, detail_bytes, "must have no path: \"http://proxy.test:3128\"");
    if (!wrong)
        url_clear(&url);
    return is_bare;
}

static bool is_http_url(struct str text, char *detail, size_t detail_bytes)
{
    return is_url(url_parse, "https://shop.test/login", text, detail, detail_bytes);
}

static bool is_ws_url(struct str text, char *detail, size_t detail_bytes)
{
    return is_url(url_parse_websocket, "wss://shop.test/live", text, detail, detail_bytes);
}

static bool is_host(struct str text, char *detail, size_t detail_bytes)
{
    struct addr literal;
    const char *wrong;

    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = str_sub(text, 1, text.len - 2);
    if (addr_parse_ip(text, 0, &literal))
        return true;
    wrong = url_check_host(text);
    if (wrong)
        snprintf(detail, detail_bytes, "must be a host name or an IP address; it %s", wrong);
    return !wrong;
}

/* Hosts that are gone to without a proxy. */
static bool is_host_or_network(struct str text, char *detail, size_t detail_bytes)
{
    struct addr_network network;

    snprintf(detail, detail_bytes,
             "must be a host name (\"shop.test\", or \".shop.test\" for the names below), an IP "
             "address or a network (\"10.0.0.0/8\")");
    if (addr_parse_network(text, &network))
        return true;
    if (text.len > 1 && text.ptr[0] == '.')
        text = str_sub(text, 1, text.len);
    return !url_check_host(text);
}

static bool is_ip_address(struct str text, char *detail, size_t detail_bytes)
{
    struct addr literal;

    snprintf(detail, detail_bytes, "must be an IP address");
    return addr_parse_ip(text, 0, &literal);
}

static bool is_status_list(struct str text, char *detail, size_t detail_bytes)
{
    struct status_list list;

    snprintf(detail, detail_bytes,
             "must be statuses and ranges from 100 to 599 such as \"200-299,401\"");
    return status_list_parse(text, &list);
}

static bool is_token(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes,
             "must be letters, digits and any of !#$%%&'*+-.^_`|~ (a token of HTTP)");
    return http_is_token(text);
}

static bool is_header_name(struct str text, char *detail, size_t detail_bytes)
{
    if (!is_token(text, detail, detail_bytes))
        return false;
    snprintf(detail, detail_bytes, "must be none that the prober sets itself");
    return !http_is_framing_header(text);
}

static bool is_ws_header_name(struct str text, char *detail, size_t detail_bytes)
{
    const struct str prefix = STR("sec-websocket-");

    return is_header_name(text, detail, detail_bytes) &&
           !str_equal_nocase(str_sub(text, 0, prefix.len), prefix);
}

static bool is_header_value(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes, "must have no line breaks and no other control characters");
    return http_is_field_value(text);
}

static bool is_basic_user(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes, "must have no colon and no control characters");
    return http_is_field_value(text) && (text.len == 0 || !memchr(text.ptr, ':', text.len));
}

static bool is_visible_ascii(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes, "must be visible characters of ASCII without blanks");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
            return false;
    }
    return true;
}

static bool is_pem_certificates(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes, "must hold at least one readable PEM certificate");
    return tls_pem_is_valid(text);
}

static bool is_pem_identity(struct str text, char *detail, size_t detail_bytes)
{
    const char *wrong = tls_identity_wrong(text);

    if (wrong)
        snprintf(detail, detail_bytes, "must be a PEM certificate and its private key; it %s",
                 wrong);
    return !wrong;
}

static bool is_tls_alert(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes,
             "must be an alert of TLS by its name in RFC 8446 (\"certificate_required\") or its "
             "number");
    return tls_alert_number(text) != 0;
}

static bool is_hex(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes, "must be pairs of hexadecimal digits, at least one");
    for (size_t i = 0; i < text.len; i++) {
        if (!isxdigit((unsigned char)text.ptr[i]))
            return false;
    }
    return text.len > 0 && text.len % 2 == 0;
}

static bool is_address_with_port(struct str text, char *detail, size_t detail_bytes)
{
    struct addr addr;

    snprintf(detail, detail_bytes,
             "must be an IP address, with a port where it is not the usual one: \"10.0.0.53\", "
             "\"10.0.0.53:5353\" or \"[::1]:53\"");
    return addr_parse_ip(text, 0, &addr) || addr_parse(text, &addr);
}

static bool is_dns_name(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes,
             "must be a name in DNS: labels of 1 to 63 characters with dots between them, in ASCII "
             "(xn-- for others)");
    return dns_name_is_valid(text);
}

static bool is_dns_type(struct str text, char *detail, size_t detail_bytes)
{
    snprintf(detail, detail_bytes, "must be a type of DNS records such as A, MX or TYPE65");
    return dns_type_of(text) != 0;
}

const struct json_format json_formats_network[] = {
    {"dns-name", is_dns_name},
    {"dns-type", is_dns_type},
    {"http-url", is_http_url},
    {"http-origin", is_http_origin},
    {"ws-url", is_ws_url},
    {"host", is_host},
    {"host-or-network", is_host_or_network},
    {"ip-address", is_ip_address},
    {"address-port", is_address_with_port},
    {"status-list", is_status_list},
    {"token", is_token},
    {"header-name", is_header_name},
    {"ws-header-name", is_ws_header_name},
    {"header-value", is_header_value},
    {"basic-user", is_basic_user},
    {"visible-ascii", is_visible_ascii},
    {"pem-certificates", is_pem_certificates},
    {"pem-identity", is_pem_identity},
    {"tls-alert", is_tls_alert},
    {"hex", is_hex},
    {0},
};
