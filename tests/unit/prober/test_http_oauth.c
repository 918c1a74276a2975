/* What token endpoints grant, and what they do not. */
#include "tests/unit/unit_test.h"

#include "shared/err.h"
#include "shared/mem.h"

#include "prober/kinds/http_oauth.h"

struct row {
    const char *body;
    const char *token; /* NULL: nothing is granted */
    int64_t lifetime_s;
    const char *why; /* a part of it */
};

/* clang-format off */
static const struct row rows[] = {
    {"{\"access_token\":\"abc\",\"token_type\":\"Bearer\",\"expires_in\":3600}", "abc", 3600, ""},
    {"{\"access_token\":\"abc\",\"token_type\":\"bearer\"}", "abc", 300, ""},
    {"{\"access_token\":\"abc\",\"expires_in\":null}", "abc", 300, ""},
    {"{\"access_token\":\"abc\",\"expires_in\":\"60\"}", "abc", 60, ""},
    {"{\"access_token\":\"abc\",\"expires_in\":59.9}", "abc", 59, ""},
    {"{\"access_token\":\"abc\",\"expires_in\":-5}", "abc", 0, ""},
    {"{\"access_token\":\"abc\",\"expires_in\":1e300}", "abc", 86400, ""},
    {"{\"access_token\":\"abc\",\"expires_in\":9223372036854775807}", "abc", 86400, ""},
    {"{\"access_token\":\"abc\",\"expires_in\":\"soon\"}", "abc", 300, ""},
    {"{\"access_token\":\"abc\",\"expires_in\":[1]}", "abc", 300, ""},

    {"", NULL, 0, "no JSON that can be read"},
    {"<html>", NULL, 0, "no JSON that can be read"},
    {"{\"access_token\":\"abc\"", NULL, 0, "no JSON that can be read"},
    {"{\"access_token\":\"a\\u0000c\"}", NULL, 0, "no JSON that can be read"},
    {"[]", NULL, 0, "no access_token"},
    {"{}", NULL, 0, "no access_token"},
    {"{\"access_token\":\"\"}", NULL, 0, "no access_token"},
    {"{\"access_token\":7}", NULL, 0, "no access_token"},
    {"{\"access_token\":\"a\\r\\nX: y\"}", NULL, 0, "none that can be sent"},
    {"{\"access_token\":\"a\\u007f\"}", NULL, 0, "none that can be sent"},
    {"{\"access_token\":\"abc\",\"token_type\":\"mac\"}", NULL, 0, "none that can be sent"},
};

/* clang-format on */

static void check(const struct row *row)
{
    struct http_grant grant = {0};
    struct buf why = {0};
    bool granted = http_grant_read(str_of(row->body), &grant, &why);

    if (granted != (row->token != NULL))
        print_error("%s\n", row->body);
    assert_int_equal(granted, row->token != NULL);
    if (granted) {
        assert_string_equal(grant.token, row->token);
        assert_int_equal(grant.lifetime_s, row->lifetime_s);
        assert_int_equal(why.len, 0);
    } else {
        assert_non_null(strstr(why.data, row->why));
    }
    assert_null(failure_last()->code);
    free(grant.token);
    buf_clear(&why);
}

static void test_grants(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i]);
}

static void test_long_tokens_are_not_taken(void **state)
{
    struct buf body = {0};
    struct row row = {.why = "too long"};

    (void)state;
    buf_append_text(&body, "{\"access_token\":\"");
    memset(buf_reserve(&body, 16385), 'x', 16385);
    body.len += 16385;
    buf_append_text(&body, "\"}");
    row.body = body.data;
    check(&row);
    buf_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_long_tokens_are_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
