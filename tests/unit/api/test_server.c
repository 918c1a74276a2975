/* The server over real sockets: what goes in and what comes out, byte by byte where that
 * matters. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/mem.h"

#include "control/api/server_private.h"
#include "tests/unit/api/api_client.h"

static int start(void **state)
{
    (void)state;
    server = api_server_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    api_server_stop(server);
    return 0;
}

static void test_every_answer_has_the_headers_of_security(void **state)
{
    static const char *const requests[] = {
        "GET /api/v1/open HTTP/1.1\r\n" HOST "\r\n",
        "GET /api/v1/nothing HTTP/1.1\r\n" HOST "\r\n",
        "GET /page HTTP/1.1\r\n" HOST "\r\n",
        "nonsense\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        char *answer = ask(requests[i]);

        assert_has(answer, "X-Content-Type-Options: nosniff\r\n");
        assert_has(answer, "Content-Security-Policy: default-src 'none'");
        assert_has(answer, "Referrer-Policy: same-origin\r\n");
        assert_has(answer, "Cross-Origin-Opener-Policy: same-origin\r\n");
        assert_has(answer, "Cache-Control: no-store\r\n");
        assert_has(answer, "X-Request-Id: ");
        assert_null(strstr(answer, "Server:"));
        assert_null(strstr(answer, "Strict-Transport-Security"));
        free(answer);
    }
}

static void test_a_memory_route_answers(void **state)
{
    (void)state;
    assert_answer("GET /api/v1/echo?q=a%20b%2Bc+d HTTP/1.1\r\n" HOST KEY "\r\n",
                  "HTTP/1.1 200 OK\r\n", "{\"q\":\"a b+c d\",\"who\":\"all\"}");
    assert_answer("GET http://localhost/api/v1/echo?q=1 HTTP/1.1\r\n" HOST KEY "\r\n",
                  "HTTP/1.1 200 OK\r\n", "{\"q\":\"1\"");
    assert_answer("GET /api/v1/open HTTP/1.1\r\n" HOST "X-Request-Id: my-id.1\r\n\r\n", "200 OK",
                  "X-Request-Id: my-id.1\r\n");
    assert_answer("GET /api/v1/open HTTP/1.1\r\n" HOST "X-Request-Id: no good\r\n\r\n", "200 OK",
                  "{\"who\":\"\"}");
}

/* Others have nothing to do with it, and learn from it which mistakes we still make. */
static void test_only_who_has_signed_in_is_told_the_build(void **state)
{
    static const char *const strangers[] = {
        "GET /api/v1/open HTTP/1.1\r\n" HOST "\r\n",
        "GET /api/v1/echo HTTP/1.1\r\n" HOST "Authorization: Bearer wrong\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n" HOST "\r\n",
        "GET /api/v1/nowhere HTTP/1.1\r\n" HOST KEY "\r\n",
    };

    (void)state;
    assert_answer("GET /api/v1/echo HTTP/1.1\r\n" HOST KEY "\r\n", "X-EM-Build: test-build\r\n",
                  "\"who\":\"all\"");
    assert_answer("GET /api/v1/echo HTTP/1.1\r\n" HOST "Authorization: Bearer none\r\n\r\n",
                  "X-EM-Build: test-build\r\n", "403 Forbidden");
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        char *answer = ask(strangers[i]);

        assert_null(strstr(answer, "X-EM-Build"));
        free(answer);
    }
}

static void test_who_asks_is_checked(void **state)
{
    (void)state;
    assert_answer("GET /api/v1/echo HTTP/1.1\r\n" HOST "\r\n", "401 Unauthorized",
                  "\"code\":\"credentials_missing\"");
    assert_answer("GET /api/v1/echo HTTP/1.1\r\n" HOST "Authorization: Bearer wrong\r\n\r\n",
                  "WWW-Authenticate: Bearer\r\n", "\"code\":\"credentials_invalid\"");
    assert_answer("GET /api/v1/echo HTTP/1.1\r\n" HOST "Authorization: Bearer none\r\n\r\n",
                  "403 Forbidden", "This needs the permission inventory.read.");
    assert_answer("GET /api/v1/echo HTTP/1.1\r\n" HOST "Authorization: Bearer slow-all\r\n\r\n",
                  "200 OK", "\"who\":\"slow\"");
    assert_answer("GET /api/v1/echo HTTP/1.1\r\n" HOST "Authorization: Bearer slow-wrong\r\n\r\n",
                  "401 Unauthorized", "\"code\":\"credentials_invalid\"");
    assert_answer("GET /api/v1/open HTTP/1.1\r\n" HOST "Cookie: x=y; em_session=stale\r\n\r\n",
                  "200 OK", "\"who\":\"\"");
}

