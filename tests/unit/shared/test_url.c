#include "tests/unit/unit_test.h"

#include "shared/buf.h"
#include "shared/url.h"

static void test_url_parse_takes(void **state)
{
    static const struct {
        const char *text;
        bool is_tls;
        const char *host;
        unsigned port;
        const char *target;
    } cases[] = {
        {"http://example.com", false, "example.com", 80, "/"},
        {"https://Example.COM/", true, "example.com", 443, "/"},
        {"HTTP://a:8080/x?y=1#z", false, "a", 8080, "/x?y=1"},
        {"http://a?q", false, "a", 80, "/?q"},
        {"http://a#f", false, "a", 80, "/"},
        {"http://a:/x", false, "a", 80, "/x"},
        {"http://[::1]:81/x", false, "::1", 81, "/x"},
        {"http://[FE80::1]/", false, "fe80::1", 80, "/"},
        {"http://a.b.c./", false, "a.b.c.", 80, "/"},
        {"http://under_score.test/a//b", false, "under_score.test", 80, "/a//b"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(url_clear_p) struct url url = {0};
        const char *wrong = url_parse(str_of(cases[i].text), &url);

        if (wrong) {
            print_error("%s %s\n", cases[i].text, wrong);
            assert_true(false);
        }
        assert_int_equal(url.is_tls, cases[i].is_tls);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.target, cases[i].target);
    }
}

static void test_url_parse_refuses(void **state)
{
    static const char *const cases[] = {
        "",
        "http:/a",
        "ftp://a/",
        "file:///etc/passwd",
        "//a/",
        "http://",
        "http:///x",
        "http://:80/",
        "http://user@a/",
        "http://user:secret@a/",
        "http://a:0/",
        "http://a:65536/",
        "http://a:8x/",
        "http://a b/",
        "http://a/\r\nX: y",
        "http://a/\x7f",
        "http://b\xc3\xbc"
        "cher.test/",
        "http://a..b/",
        "http://.a/",
        "http://[::1/",
        "http://[127.0.0.1]/",
        "http://[::1]x/",
        "http://::1/",
        "http://a%2fb/",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url url;

        if (!url_parse(str_of(cases[i]), &url)) {
            print_error("taken: %s\n", cases[i]);
            assert_true(false);
        }
    }
}

static void test_url_resolve_follows(void **state)
{
    static const struct {
        const char *reference;
        bool is_tls;
        const char *host;
        unsigned port;
        const char *target;
    } cases[] = {
        {"http://b/y", false, "b", 80, "/y"},
        {"https://a:8080/y", true, "a", 8080, "/y"},
        {"//b:81/y", true, "b", 81, "/y"},
        {"/y", true, "a", 8443, "/y"},
        {"y", true, "a", 8443, "/one/y"},
        {"./y", true, "a", 8443, "/one/y"},
        {"../y", true, "a", 8443, "/y"},
        {"../../../y", true, "a", 8443, "/y"},
        {"y/./z/../w", true, "a", 8443, "/one/y/w"},
        {"..", true, "a", 8443, "/"},
        {"y/..", true, "a", 8443, "/one/"},
        {"?q=2", true, "a", 8443, "/one/two?q=2"},
        {"#frag", true, "a", 8443, "/one/two"},
        {"/y#frag", true, "a", 8443, "/y"},
        {"/y?next=http://c/", true, "a", 8443, "/y?next=http://c/"},
        {"  /y  ", true, "a", 8443, "/y"},
        {"/a b", true, "a", 8443, "/a%20b"},
        {"/\xc3\xbc", true, "a", 8443, "/%C3%BC"},
        {"a:b", false, NULL, 0, NULL}, /* a scheme that is not ours */
        {"ftp://b/", false, NULL, 0, NULL},
        {"javascript:alert(1)", false, NULL, 0, NULL},
        {"", false, NULL, 0, NULL},
        {"  ", false, NULL, 0, NULL},
        {"//", false, NULL, 0, NULL},
        {"http://user@b/", false, NULL, 0, NULL},
    };
    CLEANUP(url_clear_p) struct url base = {0};

    (void)state;
    assert_null(url_parse(STR("https://a:8443/one/two?q=1"), &base));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(url_clear_p) struct url url = {0};
        const char *wrong = url_resolve(&base, str_of(cases[i].reference), &url);

        if (!wrong != (cases[i].host != NULL)) {
            print_error("\"%s\": %s\n", cases[i].reference, wrong ? wrong : "taken");
            assert_true(false);
        }
        if (wrong)
            continue;
        assert_int_equal(url.is_tls, cases[i].is_tls);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.target, cases[i].target);
    }
}

static void test_url_refuses_what_is_too_long(void **state)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    struct url url;

    (void)state;
    buf_append_text(&text, "http://a/");
    while (text.len <= URL_BYTES_MAX)
        buf_append_char(&text, 'x');
    assert_string_equal(url_parse(buf_str(&text), &url), "is too long");
}

static void test_url_same_origin(void **state)
{
    struct url a = {.host = (char *)"a", .port = 80};
    struct url b = a;

    (void)state;
    assert_true(url_same_origin(&a, &b));
    b.port = 81;
    assert_false(url_same_origin(&a, &b));
}

static void test_websocket_urls(void **state)
{
    static const struct {
        const char *text;
        bool is_tls;
        const char *host;
        unsigned port;
        const char *target;
    } cases[] = {
        {"ws://a.test/live?x=1", false, "a.test", 80, "/live?x=1"},
        {"WSS://A.test", true, "a.test", 443, "/"},
        {"wss://[::1]:8080/", true, "::1", 8080, "/"},
    };
    struct url url;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_null(url_parse_websocket(str_of(cases[i].text), &url));
        assert_int_equal(url.is_tls, cases[i].is_tls);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.target, cases[i].target);
        url_clear(&url);
    }
    assert_string_equal(url_parse_websocket(STR("http://a/"), &url), "is neither ws:// nor wss://");
    assert_string_equal(url_parse(STR("ws://a/"), &url), "is neither http:// nor https://");
    assert_non_null(url_parse_websocket(STR("ws://u:p@a/"), &url));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_parse_takes),
        cmocka_unit_test(test_url_parse_refuses),
        cmocka_unit_test(test_url_resolve_follows),
        cmocka_unit_test(test_url_refuses_what_is_too_long),
        cmocka_unit_test(test_url_same_origin),
        cmocka_unit_test(test_websocket_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
