/* Cookies: what each Set-Cookie makes of the next request. */
#include "tests/unit/unit_test.h"

#include <stdio.h>

#include "shared/mem.h"

#include "prober/kinds/http_cookies.h"

static struct url url_of(const char *text)
{
    struct url url;

    assert_null(url_parse(str_of(text), &url));
    return url;
}

static void assert_sent(const char *from, const char *cookie, const char *to, const char *sent)
{
    CLEANUP(url_clear_p) struct url from_url = url_of(from);
    CLEANUP(url_clear_p) struct url to_url = url_of(to);
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct http_cookies cookies = {0};

    http_cookies_take(&cookies, &from_url, str_of(cookie));
    buf_append_text(&text, "");
    http_cookies_append(&cookies, &to_url, &text);
    if (strcmp(text.data, sent) != 0)
        print_error("%s from %s to %s\n", cookie, from, to);
    assert_string_equal(text.data, sent);
    http_cookies_clear(&cookies);
}

static void test_one_cookie(void **state)
{
    static const struct {
        const char *from;
        const char *cookie;
        const char *to;
        const char *sent;
    } cases[] = {
        {"http://a.test/", "n=v", "http://a.test/x", "n=v"},
        {"http://a.test/", " n = v w ; HttpOnly", "http://a.test:81/", "n=v w"},
        {"http://a.test/", "n=", "http://a.test/", "n="},
        {"http://a.test/", "n=a=b", "http://a.test/", "n=a=b"},
        {"http://a.test/", "n=\"v\"", "http://a.test/", "n=\"v\""},
        {"http://a.test/", "", "http://a.test/", ""},
        {"http://a.test/", ";", "http://a.test/", ""},
        {"http://a.test/", "n", "http://a.test/", ""},
        {"http://a.test/", "=v", "http://a.test/", ""},
        /* hosts */
        {"http://a.test/", "n=v", "http://b.a.test/", ""},
        {"http://a.test/", "n=v; Domain=a.test", "http://b.a.test/", "n=v"},
        {"http://a.test/", "n=v; domain=.A.TEST", "http://b.a.test/", "n=v"},
        {"http://b.a.test/", "n=v; Domain=a.test", "http://c.a.test/", "n=v"},
        {"http://b.a.test/", "n=v; Domain=a.test", "http://xa.test/", ""},
        {"http://b.a.test/", "n=v; Domain=test", "http://b.a.test/", ""},
        {"http://b.a.test/", "n=v; Domain=c.test", "http://c.test/", ""},
        {"http://a.test/", "n=v; Domain=b.a.test", "http://b.a.test/", ""},
        {"http://127.0.0.1/", "n=v; Domain=0.0.1", "http://127.0.0.1/", ""},
        {"http://127.0.0.1/", "n=v; Domain=127.0.0.1", "http://127.0.0.1/", "n=v"},
        {"http://localhost/", "n=v; Domain=localhost", "http://localhost/", "n=v"},
        {"http://a.test/", "n=v; Domain=", "http://a.test/", "n=v"},
        /* paths */
        {"http://a.test/x/y", "n=v", "http://a.test/x/z?q", "n=v"},
        {"http://a.test/x/y", "n=v", "http://a.test/x", "n=v"},
        {"http://a.test/x/y", "n=v", "http://a.test/xx", ""},
        {"http://a.test/x/y", "n=v", "http://a.test/", ""},
        {"http://a.test/x?a/b", "n=v", "http://a.test/y", "n=v"},
        {"http://a.test/x", "n=v; Path=/y/", "http://a.test/y/z", "n=v"},
        {"http://a.test/x", "n=v; Path=/y/", "http://a.test/y", ""},
        {"http://a.test/x/y", "n=v; Path=z", "http://a.test/x/", "n=v"},
        /* times and TLS */
        {"http://a.test/", "n=v; Max-Age=1", "http://a.test/", "n=v"},
        {"http://a.test/", "n=v; Max-Age=0", "http://a.test/", ""},
        {"http://a.test/", "n=v; Max-Age=-5", "http://a.test/", ""},
        {"http://a.test/", "n=v; Expires=Sun, 06 Nov 1994 08:49:37 GMT", "http://a.test/", ""},
        {"http://a.test/", "n=v; Expires=Sun, 06-Nov-1994 08:49:37 GMT", "http://a.test/", ""},
        {"http://a.test/", "n=v; Expires=Sun, 06 Nov 2994 08:49:37 GMT", "http://a.test/", "n=v"},
        {"http://a.test/", "n=v; Expires=soon", "http://a.test/", "n=v"},
        {"http://a.test/", "n=v; Max-Age=9; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
         "http://a.test/", "n=v"},
        {"https://a.test/", "n=v; Secure", "https://a.test/", "n=v"},
        {"https://a.test/", "n=v; secure", "http://a.test/", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_sent(cases[i].from, cases[i].cookie, cases[i].to, cases[i].sent);
}

static void test_there_is_a_bound(void **state)
{
    CLEANUP(url_clear_p) struct url url = url_of("http://a.test/");
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct http_cookies cookies = {0};
    char cookie[32];

    (void)state;
    for (int i = 0; i < 3 * HTTP_COOKIES_MAX; i++) {
        snprintf(cookie, sizeof cookie, "name%d=value", i);
        http_cookies_take(&cookies, &url, str_of(cookie));
    }
    assert_int_equal(cookies.items.len, HTTP_COOKIES_MAX);
    http_cookies_take(&cookies, &url, STR("name0=other"));
    http_cookies_append(&cookies, &url, &text);
    assert_non_null(strstr(text.data, "name0=other"));
    assert_null(strstr(text.data, "name0=value"));
    http_cookies_clear(&cookies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_cookie),
        cmocka_unit_test(test_there_is_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