static void test_writes_by_cookie_need_the_token(void **state)
{
    (void)state;
    assert_answer(POST("Cookie: em_session=browser\r\n", "11\r\n\r\n{\"key\":\"a\"}"),
                  "403 Forbidden", "\"code\":\"csrf_refused\"");
    assert_answer(POST("Cookie: em_session=browser\r\nX-CSRF-Token: csrf-of-browsex\r\n",
                       "11\r\n\r\n{\"key\":\"a\"}"),
                  "403 Forbidden", "\"code\":\"csrf_refused\"");
    assert_answer(POST("Cookie: em_session=browser\r\nX-CSRF-Token: csrf-of-browser\r\n"
                       "Origin: http://elsewhere\r\n",
                       "11\r\n\r\n{\"key\":\"a\"}"),
                  "403 Forbidden", "\"code\":\"origin_refused\"");
    assert_answer(POST("Cookie: em_session=browser\r\nX-CSRF-Token: csrf-of-browser\r\n"
                       "Origin: http://localhost\r\n",
                       "11\r\n\r\n{\"key\":\"a\"}"),
                  "201 Created", "Location: /api/v1/things/1\r\n");
}

static void test_a_handler_runs_on_a_worker(void **state)
{
    (void)state;
    assert_answer(POST(KEY, "11\r\n\r\n{\"key\":\"a\"}"), "HTTP/1.1 201 Created\r\n",
                  "{\"key\":\"a\"}");
    assert_answer(
        "POST /api/v1/things HTTP/1.1\r\n" HOST KEY
        "Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\n{\"key\r\n6\r\n\":\"b\"}\r\n0\r\n\r\n",
        "201 Created", "{\"key\":\"b\"}");
    assert_answer(POST(KEY, "23\r\n\r\n{\"key\":\"a\",\"fail\":true}"), "409 Conflict",
                  "\"code\":\"key_taken\"");
}

static void test_bugs_tell_nothing(void **state)
{
    char *answer = ask(POST(KEY, "22\r\n\r\n{\"key\":\"a\",\"bug\":true}"));

    (void)state;
    assert_has(answer, "500 Internal Server Error");
    assert_has(answer, "\"code\":\"internal\"");
    assert_null(strstr(answer, "SELECT"));
    assert_null(strstr(answer, "statement_wrong"));
    free(answer);
}

