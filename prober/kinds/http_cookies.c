/* The rules of RFC 6265, 5.2 to 5.4. A Domain needs a dot within: that keeps cookies from all of
 * "test" or "com"; among the few hosts of one chain of redirects no list of public suffixes is
 * missed. */
#include "prober/kinds/http_cookies.h"

#include <string.h>
#include <time.h>

#include "shared/addr.h"
#include "shared/clock.h"
#include "shared/http_text.h"
#include "shared/mem.h"

/* ---- where a cookie belongs ---- */

/* Whether the host is the domain or lies in it. */
static bool is_in_domain(struct str host, struct str domain)
{
    if (host.len == domain.len)
        return str_equal_nocase(host, domain);
    return host.len > domain.len &&
           str_equal_nocase(str_sub(host, host.len - domain.len, domain.len), domain) &&
           host.ptr[host.len - domain.len - 1] == '.';
}

static struct str path_of(const struct url *url)
{
    struct str rest = str_of(url->target);

    return str_cut(&rest, '?');
}

/* "/shop" of "/shop/basket"; "/" of "/shop". */
static struct str folder_of(struct str path)
{
    const char *slash = memrchr(path.ptr, '/', path.len);

    return str_sub(path, 0, MAX((size_t)(slash - path.ptr), (size_t)1));
}

static bool is_in_path(struct str path, struct str folder)
{
    if (!str_starts_with(path, folder))
        return false;
    return path.len == folder.len || folder.ptr[folder.len - 1] == '/' ||
           path.ptr[folder.len] == '/';
}

static bool belongs(const struct http_cookie *cookie, const struct url *to)
{
    struct str host = str_of(to->host);
    struct str domain = str_of(cookie->domain);

    if (cookie->tls_only && !to->is_tls)
        return false;
    if (cookie->host_only ? !str_equal_nocase(host, domain) : !is_in_domain(host, domain))
        return false;
    return is_in_path(path_of(to), str_of(cookie->path));
}

/* ---- reading ---- */

/* What the attributes say; views into the header. */
struct attributes {
    struct str domain; /* without the leading dot; empty: none */
    struct str path;   /* empty: none */
    bool tls_only;
    bool has_age;
    bool is_over;
};

static bool is_past(struct str date)
{
    char text[40];
    struct tm time = {0};

    if (date.len >= sizeof text)
        return false;
    memcpy(text, date.ptr, date.len);
    text[date.len] = '\0';
    if (!strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &time) &&
        !strptime(text, "%a, %d-%b-%Y %H:%M:%S GMT", &time))
        return false;
    return (int64_t)timegm(&time) * 1000 <= clock_wall_ms();
}

static void read_attribute(struct attributes *attributes, struct str name, struct str value)
{
    if (str_equal_nocase(name, STR("domain"))) {
        attributes->domain =
            str_starts_with(value, STR(".")) ? str_sub(value, 1, value.len) : value;
    } else if (str_equal_nocase(name, STR("path"))) {
        attributes->path = str_starts_with(value, STR("/")) ? value : STR("");
    } else if (str_equal_nocase(name, STR("secure"))) {
        attributes->tls_only = true;
    } else if (str_equal_nocase(name, STR("max-age")) && value.len > 0) {
        attributes->has_age = true;
        attributes->is_over = value.ptr[0] == '-' || str_equal(value, STR("0"));
    } else if (str_equal_nocase(name, STR("expires")) && !attributes->has_age) {
        attributes->is_over = is_past(value);
    }
}

static struct attributes read_attributes(struct str rest)
{
    struct attributes attributes = {0};

    while (rest.ptr && rest.len > 0) {
        struct str value = str_cut(&rest, ';');
        struct str name = str_trim(str_cut(&value, '='));

        read_attribute(&attributes, name, value.ptr ? str_trim(value) : STR(""));
    }
    return attributes;
}

/* Whether a host may set cookies for that domain. */
static bool may_set(struct str host, struct str domain)
{
    struct addr literal;

    if (str_equal_nocase(host, domain))
        return true;
    return memchr(domain.ptr, '.', domain.len) && !addr_parse_ip(host, 0, &literal) &&
           is_in_domain(host, domain);
}

/* ---- keeping ---- */

static void forget(struct http_cookies *cookies, size_t at)
{
    struct http_cookie *cookie = &cookies->items.items[at];

    cookies->bytes -= strlen(cookie->pair);
    wipe(cookie->pair, strlen(cookie->pair));
    free(cookie->pair);
    free(cookie->domain);
    free(cookie->path);
    vec_remove_swap(&cookies->items, at);
}

static void forget_same(struct http_cookies *cookies, const struct http_cookie *cookie)
{
    for (size_t i = 0; i < cookies->items.len; i++) {
        const struct http_cookie *other = &cookies->items.items[i];

        if (other->name_len != cookie->name_len ||
            strncmp(other->pair, cookie->pair, cookie->name_len) != 0 ||
            strcmp(other->domain, cookie->domain) != 0 || strcmp(other->path, cookie->path) != 0)
            continue;
        forget(cookies, i);
        return;
    }
}

void http_cookies_take(struct http_cookies *cookies, const struct url *from, struct str value)
{
    struct str rest = value;
    struct str pair = str_trim(str_cut(&rest, ';'));
    struct str after_name = pair;
    struct str name = str_trim(str_cut(&after_name, '='));
    struct attributes attributes = read_attributes(rest);
    struct str host = str_of(from->host);
    struct http_cookie cookie;

    if (value.len > HTTP_COOKIE_BYTES_MAX || !http_is_field_value(value) || !after_name.ptr ||
        name.len == 0)
        return;
    if (attributes.domain.len > 0 && !may_set(host, attributes.domain))
        return;
    cookie = (struct http_cookie){
        .pair = xasprintf(STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(str_trim(after_name))),
        .name_len = name.len,
        .domain = str_dup(attributes.domain.len > 0 ? attributes.domain : host),
        .path = str_dup(attributes.path.len > 0 ? attributes.path : folder_of(path_of(from))),
        .host_only = attributes.domain.len == 0,
        .tls_only = attributes.tls_only,
    };
    forget_same(cookies, &cookie);
    vec_push(&cookies->items, cookie);
    cookies->bytes += strlen(cookie.pair);
    if (attributes.is_over || cookies->items.len > HTTP_COOKIES_MAX ||
        cookies->bytes > HTTP_COOKIES_BYTES_MAX)
        forget(cookies, cookies->items.len - 1);
}

/* ---- sending ---- */

void http_cookies_append(const struct http_cookies *cookies, const struct url *to, struct buf *text)
{
    size_t shorter_than = SIZE_MAX;
    size_t before = text->len;

    for (;;) {
        size_t longest = 0;

        for (size_t i = 0; i < cookies->items.len; i++) {
            size_t len = strlen(cookies->items.items[i].path);

            if (len < shorter_than && belongs(&cookies->items.items[i], to))
                longest = MAX(longest, len);
        }
        if (longest == 0)
            return;
        for (size_t i = 0; i < cookies->items.len; i++) {
            const struct http_cookie *cookie = &cookies->items.items[i];

            if (strlen(cookie->path) == longest && belongs(cookie, to))
                buf_printf(text, "%s%s", text->len > before ? "; " : "", cookie->pair);
        }
        shorter_than = longest;
    }
}

void http_cookies_clear(struct http_cookies *cookies)
{
    while (cookies->items.len > 0)
        forget(cookies, cookies->items.len - 1);
    vec_clear(&cookies->items);
}
