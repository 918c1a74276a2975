/* Parsing works on views of the text and copies at the end only. */
#include "shared/url.h"

#include <assert.h>
#include <ctype.h>

#include "shared/addr.h"
#include "shared/buf.h"
#include "shared/mem.h"

#define PORT_HTTP  80
#define PORT_HTTPS 443

const char *url_check_host(struct str host)
{
    bool after_dot = true;

    if (host.len == 0)
        return "has no host";
    if (host.len > URL_HOST_BYTES_MAX)
        return "has a host name that is too long";

    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];

        if (c == '.') {
            if (after_dot)
                return "has an empty label in its host name";
            after_dot = true;
            continue;
        }
        if ((unsigned char)c >= 0x80)
            return "has a host name beyond ASCII (use its xn-- form)";
        if (!isalnum((unsigned char)c) && c != '-' && c != '_')
            return "has a character in its host name that cannot stand there";
        after_dot = false;
    }
    return NULL;
}

static const char *read_port(struct str text, bool is_tls, uint16_t *ret_port)
{
    uint64_t port = is_tls ? PORT_HTTPS : PORT_HTTP;

    if (text.len > 0 && (!str_to_u64(text, UINT16_MAX, &port) || port == 0))
        return "has a port that is not a number from 1 to 65535";
    *ret_port = (uint16_t)port;
    return NULL;
}

/* Splits "host:port" or "[::1]:port". */
static const char *split_authority(struct str authority, struct str *ret_host, struct str *ret_port)
{
    struct addr literal;
    struct str rest = authority;

    if (authority.len > 0 && memchr(authority.ptr, '@', authority.len))
        return "names a user (give credentials in a header)";
    if (authority.len > 0 && authority.ptr[0] == '[') {
        rest = str_sub(authority, 1, authority.len);
        *ret_host = str_cut(&rest, ']');
        if (!rest.ptr || !addr_parse_ip(*ret_host, 0, &literal) ||
            literal.any.sa_family != AF_INET6)
            return "has brackets in its host that hold no IPv6 address";
        if (rest.len > 0 && rest.ptr[0] != ':')
            return "has text between its host and its port";
        *ret_port = str_sub(rest, 1, rest.len);
        return NULL;
    }
    *ret_host = str_cut(&rest, ':');
    *ret_port = rest;
    return url_check_host(*ret_host);
}

static const char *check_visible(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= 0x20 || text.ptr[i] == 0x7f)
            return "has a space or a control character";
    }
    return NULL;
}

static const char *check_target(struct str target)
{
    for (size_t i = 0; i < target.len; i++) {
        if ((unsigned char)target.ptr[i] >= 0x80)
            return "has a character beyond ASCII (percent-encode it)";
    }
    return NULL;
}

static bool cut_scheme(struct str *text, struct str scheme)
{
    if (!str_equal_nocase(str_sub(*text, 0, scheme.len), scheme))
        return false;
    *text = str_sub(*text, scheme.len, text->len);
    return true;
}

/* The end of the part before any of `stops`. */
static size_t span_until(struct str text, const char *stops)
{
    size_t len = 0;

    while (len < text.len && !strchr(stops, text.ptr[len]))
        len++;
    return len;
}