static void test_bodies_are_checked(void **state)
{
    (void)state;
    assert_answer(POST(KEY, "2\r\n\r\n{]"), "400 Bad Request", "\"code\":\"json_malformed\"");
    assert_answer(POST(KEY, "21\r\n\r\n{\"key\":\"a\",\"key\":\"b\"}"), "400 Bad Request",
                  "json_malformed");
    assert_answer(POST(KEY, "24\r\n\r\n{\"port\":70000,\"other\":1}"), "422 Unprocessable Content",
                  "{\"pointer\":\"/port\",\"code\":\"maximum\",\"detail\":\"must be between 1 and "
                  "65535, is 70000\"}");
    assert_answer(POST(KEY, "24\r\n\r\n{\"port\":70000,\"other\":1}"), "\"/key\"", "\"/other\"");
    assert_answer("POST /api/v1/things HTTP/1.1\r\n" HOST KEY "\r\n", "400 Bad Request",
                  "\"code\":\"body_missing\"");
    assert_answer("POST /api/v1/things HTTP/1.1\r\n" HOST KEY
                  "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
                  "415 Unsupported Media Type", "media_type_unsupported");
    assert_answer("POST /api/v1/things HTTP/1.1\r\n" HOST KEY
                  "Content-Type: application/json\r\nContent-Length: 1048577\r\n\r\n",
                  "413 Content Too Large", "body_too_large");
    assert_answer("POST /api/v1/limited HTTP/1.1\r\n" HOST
                  "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                  "200 OK", "who");
    assert_answer("POST /api/v1/limited HTTP/1.1\r\n" HOST
                  "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
                  "400 Bad Request", "body_unexpected");
}

#define HOOK(query, head, length_and_body)                                                         \
    "POST /hooks/in/secret" query " HTTP/1.1\r\n" HOST head "Content-Length: " length_and_body
#define JSON_TYPE "Content-Type: application/json\r\n"
#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded\r\n"
#define TEXT_TYPE "Content-Type: text/plain\r\n"

static void test_hooks_take_what_comes(void **state)
{
    (void)state;
    assert_answer("POST /hooks/in/secret HTTP/1.1\r\n" HOST "\r\n", "200 OK",
                  "{\"who\":\"\",\"json\":null}");
    assert_answer(HOOK("?q=a+b", "", "0\r\n\r\n"), "200 OK", "\"q\":\"a b\"");
    assert_answer(HOOK("", JSON_TYPE, "11\r\n\r\n{\"key\":\"a\"}"), "200 OK",
                  "\"json\":{\"key\":\"a\"}");
    assert_answer(HOOK("", JSON_TYPE, "11\r\n\r\n{\"kez\":\"a\"}"), "422 Unprocessable Content",
                  "\"/kez\"");
    assert_answer(HOOK("", JSON_TYPE, "1\r\n\r\n{"), "400 Bad Request", "json_malformed");
    assert_answer(HOOK("", FORM_TYPE, "10\r\n\r\nq=%C3%BC+x"), "200 OK", "\"q\":\"\xc3\xbc x\"");
    assert_answer(HOOK("?q=a", FORM_TYPE, "3\r\n\r\nq=b"), "400 Bad Request", "repeated");
    assert_answer(HOOK("", FORM_TYPE, "3\r\n\r\nr=b"), "400 Bad Request", "unknown_parameter");
    assert_answer(HOOK("", TEXT_TYPE, "3\r\n\r\n{x}"), "200 OK", "\"text\":\"{x}\"");
    assert_answer(HOOK("", "", "1\r\n\r\nx"), "415 Unsupported Media Type", "text/plain");
    assert_answer(HOOK("", TEXT_TYPE "Content-Encoding: gzip\r\n", "1\r\n\r\nx"),
                  "415 Unsupported Media Type", "media_type_unsupported");
    assert_answer(HOOK("?q=later", "", "0\r\n\r\n"), "429 Too Many Requests",
                  "Retry-After: 42\r\n");
}

/* Whatever credentials come along: nobody looks at them, and nobody waits for them. */
static void test_hooks_ask_nobody_who_they_are(void **state)
{
    (void)state;
    assert_answer(HOOK("", KEY, "0\r\n\r\n"), "200 OK", "{\"who\":\"\",\"json\":null}");
    assert_answer(HOOK("", "Authorization: Bearer slow-nobody\r\n", "0\r\n\r\n"), "200 OK",
                  "{\"who\":\"\",\"json\":null}");
    assert_answer(
        HOOK("", "Cookie: em_session=browser\r\nOrigin: https://other.test\r\n", "0\r\n\r\n"),
        "200 OK", "{\"who\":\"\",\"json\":null}");
}

static void test_parameters_are_checked_all_at_once(void **state)
{
    char *answer =
        ask("GET /api/v1/echo?limit=0&bogus=1&q=a&q=b&limit=%2 HTTP/1.1\r\n" HOST KEY "\r\n");

    (void)state;
    assert_has(answer, "400 Bad Request");
    assert_has(answer, "{\"pointer\":\"?limit\",\"code\":\"invalid\"");
    assert_has(answer, "{\"pointer\":\"?bogus\",\"code\":\"unknown_parameter\"");
    assert_has(answer, "{\"pointer\":\"?q\",\"code\":\"repeated\"");
    assert_has(answer, "\"code\":\"malformed\"");
    free(answer);
}

static void test_versions_are_compared(void **state)
{
#define DELETE "DELETE /api/v1/things/00000000-0000-7000-8000-000000000001 HTTP/1.1\r\n" HOST KEY
    (void)state;
    assert_answer(DELETE "\r\n", "204 No Content", "\r\n\r\n");
    assert_answer(DELETE "If-Match: \"7\"\r\n\r\n", "204 No Content", "\r\n\r\n");
    assert_answer(DELETE "If-Match: \"7.3\"\r\n\r\n", "204 No Content", "\r\n\r\n");
    assert_answer(DELETE "If-Match: \"6\"\r\n\r\n", "412 Precondition Failed",
                  "\"code\":\"precondition_failed\"");
    assert_answer("DELETE /api/v1/things/7 HTTP/1.1\r\n" HOST KEY "\r\n", "404 Not Found",
                  "\"code\":\"not_found\"");
}

static void test_methods(void **state)
{
    char *answer;

    (void)state;
    assert_answer("PUT /api/v1/echo HTTP/1.1\r\n" HOST KEY "\r\n", "405 Method Not Allowed",
                  "Allow: GET, HEAD, OPTIONS\r\n");
    assert_answer("TRACE /api/v1/things HTTP/1.1\r\n" HOST KEY "\r\n", "405 Method Not Allowed",
                  "Allow: POST, OPTIONS\r\n");
    assert_answer("OPTIONS /api/v1/things HTTP/1.1\r\n" HOST "\r\n", "204 No Content",
                  "Allow: POST, OPTIONS\r\n");
    assert_answer("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "204 No Content", "Allow: GET, HEAD");
    assert_answer("POST /page HTTP/1.1\r\n" HOST "\r\n", "405 Method Not Allowed",
                  "Allow: GET, HEAD, OPTIONS\r\n");

    answer = ask("HEAD /api/v1/open HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_has(answer, "Content-Length: 10\r\n");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
}

static void test_requests_may_be_pipelined(void **state)
{
    int fd = dial();
    char request[256];

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(request, sizeof request, "GET /api/v1/echo?q=%d HTTP/1.1\r\n" HOST KEY "\r\n", i);
        say(fd, request);
    }
    for (int i = 0; i < 200; i++) {
        char *answer = hear(fd);

        snprintf(request, sizeof request, "{\"q\":\"%d\"", i);
        assert_has(answer, request);
        free(answer);
    }
    close(fd);
}

static void test_handlers_and_bodies_may_be_pipelined(void **state)
{
    int fd = dial();

    (void)state;
    for (int i = 0; i < 30; i++)
        say(fd, POST(KEY, "11\r\n\r\n{\"key\":\"a\"}") "GET /api/v1/open HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 30; i++) {
        char *created = hear(fd);
        char *opened = hear(fd);

        assert_has(created, "201 Created");
        assert_has(opened, "200 OK");
        free(created);
        free(opened);
    }
    close(fd);
}

static void test_a_connection_ends_when_asked(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, "GET /api/v1/open HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    free(hear(fd));
    assert_true(is_closed(fd));
    close(fd);

    fd = dial();
    say(fd, "GET /api/v1/open HTTP/1.0\r\n\r\n");
    free(hear(fd));
    assert_true(is_closed(fd));
    close(fd);
}

static void test_malformed_requests_end_the_connection(void **state)
{
    int fd = dial();
    char *answer;

    (void)state;
    say(fd,
        "GET /api/v1/open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /api/v1/open HTTP/1.1\r\n" HOST
        "\r\n");
    answer = hear(fd);
    assert_has(answer, "400 Bad Request");
    assert_has(answer, "There has to be exactly one Host field.");
    assert_has(answer, "Connection: close\r\n");
    assert_true(is_closed(fd));
    free(answer);
    close(fd);
}

static void test_limits_of_the_head(void **state)
{
    struct buf request = {0};

    (void)state;
    buf_append_text(&request, "GET /");
    for (int i = 0; i < 8200; i++)
        buf_append_char(&request, 'x');
    buf_append_text(&request, " HTTP/1.1\r\n" HOST "\r\n");
    assert_answer(request.data, "414 URI Too Long", "target_too_long");

    buf_reset(&request);
    buf_append_text(&request, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 100; i++)
        buf_append_text(&request, "X-A: b\r\n");
    buf_append_text(&request, "\r\n");
    assert_answer(request.data, "431 Request Header Fields Too Large", "head_too_large");

    buf_reset(&request);
    buf_append_text(&request, "GET / HTTP/1.1\r\n" HOST "X: ");
    for (int i = 0; i < 17000; i++)
        buf_append_char(&request, 'x');
    assert_answer(request.data, "431 Request Header Fields Too Large", "head_too_large");
    buf_clear(&request);
}

static void test_large_answers_come_whole(void **state)
{
    int fd = dial();

    (void)state;
    for (int round = 0; round < 3; round++) {
        char *answer;

        say(fd, "GET /api/v1/large?limit=1000 HTTP/1.1\r\n" HOST "\r\n"
                "GET /api/v1/open HTTP/1.1\r\n" HOST "\r\n");
        answer = hear(fd);
        assert_has(answer, "Content-Length: 64002\r\n");
        assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 64002);
        free(answer);
        answer = hear(fd);
        assert_has(answer, "{\"who\":\"\"}");
        free(answer);
    }
    close(fd);
}

static void test_expect_continue_is_answered(void **state)
{
    int fd = dial();
    char *answer;

    (void)state;
    say(fd, "POST /api/v1/things HTTP/1.1\r\n" HOST KEY
            "Content-Type: application/json\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    answer = hear(fd);
    assert_string_equal(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    free(answer);
    say(fd, "{\"key\":\"a\"}");
    answer = hear(fd);
    assert_has(answer, "201 Created");
    free(answer);
    close(fd);
}

static void test_callers_are_held_to_their_rate(void **state)
{
    bool limited = false;
    int fd = dial();

    (void)state;
    for (int i = 0; i < 40 && !limited; i++) {
        char *answer;

        say(fd, "POST /api/v1/limited HTTP/1.1\r\n" HOST "\r\n");
        answer = hear(fd);
        limited = strstr(answer, "429 Too Many Requests") != NULL;
        if (limited)
            assert_has(answer, "Retry-After: ");
        free(answer);
    }
    assert_true(limited);
    close(fd);
}

static void test_the_service_tells_of_itself(void **state)
{
    (void)state;
    assert_answer("GET /healthz HTTP/1.1\r\n" HOST "\r\n", "200 OK", "{\"status\":\"ok\"}");
    assert_answer("GET /readyz HTTP/1.1\r\n" HOST "\r\n", "200 OK", "\"status\":\"ready\"");
    assert_answer("GET /metrics HTTP/1.1\r\n" HOST "\r\n", "text/plain; version=0.0.4",
                  "em_http_requests_total{class=\"ok\"}");
    assert_answer("GET /api/v1/openapi.json HTTP/1.1\r\n" HOST "\r\n", "200 OK",
                  "\"operationId\":\"create_thing\"");
}

static void test_without_descriptors_new_clients_are_turned_away(void **state)
{
    enum { CLIENTS = 30 };

    int clients[CLIENTS];
    int known = dial();
    int lowest_free;
    int64_t refused = metric_value(&server_metrics.connections_refused);
    struct rlimit before;
    struct rlimit tight;

    (void)state;
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    lowest_free = dup(known);
    close(lowest_free);
    getrlimit(RLIMIT_NOFILE, &before);
    tight = (struct rlimit){(rlim_t)lowest_free + 5, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);

    for (int i = 0; i < CLIENTS; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons(api_server_port(server)),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    for (int i = 0; i < 500 && metric_value(&server_metrics.connections_refused) < refused + 25;
         i++)
        poll(NULL, 0, 10);
    assert_true(metric_value(&server_metrics.connections_refused) >= refused + 25);

    /* Who is there is served. */
    say(known, "GET /api/v1/open HTTP/1.1\r\n" HOST "\r\n");
    free(hear(known));
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    close(known);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_answer("GET /api/v1/open HTTP/1.1\r\n" HOST "\r\n", "200 OK", "who");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_has_the_headers_of_security),
        cmocka_unit_test(test_a_memory_route_answers),
        cmocka_unit_test(test_only_who_has_signed_in_is_told_the_build),
        cmocka_unit_test(test_who_asks_is_checked),
        cmocka_unit_test(test_writes_by_cookie_need_the_token),
        cmocka_unit_test(test_a_handler_runs_on_a_worker),
        cmocka_unit_test(test_bugs_tell_nothing),
        cmocka_unit_test(test_bodies_are_checked),
        cmocka_unit_test(test_hooks_take_what_comes),
        cmocka_unit_test(test_hooks_ask_nobody_who_they_are),
        cmocka_unit_test(test_parameters_are_checked_all_at_once),
        cmocka_unit_test(test_versions_are_compared),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_requests_may_be_pipelined),
        cmocka_unit_test(test_handlers_and_bodies_may_be_pipelined),
        cmocka_unit_test(test_a_connection_ends_when_asked),
        cmocka_unit_test(test_malformed_requests_end_the_connection),
        cmocka_unit_test(test_limits_of_the_head),
        cmocka_unit_test(test_large_answers_come_whole),
        cmocka_unit_test(test_expect_continue_is_answered),
        cmocka_unit_test(test_callers_are_held_to_their_rate),
        cmocka_unit_test(test_the_service_tells_of_itself),
        cmocka_unit_test(test_without_descriptors_new_clients_are_turned_away),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
