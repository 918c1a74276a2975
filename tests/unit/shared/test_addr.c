#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/addr.h"
#include "shared/address_policy.h"
#include "shared/attrs.h"
#include "shared/hosts.h"
#include "shared/pool.h"

static void test_addr_parse_and_format_round(void **state)
{
    static const char *const texts[] = {"127.0.0.1:80", "[::1]:443", "[2001:db8::1]:1",
                                        "0.0.0.0:65535"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char text[ADDR_TEXT_BYTES];
        struct addr addr;

        assert_true(addr_parse(str_of(texts[i]), &addr));
        assert_string_equal(addr_format(&addr, text), texts[i]);
    }
}

static void test_addr_parse_refuses(void **state)
{
    static const char *const texts[] = {
        "",         ":",     "a:1",  "127.0.0.1", "127.0.0.1:",    "127.0.0.1:65536",
        "::1:80",   "[::1]", "[::1", "1.2.3:4",   "127.0.0.1:80x", "[127.0.0.1%lo]:1",
        "0x7f.1:80"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct addr addr;

        if (addr_parse(str_of(texts[i]), &addr)) {
            print_error("taken: %s\n", texts[i]);
            assert_true(false);
        }
    }
}

static void test_address_policy(void **state)
{
    static const struct {
        const char *ip;
        bool everywhere; /* refused by the widest policy */
        bool in_public;  /* refused by one without loopback and private networks */
    } cases[] = {
        {"93.184.216.34", false, false},
        {"127.0.0.1", false, true},
        {"127.255.0.1", false, true},
        {"::1", false, true},
        {"10.1.2.3", false, true},
        {"172.16.0.1", false, true},
        {"172.32.0.1", false, false},
        {"192.168.1.1", false, true},
        {"100.64.0.1", false, true},
        {"fd12::1", false, true},
        {"2606:4700::1", false, false},
        {"169.254.169.254", true, true},
        {"169.254.1.1", true, true},
        {"100.100.100.200", true, true},
        {"fd00:ec2::254", true, true},
        {"fd20:ce::254", true, true},
        {"fe80::1", true, true},
        {"0.0.0.0", true, true},
        {"::", true, true},
        {"224.0.0.1", true, true},
        {"ff02::1", true, true},
        {"255.255.255.255", true, true},
        {"::ffff:169.254.169.254", true, true},
        {"::ffff:127.0.0.1", false, true},
        {"64:ff9b::a9fe:a9fe", true, true},
        {"2002:a9fe:a9fe::1", true, true},
    };
    const struct address_policy wide = {.allow_loopback = true, .allow_private = true};
    const struct address_policy narrow = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct addr addr;

        assert_true(addr_parse_ip(str_of(cases[i].ip), 80, &addr));
        if ((address_policy_refusal(&wide, &addr) != NULL) != cases[i].everywhere ||
            (address_policy_refusal(&narrow, &addr) != NULL) != cases[i].in_public) {
            print_error("%s\n", cases[i].ip);
            assert_true(false);
        }
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_hosts_finds_and_notices_changes(void **state)
{
    char path[] = "/tmp/em-hosts-XXXXXX";
    AUTO(hosts_free) struct hosts *hosts = NULL;
    struct addr addrs[4];
    char text[ADDR_TEXT_BYTES];

    (void)state;
    close(mkstemp(path));
    write_file(
        path,
        "# comment\n10.0.0.1\tdb db.Test # more\n::5 db\nnonsense x\n10.0.0.2 db\n\n10.9.9.9");
    hosts = hosts_new(path);
    assert_int_equal(hosts_find(hosts, "DB.test.", AF_UNSPEC, addrs, 4), 1);
    assert_string_equal(addr_format(&addrs[0], text), "10.0.0.1:0");
    assert_int_equal(hosts_find(hosts, "db", AF_UNSPEC, addrs, 4), 3);
    assert_int_equal(hosts_find(hosts, "db", AF_INET6, addrs, 4), 1);
    assert_int_equal(hosts_find(hosts, "db", AF_UNSPEC, addrs, 2), 2);
    assert_int_equal(hosts_find(hosts, "x", AF_UNSPEC, addrs, 4), 0);
    assert_int_equal(hosts_find(hosts, "some.localhost", AF_UNSPEC, addrs, 4), 2);
    assert_int_equal(hosts_find(hosts, "localhost", AF_INET, addrs, 4), 1);
    assert_int_equal(hosts_find(hosts, "notlocalhost", AF_INET, addrs, 4), 0);

    write_file(path, "10.0.0.7 other\n");
    hosts_refresh(hosts);
    assert_int_equal(hosts_find(hosts, "db", AF_UNSPEC, addrs, 4), 0);
    assert_int_equal(hosts_find(hosts, "other", AF_UNSPEC, addrs, 4), 1);
    unlink(path);
}

static void test_pool_gives_the_same_objects_again(void **state)
{
    struct pool pool;
    void *first;
    void *second;

    (void)state;
    pool_init(&pool, 100);
    first = pool_take(&pool);
    second = pool_take(&pool);
    assert_int_equal(pool_in_use(&pool), 2);
    pool_give(&pool, second);
    assert_ptr_equal(pool_take(&pool), second);
    pool_give(&pool, second);
    pool_give(&pool, first);
    assert_int_equal(pool_in_use(&pool), 0);
    assert_int_equal(pool.total, 2);
    pool_clear(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addr_parse_and_format_round),
        cmocka_unit_test(test_addr_parse_refuses),
        cmocka_unit_test(test_address_policy),
        cmocka_unit_test(test_hosts_finds_and_notices_changes),
        cmocka_unit_test(test_pool_gives_the_same_objects_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
