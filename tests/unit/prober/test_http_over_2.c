/* Requests of HTTP/1.1 put in the fields of HTTP/2. */
#include "tests/unit/unit_test.h"

#include "shared/buf.h"

#include "prober/kinds/http_over_2.h"

/* What the request has, as a text: its pseudo-fields in one line, then a line for each field. */
static void describe(struct buf *out, const struct http2_request *request)
{
    buf_printf(out, STR_FMT " " STR_FMT "://" STR_FMT STR_FMT "\n", STR_ARG(request->method),
               STR_ARG(request->scheme), STR_ARG(request->authority), STR_ARG(request->path));
    for (size_t i = 0; i < request->field_count; i++)
        buf_printf(out, STR_FMT "=" STR_FMT "\n", STR_ARG(request->fields[i].name),
                   STR_ARG(request->fields[i].value));
    buf_append_str(out, request->body);
}

static void test_requests_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        bool is_tls;
        const char *wanted;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "GET http://a/\n"},
        {"GET /x?y=z HTTP/1.1\r\nHost: [::1]:8080\r\nAccept: */*\r\nConnection: close\r\nX: "
         "1\r\nX:\r\n\r\n",
         true, "GET https://[::1]:8080/x?y=z\nAccept=*/*\nX=1\nX=\n"},
        {"POST / HTTP/1.1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nHost: a\r\nContent-Length: "
         "4\r\n\r\nbody",
         false, "POST http://a/\nContent-Length=4\nbody"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(buf_clear_p) struct buf out = {0};
        struct http_field fields[HTTP_FIELDS_MAX];
        struct http2_request request;

        assert_int_equal(
            http_over_2_request(str_of(rows[i].text), rows[i].is_tls, fields, &request), OK);
        describe(&out, &request);
        assert_string_equal(out.data, rows[i].wanted);
    }
}

static void test_what_cannot_be_sent_is_refused(void **state)
{
    CLEANUP(buf_clear_p) struct buf large = {0};
    struct http_field fields[HTTP_FIELDS_MAX];
    struct http2_request request;

    (void)state;
    buf_append_text(&large, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    while (large.len < HTTP2_REQUEST_HEAD_BYTES_MAX)
        buf_append_char(&large, 'x');
    buf_append_text(&large, "\r\n\r\n");
    assert_int_equal(http_over_2_request(buf_str(&large), false, fields, &request), ERR_LIMITED);
    assert_string_equal(failure_last()->code, "head_too_large");
    assert_int_equal(http_over_2_request(STR("GET / HTTP/1.1\r\n"), false, fields, &request),
                     ERR_INVALID);
    assert_int_equal(http_over_2_request(STR("GET / HTTP/1.1\r\n\r\n"), false, fields, &request),
                     ERR_INVALID);
    failure_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_taken_apart),
        cmocka_unit_test(test_what_cannot_be_sent_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