static char *lower_copy(struct str text)
{
    char *copy = str_dup(text);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

/* `rest` follows "//": authority, then path and query. */
static const char *parse_after_slashes(bool is_tls, struct str rest, struct url *ret_url)
{
    struct str authority = str_sub(rest, 0, span_until(rest, "/?#"));
    struct str target = str_sub(rest, authority.len, rest.len);
    struct str host;
    struct str port_text;
    const char *wrong;
    uint16_t port;

    target = str_sub(target, 0, span_until(target, "#"));
    if ((wrong = split_authority(authority, &host, &port_text)) ||
        (wrong = read_port(port_text, is_tls, &port)) || (wrong = check_target(target)))
        return wrong;

    *ret_url = (struct url){
        .is_tls = is_tls,
        .host = lower_copy(host),
        .port = port,
        .target = target.len > 0 && target.ptr[0] == '/' ? str_dup(target)
                                                         : xasprintf("/" STR_FMT, STR_ARG(target)),
    };
    return NULL;
}

/* @param plain,over_tls the two schemes, with what follows them */
static const char *parse_absolute(struct str text, struct str plain, struct str over_tls,
                                  const char *other_scheme, struct url *ret_url)
{
    struct str rest = text;
    const char *wrong;
    bool is_tls;

    if (text.len > URL_BYTES_MAX)
        return "is too long";
    if ((wrong = check_visible(text)))
        return wrong;
    is_tls = cut_scheme(&rest, over_tls);
    if (!is_tls && !cut_scheme(&rest, plain))
        return other_scheme;
    return parse_after_slashes(is_tls, rest, ret_url);
}

const char *url_parse(struct str text, struct url *ret_url)
{
    return parse_absolute(text, STR("http://"), STR("https://"), "is neither http:// nor https://",
                          ret_url);
}

const char *url_parse_websocket(struct str text, struct url *ret_url)
{
    return parse_absolute(text, STR("ws://"), STR("wss://"), "is neither ws:// nor wss://",
                          ret_url);
}

/* Removes "." and ".." segments; `path` begins with "/". */
static void append_without_dots(struct buf *out, struct str path)
{
    size_t start = out->len;

    while (path.len > 0) {
        struct str rest = str_sub(path, 1, path.len);
        struct str segment = str_sub(rest, 0, span_until(rest, "/"));
        bool is_last = segment.len == rest.len;

        path = str_sub(rest, segment.len, rest.len);
        if (str_equal(segment, STR(".."))) {
            while (out->len > start && out->data[--out->len] != '/')
                ;
        } else if (!str_equal(segment, STR("."))) {
            buf_append_char(out, '/');
            buf_append_str(out, segment);
            continue;
        }
        if (is_last)
            buf_append_char(out, '/');
    }
    if (out->len == start)
        buf_append_char(out, '/');
}

static void append_encoded(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c <= 0x20 || c >= 0x7f)
            buf_printf(out, "%%%02X", c);
        else
            buf_append_char(out, (char)c);
    }
}

/* Whether the text begins with a scheme and its colon (RFC 3986, section 3.1). */
static bool has_scheme(struct str text)
{
    size_t len = span_until(text, ":/?#");

    if (len == 0 || len == text.len || text.ptr[len] != ':' || !isalpha((unsigned char)text.ptr[0]))
        return false;
    for (size_t i = 1; i < len; i++) {
        if (!isalnum((unsigned char)text.ptr[i]) && !strchr("+-.", text.ptr[i]))
            return false;
    }
    return true;
}

/* The new target: the reference's path on top of the base's, and its query. */
static void append_target(struct buf *out, struct str base_target, struct str reference)
{
    struct str base_path = str_sub(base_target, 0, span_until(base_target, "?"));
    struct str path = str_sub(reference, 0, span_until(reference, "?"));
    CLEANUP(buf_clear_p) struct buf merged = {0};

    if (path.len == 0) {
        buf_append_str(out, base_path);
    } else {
        if (path.ptr[0] != '/') {
            const char *slash;

            assert(base_path.len > 0 && base_path.ptr && base_path.ptr[0] == '/');
            slash = memrchr(base_path.ptr, '/', base_path.len);
            buf_append(&merged, base_path.ptr, (size_t)(slash - base_path.ptr) + 1);
        }
        buf_append_str(&merged, path);
        append_without_dots(out, buf_str(&merged));
    }
    buf_append_str(out, str_sub(reference, path.len, reference.len));
}

const char *url_resolve(const struct url *base, struct str reference, struct url *ret_url)
{
    CLEANUP(buf_clear_p) struct buf encoded = {0};
    CLEANUP(buf_clear_p) struct buf target = {0};
    struct str text = str_trim(reference);

    if (text.len == 0)
        return "is empty";
    if (text.len > URL_BYTES_MAX)
        return "is too long";
    append_encoded(&encoded, text);
    text = buf_str(&encoded);
    if (has_scheme(text))
        return url_parse(text, ret_url);
    if (str_starts_with(text, STR("//")))
        return parse_after_slashes(base->is_tls, str_sub(text, 2, text.len), ret_url);

    append_target(&target, str_of(base->target), str_sub(text, 0, span_until(text, "#")));
    *ret_url = (struct url){
        .is_tls = base->is_tls,
        .host = xstrdup(base->host),
        .port = base->port,
        .target = buf_take_text(&target),
    };
    return NULL;
}

void url_clear(struct url *url)
{
    free(url->host);
    free(url->target);
    *url = (struct url){0};
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->is_tls == b->is_tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}
