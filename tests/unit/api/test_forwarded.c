/* Whom a chain of proxies speaks for, by a table; and lists of proxies that are none. */
#include "tests/unit/unit_test.h"

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/http_parse.h"

#include "control/api/forwarded.h"

#define NETWORKS "10.0.0.0/8, 127.0.0.1,fd00::/8"

static struct addr address(const char *text)
{
    struct addr addr = {0};

    assert_true(addr_parse_ip(str_of(text), 0, &addr));
    return addr;
}

static void add_field(struct http_head *head, const char *name, const char *value)
{
    if (value)
        head->fields[head->field_count++] =
            (struct http_field){.name = str_of(name), .value = str_of(value)};
}

static void test_the_client_is_the_nearest_that_is_no_proxy(void **state)
{
    static const struct {
        const char *first;
        const char *second; /* a further field of the same name */
        const char *client;
    } cases[] = {
        {NULL, NULL, "10.0.0.1"},
        {"192.0.2.7", NULL, "192.0.2.7"},
        {"192.0.2.7:4711", NULL, "192.0.2.7"},
        {"2001:db8::1", NULL, "2001:db8::1"},
        {"[2001:db8::1]:4711", NULL, "2001:db8::1"},
        {"[2001:db8::1]", NULL, "2001:db8::1"},
        {"198.51.100.1, 192.0.2.7", NULL, "192.0.2.7"},
        {"192.0.2.7, 10.1.2.3", NULL, "192.0.2.7"},
        {"198.51.100.1,192.0.2.7 ,10.1.2.3,fd00::5", NULL, "192.0.2.7"},
        {"198.51.100.1", "192.0.2.7", "192.0.2.7"},
        {"192.0.2.7", "10.1.2.3, 127.0.0.1", "192.0.2.7"},
        {"10.1.2.3", NULL, "10.1.2.3"},
        {"192.0.2.7, unknown", NULL, "10.0.0.1"},
        {"192.0.2.7, _hidden, 10.1.2.3", NULL, "10.1.2.3"},
        {"192.0.2.7, ", NULL, "10.0.0.1"},
        {"", NULL, "10.0.0.1"},
        {"192.0.2.7,,10.1.2.3", NULL, "10.1.2.3"},
        {"1.2.3.4.5", NULL, "10.0.0.1"},
        {"192.0.2.7", "unknown", "10.0.0.1"},
    };
    struct addr_networks networks;
    struct addr peer = address("10.0.0.1");

    (void)state;
    assert_int_equal(addr_networks_read(NETWORKS, &networks), OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static struct http_head head;
        char text[ADDR_TEXT_BYTES];
        struct forwarded forwarded;

        head.field_count = 0;
        add_field(&head, "X-Forwarded-For", cases[i].first);
        add_field(&head, "x-forwarded-for", cases[i].second);
        forwarded = forwarded_read(&networks, &head, &peer);
        assert_string_equal(addr_format_ip(&forwarded.client, text), cases[i].client);
        assert_false(forwarded.has_scheme);
    }
}

static void test_the_scheme_is_what_the_last_proxy_says(void **state)
{
    static const struct {
        const char *value;
        bool is_https;
    } cases[] = {{"https", true}, {"HTTPS", true},       {"http", false},      {"", false},
                 {"wss", false},  {"http, https", true}, {"https,http", false}};
    struct addr_networks networks;
    struct addr peer = address("10.0.0.1");

    (void)state;
    assert_int_equal(addr_networks_read(NETWORKS, &networks), OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static struct http_head head;
        struct forwarded forwarded;

        head.field_count = 0;
        add_field(&head, "X-Forwarded-Proto", "https");
        add_field(&head, "X-Forwarded-Proto", cases[i].value);
        forwarded = forwarded_read(&networks, &head, &peer);
        assert_true(forwarded.has_scheme);
        assert_int_equal(forwarded.is_https, cases[i].is_https);
    }
}

static void test_lists_of_proxies(void **state)
{
    static const char *const wrong[] = {"proxy", "10.0.0.0/33", "10.0.0.1,", ",10.0.0.1",
                                        "10.0.0.0/"};
    struct addr_networks networks;
    struct addr inside = address("10.200.1.1");
    struct addr outside = address("11.0.0.1");
    CLEANUP(buf_clear_p) struct buf many = {0};

    (void)state;
    assert_int_equal(addr_networks_read(NULL, &networks), OK);
    assert_false(addr_networks_have(&networks, &inside));
    assert_int_equal(addr_networks_read(NETWORKS, &networks), OK);
    assert_true(addr_networks_have(&networks, &inside));
    assert_false(addr_networks_have(&networks, &outside));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(addr_networks_read(wrong[i], &networks), ERR_INVALID);
    for (int i = 0; i <= ADDR_NETWORKS_MAX; i++)
        buf_printf(&many, "%s10.0.0.1", i > 0 ? "," : "");
    assert_int_equal(addr_networks_read(many.data, &networks), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_client_is_the_nearest_that_is_no_proxy),
        cmocka_unit_test(test_the_scheme_is_what_the_last_proxy_says),
        cmocka_unit_test(test_lists_of_proxies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
